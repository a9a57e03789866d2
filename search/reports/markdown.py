"""Pieces of Markdown (GitHub's), with foreign text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape as escape_html

from search.reports.text import printable

SPECIAL = re.compile(r"([\\`*_\[\]{}#|~!$@<>])")
BLOCKS = "▁▂▃▄▅▆▇█"


def escape(text: str) -> str:
    r"""Return text that Markdown prints as it is, on one line, also inside a table.

    Examples
    --------
    >>> print(escape("a|b <script>"))
    a\|b &lt;script&gt;
    """
    line = " ".join(printable(text).split())
    marked = SPECIAL.sub(r"\\\1", line)
    return escape_html(marked, quote=False).replace("\\&lt;", "&lt;").replace("\\&gt;", "&gt;")


def fenced(text: str, language: str = "") -> str:
    """Return a code block whose fence is longer than any run of backticks inside.

    Examples
    --------
    >>> print(fenced("a = 1", "python"))
    ```python
    a = 1
    ```
    """
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{printable(text)}\n{fence}"


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: int | None = None
) -> str:
    """Return a table; columns from `numeric` on are aligned to the right.

    Cells must be escaped already.

    Examples
    --------
    >>> print(table(["name", "value"], [["lr", "0.1"]], numeric=1))
    | name | value |
    |:---|---:|
    | lr | 0.1 |
    """
    start = len(heads) if numeric is None else numeric
    rule = [":---" if i < start else "---:" for i in range(len(heads))]
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(rule)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def spark(shares: Iterable[float]) -> str:
    """Return values from 0 to 1 as one small block each.

    Examples
    --------
    >>> spark([0.0, 0.5, 1.0])
    '▁▅█'
    """
    return "".join(BLOCKS[min(7, int(8 * share))] for share in shares)


def bar(share: float, width: int = 20) -> str:
    """Return a share from 0 to 1 as a bar.

    Examples
    --------
    >>> bar(0.5, width=4)
    '██'
    """
    return "█" * round(share * width)

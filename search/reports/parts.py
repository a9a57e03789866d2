"""Small tables under titles, for a terminal and as Markdown: the same in both."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.reports.markdown import escape
from search.reports.markdown import table as markdown_table
from search.reports.text import printable

NARROW, WIDE = 80, 130


@dataclass(frozen=True)
class Part:
    """A table with its title, or a sentence where there is nothing to show in one."""

    title: str
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    note: str = ""


def parts_table(parts: Iterable[Part]) -> str:
    """Return parts as plain text, as wide as the terminal allows."""
    width = min(WIDE, max(NARROW, shutil.get_terminal_size().columns))
    console = Console(file=StringIO(), width=width, color_system=None, highlight=False, emoji=False)
    for part in parts:
        console.print(Text(printable(f"{part.title}{f': {part.note}' if part.note else ''}")))
        if part.rows:
            console.print(_rich(part))
    return console.file.getvalue() if isinstance(console.file, StringIO) else ""


def parts_markdown(title: str, parts: Iterable[Part]) -> str:
    """Return parts as Markdown, under a title."""
    pieces = [f"# {escape(title)}"]
    for part in parts:
        pieces.append(f"## {escape(part.title)}")
        if part.note:
            pieces.append(escape(part.note))
        if part.rows:
            rows = [[escape(cell) for cell in row] for row in part.rows]
            pieces.append(markdown_table([escape(head) for head in part.heads], rows))
    return "\n\n".join(pieces) + "\n"


def _rich(part: Part) -> Table:
    found = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(part.heads):
        found.add_column(
            Text(printable(head)), justify="left" if place == 0 else "right", overflow="fold"
        )
    for row in part.rows:
        found.add_row(*(Text(printable(cell)) for cell in row))
    return found

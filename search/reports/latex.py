"""Pieces of LaTeX, with foreign text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from search.reports.text import printable

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "{''}",
    "[": "{[}",  # at the start of a row it would be an argument of the row before
    "]": "{]}",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "∞": r"$\infty$",
    "…": r"\ldots{}",
    "–": "--",
    "²": r"$^2$",
}
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        (
            *("alpha", "beta", "gamma", "delta", "varepsilon", "zeta", "eta", "theta", "iota"),
            *("kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon"),
            *("varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi"),
            *("Sigma", "Phi", "Psi", "Omega"),
        ),
        strict=True,
    )
)
TABLE = {**SPECIAL, **{letter: rf"$\{name}$" for letter, name in GREEK.items()}}


def escape(text: str) -> str:
    r"""Return text that LaTeX prints as it is, on one line.

    Examples
    --------
    >>> print(escape("50 % of model_a & β"))
    50 \% of model\_a \& $\beta$
    """
    line = " ".join(printable(text).split())
    return "".join(TABLE.get(character, character) for character in line)


def comment(text: str) -> str:
    """Return text as a comment, on one line."""
    return "% " + re.sub(r"\s+", " ", printable(text))


def tabular(columns: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a booktabs table body; cells must be escaped already.

    Examples
    --------
    >>> print(tabular("lr", ["a", "b"], [["x", "1"]]))
    \begin{tabular}{lr}
    \toprule
    a & b \\
    \midrule
    x & 1 \\
    \bottomrule
    \end{tabular}
    """
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines)


def floating(body: str, caption: str, label: str, *, wide: bool = True) -> str:
    """Return a table that floats; the caption must be escaped already."""
    kind = "table*" if wide else "table"
    return "\n".join(
        [
            rf"\begin{{{kind}}}[t]",
            r"\centering\small",
            rf"\caption{{{caption}}}",
            rf"\label{{{label}}}",
            body,
            rf"\end{{{kind}}}",
        ]
    )

"""What all figures share: their frame on the page, marks, lines and labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any

from plotly import graph_objects as go

from search.reports import palette
from search.reports.text import clipped, number, printable
from search.reports.views import View

MANY = 150  # marks or lines; more are drawn smaller


@dataclass(frozen=True)
class Drawing:
    """A figure with the words around it.

    Parameters
    ----------
    key
        Unique on a page.
    title
        What one sees.
    caption
        How to read it.
    description
        The same in words, for those who do not see it.
    figure
        The plotly figure, in light colours.
    """

    key: str
    title: str
    caption: str
    description: str
    figure: go.Figure


def label(text: str, limit: int = 28) -> str:
    """Return foreign text as plotly may print it, which reads some HTML in every label."""
    return escape(clipped(printable(text), limit), quote=False)


def wrapped(text: str, width: int = 14, lines: int = 3) -> str:
    """Return foreign text on a few short lines, as plotly may print it.

    Examples
    --------
    >>> wrapped("Logistic regression on <raw> features")
    'Logistic<br>regression on<br>&lt;raw&gt; features'
    """
    pieces = wrap(printable(text), width, max_lines=lines, placeholder="…")
    return "<br>".join(escape(piece, quote=False) for piece in pieces)


def frame(height: int, **layout: Any) -> go.Figure:
    """Return an empty figure with the common look."""
    return go.Figure(layout={"template": palette.template(), "height": height, **layout})


def mark_size(count: int) -> int:
    """Return the size in pixels at which so many marks can be told apart."""
    return 8 if count <= MANY else 5


def value_axis(metric: str, direction: str, view: View) -> dict[str, Any]:
    """Return the axis of a metric: the view's range, and which way is better."""
    arrow = "higher is better" if direction == "maximize" else "lower is better"
    scale = ", log" if view.log else ""
    return {
        "title": {"text": f"{label(metric)} <i>({arrow}{scale})</i>"},
        "range": list(view.ends),
        "type": "log" if view.log else "linear",
        **(
            {"tickvals": list(view.ticks), "ticktext": [number(tick) for tick in view.ticks]}
            if view.log
            else {}
        ),
    }


def marks(
    x: Sequence[Any],
    y: Sequence[Any],
    kind: str,
    tone: palette.Tone,
    *,
    name: str,
    hover: Sequence[str] = (),
    size: int = 8,
    **more: Any,
) -> go.Scatter:
    """Return markers of one kind; `hover` holds a line for each, already safe to print."""
    return go.Scatter(
        x=list(x),
        y=list(y),
        mode="markers",
        name=name,
        marker={
            "symbol": palette.SYMBOL[kind],
            "size": size,
            "color": tone.light,
            "line": {"width": 1.4, "color": tone.light},
        },
        text=list(hover),
        hovertemplate="%{text}<extra></extra>",
        **more,
    )


def star(x: float, y: float, hover: str, **more: Any) -> go.Scatter:
    """Return the mark of the best trial."""
    found = marks([x], [y], "best", palette.BEST, name="best", hover=[hover], size=16, **more)
    found.marker.line = {"width": 1.2, "color": palette.INK.light}
    return found


def diamond(x: float, y: float, hover: str, **more: Any) -> go.Scatter:
    """Return the mark of the baseline."""
    return marks(
        [x], [y], "baseline", palette.BASELINE, name="baseline", hover=[hover], size=11, **more
    )


def polyline(pieces: Iterable[tuple[Sequence[Any], Sequence[Any]]]) -> tuple[list[Any], list[Any]]:
    """Return the points of many lines as one, with a break between them."""
    x: list[Any] = []
    y: list[Any] = []
    for xs, ys in pieces:
        x += [*xs, None]
        y += [*ys, None]
    return x, y

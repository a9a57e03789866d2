"""Pictures for papers: a few shapes on a page, written as SVG.

Plotly needs a browser to write SVG or PDF; these pictures need nothing. Lengths are points (1/72
inch), the origin is the upper left corner, colours are light: paper is white.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from search.reports.palette import Tone
from search.reports.text import printable

Point: TypeAlias = tuple[float, float]
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
WIDTHS = (  # of Helvetica's characters from space to tilde, in thousandths of the size
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
)
OTHER_WIDTH = 556


@dataclass(frozen=True)
class Path:
    """Lines through points; `dash` in points, `opacity` below 1 fills the shape instead."""

    points: Sequence[Point]
    tone: Tone
    width: float = 1.0
    dash: Sequence[float] = ()
    opacity: float = 1.0


@dataclass(frozen=True)
class Dot:
    """A filled or open circle."""

    at: Point
    radius: float
    tone: Tone
    filled: bool = True


@dataclass(frozen=True)
class Words:
    """A line of text; `anchor` is start, middle or end."""

    at: Point
    text: str
    tone: Tone
    size: float = 9.0
    anchor: str = "start"
    bold: bool = False


Shape: TypeAlias = Path | Dot | Words


@dataclass(frozen=True)
class Picture:
    """Shapes in the order in which they are painted, with words for those who do not see them."""

    key: str
    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str
    description: str


def text_width(text: str, size: float) -> float:
    """Return how wide Helvetica sets a text.

    Examples
    --------
    >>> text_width("AB", 10.0)
    13.34
    """
    found = [WIDTHS[ord(c) - 32] if 32 <= ord(c) < 32 + len(WIDTHS) else OTHER_WIDTH for c in text]
    return sum(found) * size / 1000


def svg(picture: Picture) -> str:
    """Return a picture as an SVG document."""
    width, height = _n(picture.width), _n(picture.height)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{FONT}">',
        f"<title>{_safe(picture.title)}</title>",
        f"<desc>{_safe(picture.description)}</desc>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *(_shape(shape) for shape in picture.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _shape(shape: Shape) -> str:
    match shape:
        case Path():
            return _path(shape)
        case Dot():
            x, y = shape.at
            fill = shape.tone.light if shape.filled else "#ffffff"
            return (
                f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(shape.radius)}" fill="{fill}" '
                f'stroke="{shape.tone.light}" stroke-width="1.2"/>'
            )
        case Words():
            x, y = shape.at
            weight = ' font-weight="bold"' if shape.bold else ""
            return (
                f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(shape.size)}" '
                f'text-anchor="{shape.anchor}" fill="{shape.tone.light}"{weight}>'
                f"{_safe(shape.text)}</text>"
            )


def _path(shape: Path) -> str:
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in shape.points)
    if shape.opacity < 1:
        fill = f'fill="{shape.tone.light}" fill-opacity="{_n(shape.opacity)}"'
        return f'<polygon points="{points}" {fill}/>'
    dash = f' stroke-dasharray="{_numbers(shape.dash)}"' if shape.dash else ""
    return (
        f'<polyline points="{points}" fill="none" stroke="{shape.tone.light}" '
        f'stroke-width="{_n(shape.width)}"{dash}/>'
    )


def _safe(text: str) -> str:
    return escape(printable(text).replace("\n", " "), quote=True)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def _numbers(values: Iterable[float]) -> str:
    return " ".join(_n(value) for value in values)

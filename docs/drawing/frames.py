"""Frames, axes and intervals for the pictures of the statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search.reports import palette
from search.reports.palette import Tone
from search.reports.picture_plots import ticks
from search.reports.text import number
from search.reports.vector import Dot, Path, Picture, Shape, Words, svg

WIDTH = 400.0
SIZE = 11.0
SMALL = 9.5
DASH = (5.0, 3.0)


@dataclass(frozen=True)
class Frame:
    """A rectangle of the page, and the numbers that its sides stand for.

    Parameters
    ----------
    left, right, top, bottom
        In points.
    x, y
        From low to high.
    """

    left: float
    right: float
    top: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float] = (0.0, 1.0)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies on the page."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            self.left + across * (self.right - self.left),
            self.bottom - up * (self.bottom - self.top),
        )

    def below(self, title: str, marks: Sequence[float] = ()) -> Iterator[Shape]:
        """Draw the axis below."""
        for tick in marks or ticks(*self.x, 6):
            at, _ = self.at(tick, 0)
            yield Path([(at, self.top), (at, self.bottom)], palette.GRID, 0.7)
            yield Words((at, self.bottom + 13), number(tick), palette.MUTED, SMALL, "middle")
        middle = (self.left + self.right) / 2
        yield Words((middle, self.bottom + 29), title, palette.INK, SIZE, "middle")

    def beside(self, title: str, *, percent: bool = False) -> Iterator[Shape]:
        """Draw the axis at the left; its title stands above."""
        for tick in ticks(*self.y, 5):
            _, at = self.at(0, tick)
            text = f"{100 * tick:.0f} %" if percent else number(tick)
            yield Path([(self.left, at), (self.right, at)], palette.GRID, 0.7)
            yield Words((self.left - 6, at + 3), text, palette.MUTED, SMALL, "end")
        yield Words((8, self.top - 10), title, palette.INK, SIZE)

    def upright(self, x: float, tone: Tone, dash: Sequence[float] = ()) -> Shape:
        """Draw a line from top to bottom."""
        at, _ = self.at(x, 0)
        return Path([(at, self.top), (at, self.bottom)], tone, 1.2, dash)

    def line(
        self, xs: Sequence[float], ys: Sequence[float], tone: Tone, dash: Sequence[float] = ()
    ) -> Shape:
        """Draw a line through points."""
        return Path([self.at(x, y) for x, y in zip(xs, ys, strict=True)], tone, 2.0, dash)

    def interval(self, low: float, middle: float, high: float, y: float, tone: Tone) -> list[Shape]:
        """Draw an estimate with its interval, lying."""
        (a, at), (b, _), (m, _) = self.at(low, y), self.at(high, y), self.at(middle, y)
        ends: list[Shape] = [Path([(e, at - 3), (e, at + 3)], tone, 1.4) for e in (a, b)]
        return [Path([(a, at), (b, at)], tone, 1.6), *ends, Dot((m, at), 3.0, tone)]


def key(y: float, words: str, tone: Tone, dash: Sequence[float] = ()) -> Iterator[Shape]:
    """Say below a picture what a line is."""
    yield Path([(46, y - 4), (66, y - 4)], tone, 2.0, dash)
    yield Words((72, y), words, palette.INK, SIZE)


def drawn(picture: Picture) -> str:
    """Return a picture that follows the reader's screen, light or dark."""
    rules = "".join(
        f'[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}'
        for light, dark in palette.dark_of().items()
        if f'"{light}"' in svg(picture)
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    return svg(picture).replace("<title>", f"{style}\n<title>", 1)

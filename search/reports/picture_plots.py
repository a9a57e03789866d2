"""Two kinds of picture for a paper: rows with intervals, and lines over steps or trials."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from search.reports import palette, verdict_looks
from search.reports.palette import Tone
from search.reports.priority_result import PriorityReport
from search.reports.priority_words import change, interval_words
from search.reports.text import clipped, number
from search.reports.vector import Dot, Path, Picture, Shape, Words, text_width
from search.reports.views import View, view_of

WIDTH = 460.0  # points: a text block


ROW = 24.0


SIZE = 9.0


LONGEST = 30  # characters of a label


DASHES = {"solid": (), "dash": (6, 3), "dot": (1.5, 2.5), "dashdot": (6, 2.5, 1.5, 2.5)}


LONG_DASH = (10.0, 4.0)


TICKS = 8


BASELINE = "baseline"


@dataclass(frozen=True)
class Reach:
    """One row of an interval plot."""

    name: str
    estimate: float
    low: float | None
    high: float | None
    tone: Tone
    filled: bool = True


@dataclass(frozen=True)
class Course:
    """One line of a line plot, with a band around it."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    tone: Tone
    dash: Sequence[float]
    width: float


def course_of(
    arm: str,
    x: Sequence[float],
    y: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    place: int,
) -> Course:
    """Return one line; `low` and `high` are empty where it has no band."""
    if arm == BASELINE:
        return Course(arm, x, y, low, high, palette.BASELINE, DASHES["dash"], 1.8)
    tone, dash = verdict_looks.line_look(place)
    return Course(arm, x, y, low, high, tone, DASHES.get(dash, LONG_DASH), 1.2)


def interval_plot(
    key: str,
    title: str,
    rows: Sequence[Reach],
    marks: Sequence[str],
    scale: View,
    report: PriorityReport,
    *,
    deltas: Sequence[float] = (),
) -> Picture:
    """Return an interval plot: names to the left, what each row is called to the right."""
    names = [clipped(row.name, LONGEST) for row in rows]
    left = 14 + max((text_width(name, SIZE) for name in names), default=0.0)
    right = WIDTH - 14 - max((text_width(mark, SIZE) for mark in marks), default=0.0)
    top, bottom = 12.0, 12.0 + ROW * max(1, len(rows))

    def x(value: float) -> float:
        return left + scale.position(value) * (right - left)

    shapes: list[Shape] = [*_bottom_axis(scale, x, top, bottom, _effect_label(report), left, right)]
    shapes.append(Path([(x(0.0), top), (x(0.0), bottom)], palette.MUTED, 1.0))
    shapes += [Path([(x(d), top), (x(d), bottom)], palette.TARGET, 1.0, (4, 3)) for d in deltas]
    for i, (row, name) in enumerate(zip(rows, names, strict=True)):
        y = top + ROW * (i + 0.5)
        shapes.append(Words((left - 8, y + 3), name, palette.INK, SIZE, "end"))
        if row.low is not None and row.high is not None:
            shapes.append(Path([(x(row.low), y), (x(row.high), y)], row.tone, 1.8))
            shapes += [
                Path([(x(end), y - 3.5), (x(end), y + 3.5)], row.tone, 1.4)
                for end in (row.low, row.high)
                if scale.holds(end)
            ]
        shapes.append(Dot((x(row.estimate), y), 3.4, row.tone, filled=row.filled))
        if i < len(marks):
            shapes.append(Words((right + 8, y + 3), marks[i], row.tone, SIZE, bold=row.filled))
    return Picture(
        key, WIDTH, bottom + 38, tuple(shapes), f"{report.name}: {title}", _told(rows, report)
    )


def _told(rows: Sequence[Reach], report: PriorityReport) -> str:
    digits = report.decimals
    return "; ".join(
        f"{row.name}: {change(row.estimate, digits)} ({interval_words(row.low, row.high, digits)})"
        for row in rows
    )


def _effect_label(report: PriorityReport) -> str:
    return f"effect on {clipped(report.evaluation.metric, 40)} (right is better)"


def line_plot(
    key: str, title: str, lines: Sequence[Course], axis: str, report: PriorityReport
) -> Picture:
    """Return a line plot of the validation metric, with a legend below."""
    drawn = [v for line in lines for values in (line.y, line.low, line.high) for v in values]
    view = view_of(drawn)
    steps = [v for line in lines for v in line.x]
    span = View(min(steps), max(max(steps), min(steps) + 1))
    left, right, top = 58.0, WIDTH - 14, 22.0
    legend = [clipped(line.name, LONGEST + 10) for line in lines]
    bottom = 240.0

    def x(value: float) -> float:
        return left + span.position(value) * (right - left)

    def y(value: float) -> float:
        return bottom - view.position(value) * (bottom - top)

    shapes: list[Shape] = [*_bottom_axis(span, x, top, bottom, axis, left, right)]
    for tick in view.ticks if view.log else ticks(view.low, view.high):
        shapes.append(Path([(left, y(tick)), (right, y(tick))], palette.GRID, 0.7))
        shapes.append(Words((left - 6, y(tick) + 3), number(tick), palette.MUTED, 8.0, "end"))
    metric = f"{clipped(report.objective.metric, 40)} (validation)"
    shapes.append(Words((left, top - 7), metric, palette.INK, SIZE))
    for line in lines:
        if line.low:
            band = [(x(a), y(b)) for a, b in zip(line.x, line.high, strict=True)]
            band += [(x(a), y(b)) for a, b in zip(line.x[::-1], line.low[::-1], strict=True)]
            shapes.append(Path(band, line.tone, opacity=0.14))
    for line in lines:
        points = [(x(a), y(b)) for a, b in zip(line.x, line.y, strict=True)]
        if len(points) == 1:
            shapes.append(Dot(points[0], 2.5, line.tone))
        shapes.append(Path(points, line.tone, line.width, line.dash))
    rows, more = _legend(list(zip(lines, legend, strict=True)), bottom + 44)
    told = "; ".join(f"{line.name} ends at {number(line.y[-1])}" for line in lines)
    return Picture(key, WIDTH, bottom + 40 + more, tuple(shapes + rows), f"{report.name}: {title}",
                   told)  # fmt: skip


def _bottom_axis(
    scale: View,
    x: Callable[[float], float],
    top: float,
    bottom: float,
    title: str,
    left: float,
    right: float,
) -> Iterator[Shape]:
    for tick in ticks(*scale.ends):
        at = x(tick)
        yield Path([(at, top), (at, bottom)], palette.GRID, 0.7)
        yield Words((at, bottom + 12), number(tick), palette.MUTED, 8.0, "middle")
    yield Words(((left + right) / 2, bottom + 28), title, palette.INK, SIZE, "middle")


def ticks(low: float, high: float, count: int = TICKS) -> list[float]:
    """Return round numbers inside a range, about `count` of them.

    Examples
    --------
    >>> ticks(-0.013, 0.052)
    [-0.01, 0.0, 0.01, 0.02, 0.03, 0.04, 0.05]
    """
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return [round(i * step, digits) for i in range(first, last + 1)]


def _legend(entries: Sequence[tuple[Course, str]], top: float) -> tuple[list[Shape], float]:
    """Return the names of the lines, as many in a row as fit, and their height."""
    shapes: list[Shape] = []
    x, y = 14.0, top
    for line, name in entries:
        length = 34 + text_width(name, SIZE)
        if x > 14.0 and x + length > WIDTH - 14:
            x, y = 14.0, y + 14
        shapes.append(Path([(x, y - 3), (x + 18, y - 3)], line.tone, line.width, line.dash))
        shapes.append(Words((x + 22, y), name, palette.INK, SIZE))
        x += length + 6
    return shapes, y - top + 14

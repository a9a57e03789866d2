"""Trials seen through their parameters: slices, parallel coordinates, where the best ones lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search.reports.axes import Axis
from search.reports.text import ABSENT, number, shown
from search.reports.trial_rows import TrialRow
from search.reports.views import View, view_of
from search.study import Objective

BANDS = ("best fifth", "second fifth", "middle fifth", "fourth fifth", "last fifth")
HALVES = ("better half", "other half")
SMALL = 10  # completed trials below which fifths mean nothing
JITTER = 0.28  # half-width over which the points of one choice are spread
GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, spread evenly


@dataclass(frozen=True)
class Points:
    """Points of one slice with the same outcome."""

    outcome: str
    numbers: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Slice:
    """The first objective against one parameter; a choice's points are spread sideways."""

    axis: Axis
    points: tuple[Points, ...]
    best: tuple[float, float] | None
    baseline: tuple[float, float] | None
    n_without: int


@dataclass(frozen=True)
class Line:
    """One trial: where it lies on every axis; None where the parameter did not exist."""

    number: int
    value: float
    positions: tuple[float | None, ...]
    score: float


@dataclass(frozen=True)
class Band:
    """Trials of similar value, from the best on; `low` and `high` are in the metric's unit."""

    label: str
    low: float
    high: float
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Parallel:
    """Parallel coordinates of the completed trials; scores lie from 0 (worse) to 1 (better)."""

    axes: tuple[Axis, ...]
    bands: tuple[Band, ...]
    score_ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class ParameterRow:
    """A parameter: baseline and best value, where the best fifth lies, whether at an edge."""

    axis: Axis
    baseline: str | None
    best: str | None
    best_fifth: str | None
    at_edge: bool
    changed: bool


def ranked(rows: Sequence[TrialRow], objective: Objective) -> list[TrialRow]:
    """Return the completed trials, best first; ties by number."""
    done = [row for row in rows if row.complete]
    return sorted(done, key=lambda row: (-objective.sign * row.values[0], row.number))


def slice_of(
    axis: Axis, rows: Sequence[TrialRow], best: TrialRow | None, baseline: TrialRow | None
) -> Slice:
    """Return the slice of one parameter."""
    scored = [row for row in rows if row.values and row.outcome in ("complete", "pruned")]
    having = [row for row in scored if _x(axis, row) is not None]
    return Slice(
        axis=axis,
        points=tuple(
            _points(axis, outcome, [row for row in having if row.outcome == outcome])
            for outcome in ("pruned", "complete")
        ),
        best=_point(axis, best),
        baseline=_point(axis, baseline),
        n_without=len(scored) - len(having),
    )


def _points(axis: Axis, outcome: str, rows: Sequence[TrialRow]) -> Points:
    return Points(
        outcome=outcome,
        numbers=tuple(row.number for row in rows),
        x=tuple(x for row in rows if (x := _x(axis, row)) is not None),
        y=tuple(row.values[0] for row in rows),
    )


def _point(axis: Axis, row: TrialRow | None) -> tuple[float, float] | None:
    x = None if row is None or not row.complete else _x(axis, row)
    return None if row is None or x is None else (x, row.values[0])


def _x(axis: Axis, row: TrialRow) -> float | None:
    """Return a trial's abscissa: its value, or its choice's index with a fixed spread."""
    if axis.name not in row.params:
        return None
    value = row.params[axis.name]
    if axis.categorical:
        index = axis.index(value)
        spread = 2 * JITTER * ((row.number * GOLDEN) % 1) - JITTER
        return None if index is None else round(index + spread, 3)
    return None if axis.position(value) is None else float(value)


def parallel(axes: Sequence[Axis], rows: Sequence[TrialRow], objective: Objective) -> Parallel:
    """Return the parallel coordinates of the completed trials, in bands of similar value."""
    best_first = ranked(rows, objective)
    values = [row.values[0] for row in best_first]
    view = view_of(values, values[:1], direction=objective.direction)
    labels = BANDS if len(best_first) >= SMALL else HALVES if len(best_first) > 1 else ("trial",)
    size = len(best_first) / len(labels)
    bands = [
        _band(label, best_first[round(i * size) : round((i + 1) * size)], axes, objective, view)
        for i, label in enumerate(labels)
        if best_first
    ]
    ends = (view.low, view.high) if objective.sign > 0 else (view.high, view.low)
    return Parallel(
        axes=tuple(axes),
        bands=tuple(bands),
        score_ticks=tuple((float(i), number(end, 3)) for i, end in enumerate(ends)),
    )


def _band(
    label: str, rows: Sequence[TrialRow], axes: Sequence[Axis], objective: Objective, view: View
) -> Band:
    values = [row.values[0] for row in rows]
    return Band(
        label=label,
        low=min(values),
        high=max(values),
        lines=tuple(
            Line(
                number=row.number,
                value=row.values[0],
                positions=tuple(_position(axis, row) for axis in axes),
                score=_score(view, objective, row.values[0]),
            )
            for row in rows
        ),
    )


def _position(axis: Axis, row: TrialRow) -> float | None:
    where = axis.position(row.params[axis.name]) if axis.name in row.params else None
    return None if where is None else round(where, 4)


def _score(view: View, objective: Objective, value: float) -> float:
    where = view.position(value)
    return round(where if objective.sign > 0 else 1 - where, 4)


def parameter_rows(
    axes: Sequence[Axis],
    best_first: Sequence[TrialRow],
    best: TrialRow | None,
    baseline: TrialRow | None,
) -> tuple[ParameterRow, ...]:
    """Return what the search found about each parameter; `best_first` are completed trials."""
    fifth = best_first[: len(best_first) // 5] if len(best_first) >= SMALL else ()
    rows = []
    for axis in axes:
        mine, theirs = _text(axis, best), _text(axis, baseline)
        value = best.params.get(axis.name) if best else None
        rows.append(
            ParameterRow(
                axis=axis,
                baseline=theirs if baseline else ABSENT,
                best=mine,
                best_fifth=_extent(axis, [r.params[axis.name] for r in fifth if _has(axis, r)]),
                at_edge=axis.at_edge(value),
                changed=best is not None and baseline is not None and mine != theirs,
            )
        )
    return tuple(rows)


def _has(axis: Axis, row: TrialRow) -> bool:
    return axis.name in row.params


def _text(axis: Axis, row: TrialRow | None) -> str | None:
    return shown(row.params[axis.name]) if row and _has(axis, row) else None


def _extent(axis: Axis, values: Sequence[Any]) -> str | None:
    """Return where values lie: from lowest to highest, or the choices by how often."""
    if not values:
        return None
    if axis.categorical:
        counted = Counter(shown(value) for value in values)
        return ", ".join(f"{choice} ({count})" for choice, count in counted.most_common(3))
    low, high = number(min(values), 3), number(max(values), 3)
    return low if low == high else f"{low} to {high}"

"""Learning curves, thinned for drawing, and what happened at each rung."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.reports.trial_rows import TrialRow
from search.reports.views import View, view_of
from search.storage.records import TrialRecord
from search.study import Objective

POINTS = 30_000  # of all curves together: what a browser draws without delay
FEWEST, MOST = 12, 300  # points per curve
DIGITS = 6  # significant digits of a drawn point


@dataclass(frozen=True)
class Curve:
    """One trial's objective by step, thinned; non-finite values are left out."""

    number: int
    outcome: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Curves:
    """All curves of one objective.

    Parameters
    ----------
    objective
        What is drawn.
    curves
        By trial number; trials without a finite value are left out.
    rungs
        The steps of all brackets' rungs.
    view
        The range that is drawn.
    thinned
        Whether points were left out.
    """

    objective: Objective
    curves: tuple[Curve, ...]
    rungs: tuple[int, ...]
    view: View
    thinned: bool


@dataclass(frozen=True)
class Rung:
    """What happened at one rung of one bracket.

    `reached` trials trained up to its step; of these, `passed` went on and `stopped` were stopped
    there (the others diverged, failed or are waiting). `best` is the best value seen at the rung.
    """

    bracket: int
    step: int
    reached: int
    passed: int
    stopped: int
    best: float | None


def learning_curves(
    records: Sequence[TrialRecord], objective: Objective, brackets: Sequence[Sequence[int]]
) -> Curves:
    """Return the curves of an objective over all trials, given every bracket's rungs."""
    rungs = sorted({step for bracket in brackets for step in bracket})
    limit = min(MOST, max(FEWEST, POINTS // max(1, len(records))))
    whole = [(record, _finite(record, objective.metric)) for record in records]
    curves = tuple(
        _curve(record, points, limit, rungs) for record, points in whole if len(points) > 0
    )
    healthy = [c for c in curves if c.outcome != "diverged"] or curves
    return Curves(
        objective=objective,
        curves=curves,
        rungs=tuple(rungs),
        view=view_of((v for c in healthy for v in c.values), direction=objective.direction),
        thinned=any(len(points) > limit for _, points in whole),
    )


def _finite(record: TrialRecord, metric: str) -> list[tuple[int, float]]:
    return [(step, value) for step, value in record.curve(metric) if math.isfinite(value)]


def _curve(
    record: TrialRecord, points: list[tuple[int, float]], limit: int, rungs: Sequence[int]
) -> Curve:
    kept = thin(points, limit, rungs)
    return Curve(
        number=record.number,
        outcome=record.outcome,
        steps=tuple(step for step, _ in kept),
        values=tuple(float(f"{value:.{DIGITS}g}") for _, value in kept),
    )


def thin(
    points: Sequence[tuple[int, float]], limit: int, keep: Sequence[int] = ()
) -> list[tuple[int, float]]:
    """Return at most about `limit` points, evenly spread, with both ends and the steps `keep`.

    Examples
    --------
    >>> [step for step, _ in thin([(s, 0.0) for s in range(1, 101)], 5, keep=[3])]
    [1, 3, 26, 51, 75, 100]
    """
    if len(points) <= limit:
        return list(points)
    last = len(points) - 1
    chosen = {round(i * last / (limit - 1)) for i in range(limit)}
    return [p for i, p in enumerate(points) if i in chosen or p[0] in keep]


def rung_steps(specification: Mapping[str, Any]) -> tuple[tuple[int, ...], ...]:
    """Return the rungs of every bracket, as the specification names them."""
    pruner = specification.get("pruner") or {}
    return tuple(tuple(steps) for steps in pruner.get("rungs") or ())


def rung_table(
    records: Sequence[TrialRecord],
    rows: Sequence[TrialRow],
    brackets: Sequence[Sequence[int]],
    objective: Objective,
) -> tuple[Rung, ...]:
    """Return how many trials reached, passed and were stopped at each rung."""
    return tuple(
        _rung(bracket, step, [(r, t) for r, t in zip(records, rows, strict=True)], objective)
        for bracket, steps in enumerate(brackets)
        for step in steps
    )


def _rung(
    bracket: int, step: int, trials: list[tuple[TrialRecord, TrialRow]], objective: Objective
) -> Rung:
    here = [
        (record, row) for record, row in trials if row.bracket == bracket and row.last_step >= step
    ]
    values = [v for record, _ in here for s, v in _finite(record, objective.metric) if s == step]
    return Rung(
        bracket=bracket,
        step=step,
        reached=len(here),
        passed=sum(row.last_step > step or row.outcome == "complete" for _, row in here),
        stopped=sum(row.last_step == step and row.outcome == "pruned" for _, row in here),
        best=max(values, key=lambda value: objective.sign * value, default=None),
    )

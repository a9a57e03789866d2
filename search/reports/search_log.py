"""The experiment log of a search: the baseline, what was tried first, and the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from search.reports.confirmation import Confirmation
from search.reports.experiment_log import comparable, curve_of, gaps
from search.reports.projections import ranked
from search.reports.trial_rows import TrialRow
from search.statistics import CurveSummary, Interval, summarise_curves
from search.storage.records import SeriesRecord
from search.study import Objective

MOST = 12  # configurations tried first that are listed
FIRST, TOP = 5, 3  # trials that are listed where nobody knows which were given


@dataclass(frozen=True)
class TrialEntry:
    """One trial in the experiment log.

    Parameters
    ----------
    number, changes, outcome, last_step
        Of the trial.
    roles
        Why it is listed.
    curves
        Its own curve of the first objective; None without a finite value.
    gaps
        Target to best value minus target, positive when better; empty where the targets are of
        another metric than the objective.
    held_out
        The same for its held-out mean on fresh seeds; empty where it was not checked.
    """

    number: int
    roles: tuple[str, ...]
    changes: Mapping[str, Any]
    outcome: str
    last_step: int
    curves: CurveSummary | None
    gaps: Mapping[str, float]
    held_out: Mapping[str, Interval]


def trial_log(
    series: SeriesRecord,
    rows: Sequence[TrialRow],
    goals: Sequence[Objective],
    best: TrialRow | None,
    baseline: TrialRow | None,
    check: Confirmation | None,
) -> tuple[TrialEntry, ...]:
    """Return the log: the baseline, the configurations that were given, then the best.

    `points` of the specification holds the parameters of the given ones; where there is none, the
    first trials and the best few stand for them.
    """
    listed = {row.number: row for row in rows}
    specification = series.specification
    targets = {str(n): float(v) for n, v in (specification.get("targets") or {}).items()}
    checked = _checked(check, baseline, best)
    return tuple(
        TrialEntry(
            number=number,
            roles=roles,
            changes=listed[number].changes,
            outcome=listed[number].outcome,
            last_step=listed[number].last_step,
            curves=(curves := _curves(series, listed[number], goals[0])),
            gaps=_gaps(curves, specification, goals[0], targets),
            held_out=gaps(checked.get(number, ()), check.evaluation, targets) if check else {},
        )
        for number, roles in _roles(series, rows, goals, best, baseline).items()
    )


def _roles(
    series: SeriesRecord,
    rows: Sequence[TrialRow],
    goals: Sequence[Objective],
    best: TrialRow | None,
    baseline: TrialRow | None,
) -> dict[int, tuple[str, ...]]:
    """Return why a trial is listed, by number, in the order of the log."""
    named = [("baseline", [baseline] if baseline else []), *_given(series, rows)]
    named += _leading(rows, goals, best, known="points" in series.specification)
    found: dict[int, tuple[str, ...]] = {}
    for role, members in named:
        for row in members:
            found[row.number] = (*found.get(row.number, ()), role)
    return found


def _given(series: SeriesRecord, rows: Sequence[TrialRow]) -> list[tuple[str, list[TrialRow]]]:
    points = series.specification.get("points")
    others = [row for row in rows if not row.is_baseline]
    if points is None:
        return [("among the first", [row for row in others if row.number < FIRST])]
    return [("tried first", [row for row in others if dict(row.params) in points][:MOST])]


def _leading(
    rows: Sequence[TrialRow], goals: Sequence[Objective], best: TrialRow | None, *, known: bool
) -> list[tuple[str, list[TrialRow]]]:
    """Return the best trial, and the next ones where it is not known which were given."""
    if best is None:
        return []
    if known:
        return [("best", [best])]
    order = ranked(rows, goals[0])[:TOP]
    return [("best" if place == 1 else f"place {place}", [r]) for place, r in enumerate(order, 1)]


def _checked(
    check: Confirmation | None, baseline: TrialRow | None, best: TrialRow | None
) -> dict[int, list[float]]:
    """Return the held-out scores on fresh seeds, by the number of the trial they are of."""
    found: dict[int, list[float]] = {}
    if check is None:
        return found
    if baseline is not None:
        found[baseline.number] = [p.baseline for p in check.pairs if p.baseline is not None]
    if best is not None and not check.of_baseline and not check.stale(best.number):
        found[best.number] = [p.best for p in check.pairs if p.best is not None]
    return found


def _curves(series: SeriesRecord, row: TrialRow, goal: Objective) -> CurveSummary | None:
    record = next(trial for trial in series.trials if trial.number == row.number)
    curve = curve_of(record, goal.metric, max(row.last_step, 1))
    return summarise_curves(curve, goal.direction) if np.isfinite(curve).any() else None


def _gaps(
    curves: CurveSummary | None,
    specification: Mapping[str, Any],
    goal: Objective,
    targets: Mapping[str, float],
) -> dict[str, float]:
    evaluation = specification.get("evaluation")
    if curves is None or not evaluation or not comparable(goal, Objective(**evaluation)):
        return {}
    return {name: goal.sign * (curves.best - target) for name, target in targets.items()}

"""What the measured runs say beside the table: differences, secondary metrics, curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.ranking import Measured
from search.ranking.measured import BASELINE, metric_of
from search.reports.learning_curves import DIGITS, MOST
from search.reports.priority_parts import ArmCurve
from search.reports.priority_result import Exploratory
from search.reports.text import shown
from search.statistics import Row, mean_interval
from search.storage.records import TrialRecord
from search.study import Objective

FloatArray = NDArray[np.float64]


def compared_seeds(measured: Measured, row: Row) -> tuple[int, ...]:
    """Return the seeds that a row's numbers rest on: those of its last look, or all there are."""
    return measured.seeds[: row.n_seeds] if row.p_adjusted is not None else measured.seeds


def column_of(row: Row) -> str:
    """Return the column that a row's numbers belong to: its best level, or itself."""
    return row.level or row.technique


def differences(
    measured: Measured, column: str, seeds: Iterable[int], goal: Objective
) -> tuple[tuple[int, float], ...]:
    """Return (seed, paired difference) of completed pairs, positive when better."""
    found = []
    for seed in seeds:
        pair = [measured.runs.get((name, seed)) for name in (column, BASELINE)]
        arm, base = (None if run is None else metric_of(run, goal.metric) for run in pair)
        if arm is not None and base is not None:
            found.append((seed, goal.sign * (arm - base)))
    return tuple(found)


def exploratory(
    measured: Measured, column: str, seeds: Sequence[int], goals: Iterable[Mapping[str, Any]]
) -> tuple[Exploratory, ...]:
    """Return the secondary metrics of an arm, unadjusted."""
    found = []
    for goal in goals:
        metric = Objective(goal["metric"], goal["direction"])
        values = [d for _, d in differences(measured, column, seeds, metric)]
        effect = mean_interval(values) if values else None
        found.append(Exploratory(metric.metric, metric.direction, effect, len(values)))
    return tuple(found)


def settings_words(changes: Mapping[str, Any]) -> str:
    """Return what an arm sets.

    Examples
    --------
    >>> settings_words({"focal": True, "gamma": 2.0}), settings_words({})
    ('focal=True, gamma=2', 'the baseline')
    """
    return ", ".join(f"{path}={shown(value)}" for path, value in changes.items()) or "the baseline"


def runs_of(measured: Measured, column: str) -> list[TrialRecord]:
    """Return the runs of a column by seed."""
    by_seed = ((seed, measured.runs.get((column, seed))) for seed in measured.seeds)
    return [run for _, run in by_seed if run is not None]


def arm_settings(runs: Sequence[TrialRecord]) -> str:
    """Return what an arm's runs set in common; fields that differ by run are only named."""
    if not runs:
        return "not run"
    first, *others = (run.asked.changes for run in runs)
    same = {p: v for p, v in first.items() if all(o.get(p) == v and p in o for o in others)}
    apart = dict.fromkeys(p for changes in (first, *others) for p in changes if p not in same)
    parts = [settings_words(same)] if same or not apart else []
    return "; ".join(parts + ([f"tuned per seed: {', '.join(apart)}"] if apart else []))


def arm_curve(arm: str, curves: FloatArray) -> ArmCurve | None:
    """Return mean and quartiles by step, thinned; steps that no run reported are left out."""
    known = np.isfinite(curves).any(axis=0) if curves.size else np.zeros(0, dtype=np.bool_)
    steps = np.flatnonzero(known)
    if steps.size == 0:
        return None
    if steps.size > MOST:
        steps = steps[np.unique(np.linspace(0, steps.size - 1, MOST).round().astype(int))]
    part = curves[:, steps]
    quantile = np.quantile if np.isfinite(part).all() else np.nanquantile  # the latter is slow
    low, high = quantile(part, (0.25, 0.75), axis=0)
    return ArmCurve(
        arm=arm,
        steps=tuple(int(step) + 1 for step in steps),
        mean=_rounded(np.nanmean(part, axis=0)),
        low=_rounded(low),
        high=_rounded(high),
        n_seeds=len(curves),
    )


def median(values: FloatArray) -> float | None:
    """Return the median of the finite values, or None."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else None


def _rounded(values: FloatArray) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)

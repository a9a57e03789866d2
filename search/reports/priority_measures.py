"""What the measured runs say beside the table: differences, secondary metrics, curves, the log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.ranking import Measured
from search.ranking.measured import BASELINE, metric_of
from search.reports.learning_curves import DIGITS, MOST
from search.reports.priority_parts import ArmCurve, LogEntry
from search.reports.priority_result import Exploratory
from search.reports.text import number, shown
from search.statistics import CurveSummary, Row, mean_interval, summarise_curves
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


def curve_matrix(runs: Iterable[TrialRecord], metric: str, max_steps: int) -> FloatArray:
    """Return the curves of completed runs, shape (n_runs, max_steps), NaN where there is none."""
    rows = []
    for run in runs:
        if run.outcome != "complete":
            continue
        row = np.full(max_steps, np.nan)
        for step in run.steps:
            if 0 < step.step <= max_steps:
                row[step.step - 1] = step.metrics.get(metric, math.nan)
        if np.isfinite(row).any():
            rows.append(row)
    return np.array(rows).reshape(len(rows), max_steps)


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


def log_entry(
    arm: str,
    runs: Sequence[TrialRecord],
    curves: FloatArray,
    *,
    objective: Objective,
    evaluation: Objective,
    targets: Mapping[str, float],
    margin: float | None,
) -> LogEntry:
    """Return one arm of the experiment log.

    Parameters
    ----------
    curves : ndarray of shape (n_complete, max_steps)
        Of the validation metric.
    margin
        A decline that matters, in the validation metric's unit.
    """
    summary = summarise_curves(curves, objective.direction, margin=margin) if len(curves) else None
    scores = [s for run in runs if (s := metric_of(run, evaluation.metric)) is not None]
    mean = float(np.mean(scores)) if scores else None
    return LogEntry(
        arm=arm,
        settings=arm_settings(runs),
        n_complete=len(scores),
        n_failed=len(runs) - len(scores),
        curves=summary,
        stability=stability(summary, curves.shape[1]) if summary else "not known",
        held_out=mean,
        gaps={}
        if mean is None
        else {name: evaluation.sign * (mean - target) for name, target in targets.items()},
    )


def stability(summary: CurveSummary, n_steps: int) -> str:
    """Return in words whether the best validation score lasts to the end."""
    if summary.under_trained and n_steps > 1:
        return "still improving at the last step"
    if summary.declining:
        return f"falls by {number(summary.decline.estimate, 2)} after its peak"
    if summary.stable:
        return "stable"
    if summary.stable is None:
        return f"{number(summary.decline.estimate, 2)} below its peak at the end"
    return "not clear on these seeds"


def median(values: FloatArray) -> float | None:
    """Return the median of the finite values, or None."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else None


def _rounded(values: FloatArray) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)

"""The experiment log: for every arm its best value, when it came, and whether it lasted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from search.ranking.measured import metric_of
from search.reports.priority_measures import arm_settings
from search.reports.priority_parts import LogEntry, Spread
from search.statistics import CurveSummary, Interval, mean_interval, summarise_curves
from search.storage.records import TrialRecord
from search.study import Objective

GENERALIZATION = "generalization_gap"  # what trainables call it that report one

FloatArray = NDArray[np.float64]


def curve_of(run: TrialRecord, metric: str, max_steps: int) -> FloatArray:
    """Return a run's curve, shape (max_steps,), NaN where there is no value."""
    found = np.full(max_steps, np.nan)
    for step in run.steps:
        if 0 < step.step <= max_steps:
            found[step.step - 1] = step.metrics.get(metric, math.nan)
    return found


def curve_matrix(runs: Iterable[TrialRecord], metric: str, max_steps: int) -> FloatArray:
    """Return the curves of completed runs, shape (n_runs, max_steps), NaN where there is none."""
    curves = (curve_of(run, metric, max_steps) for run in runs if run.outcome == "complete")
    rows = [curve for curve in curves if np.isfinite(curve).any()]
    return np.array(rows).reshape(len(rows), max_steps)


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
    return LogEntry(
        arm=arm,
        settings=arm_settings(runs),
        n_complete=len(scores),
        n_failed=len(runs) - len(scores),
        curves=summary,
        stability=stability(summary, curves.shape[1], margin) if summary else "",
        generalization=spread(list(_last_gaps(runs))),
        held_out=spread(scores),
        gaps=gaps(scores, evaluation, targets),
    )


def gaps(
    scores: Sequence[float], goal: Objective, targets: Mapping[str, float]
) -> dict[str, Interval]:
    """Return how far the mean score lies beyond each target; negative: still to go.

    Examples
    --------
    >>> found = gaps([0.59, 0.61], Objective("test_ap", "maximize"), {"published": 0.62})
    >>> round(found["published"].estimate, 4)
    -0.02
    """
    if not scores:
        return {}
    return {
        name: mean_interval([goal.sign * (score - target) for score in scores])
        for name, target in targets.items()
    }


def spread(values: Sequence[float]) -> Spread | None:
    """Return mean and standard deviation; None without a value.

    Examples
    --------
    >>> spread([1.0, 3.0]), spread([2.0]), spread([])
    (Spread(mean=2.0, sd=1.4142...), Spread(mean=2.0, sd=None), None)
    """
    if not values:
        return None
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Spread(float(np.mean(values)), sd)


def stability(summary: CurveSummary, n_steps: int, margin: float | None) -> str:
    """Return in words whether the best validation score lasts to the end.

    "seems" says that the decline's interval lies on both sides of the margin.
    """
    if summary.under_trained and n_steps > 1:
        mostly = "" if summary.peak_low == summary.peak_step else "mostly "  # over seeds
        return f"{mostly}still improving at the end"
    early = " (early peak)" if summary.early_peak and n_steps > 1 else ""
    if summary.stable is None or margin is None:
        why = "one seed" if summary.decline.low is None else "no smallest gain in this metric"
        return f"not judged: {why}{early}"
    seems = "" if summary.stable or summary.declining else "seems "
    if summary.decline.estimate > margin:
        return f"{seems}to decline{early}" if seems else f"declines after its peak{early}"
    level = "" if summary.decline.estimate else ", ends on its best value"
    return f"{seems}good{level}{early}"


def comparable(objective: Objective, evaluation: Objective) -> bool:
    """Return whether both metrics are the same one on two splits, and so have one unit.

    Examples
    --------
    >>> comparable(Objective("val_ap", "maximize"), Objective("test_ap", "maximize"))
    True
    >>> comparable(Objective("val_nll", "minimize"), Objective("test_ap", "maximize"))
    False
    """
    names = objective.metric.removeprefix("val_"), evaluation.metric.removeprefix("test_")
    return names[0] == names[1] and objective.direction == evaluation.direction


def _last_gaps(runs: Iterable[TrialRecord]) -> Iterable[float]:
    """Yield the generalization gap at the last step of every completed run that has one."""
    for run in runs:
        if run.outcome == "complete" and run.steps:
            value = run.steps[-1].metrics.get(GENERALIZATION, math.nan)
            if math.isfinite(value):
                yield value

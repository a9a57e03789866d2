"""What the learning curves of one arm say: where it peaks, and whether it stays there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from search.statistics.arrays import FloatArray
from search.statistics.errors import StatisticsError
from search.statistics.intervals import Interval, mean_interval

EARLY_SHARE = 0.10
TAIL_SHARE = 0.25


@dataclass(frozen=True)
class CurveSummary:
    """Learning curves over seeds.

    Parameters
    ----------
    best, final
        Mean over seeds of the best and of the last value.
    best_sd
        Standard deviation over seeds of the best value; None for a single seed.
    decline
        Best minus final, greater is worse, with its interval.
    late_sd
        Mean over seeds of the standard deviation over the last quarter of the steps.
    peak_step, peak_low, peak_high
        Median of the best step (counted from 1) and its quartiles.
    under_trained
        The median peak is the last step.
    early_peak
        The median peak lies in the first tenth of the steps.
    stable
        The decline's upper bound is below the margin; None when no margin or a single seed.
    declining
        The decline's lower bound is above the margin; None likewise.
    """

    best: float
    best_sd: float | None
    final: float
    decline: Interval
    late_sd: float
    peak_step: float
    peak_low: float
    peak_high: float
    under_trained: bool
    early_peak: bool
    stable: bool | None
    declining: bool | None


def summarise_curves(
    curves: npt.ArrayLike,
    direction: Literal["maximize", "minimize"] = "maximize",
    *,
    margin: float | None = None,
) -> CurveSummary:
    """Summarise the curves of one arm on the validation metric.

    Parameters
    ----------
    curves : array-like of shape (n_seeds, n_steps)
        NaN after the end of a shorter run.
    margin
        A decline that matters, in the metric's unit: the smallest gain.

    Raises
    ------
    StatisticsError
        If there is no seed, or a seed has no finite value.
    """
    values = np.atleast_2d(np.asarray(curves, dtype=np.float64))
    if values.size == 0 or not np.isfinite(values).any(axis=1).all():
        raise StatisticsError(f"every curve needs a finite value, got shape {values.shape}")
    sign = 1 if direction == "maximize" else -1
    better = np.where(np.isfinite(values), sign * values, -np.inf)
    peaks = better.argmax(axis=1) + 1
    lengths = values.shape[1] - np.isfinite(values)[:, ::-1].argmax(axis=1)
    best = sign * better.max(axis=1)
    final = values[np.arange(len(values)), lengths - 1]
    decline = mean_interval(sign * (best - final))
    low, median, high = np.quantile(peaks, (0.25, 0.5, 0.75))
    length = float(np.median(lengths))
    bounds = (decline.low, decline.high)
    known = margin is not None and None not in bounds
    return CurveSummary(
        best=float(best.mean()),
        best_sd=float(best.std(ddof=1)) if best.size > 1 else None,
        final=float(final.mean()),
        decline=decline,
        late_sd=_late_sd(values, lengths),
        peak_step=float(median),
        peak_low=float(low),
        peak_high=float(high),
        under_trained=bool(median >= length),
        early_peak=bool(length > 1 and median <= max(1.0, EARLY_SHARE * length)),
        stable=bool(bounds[1] < margin) if known else None,  # type: ignore[operator]
        declining=bool(bounds[0] > margin) if known else None,  # type: ignore[operator]
    )


def _late_sd(values: FloatArray, lengths: npt.NDArray[np.int64]) -> float:
    """Mean over seeds of the sd over the last quarter of the steps (at least two of them)."""
    spreads = []
    for curve, length in zip(values, lengths, strict=True):
        tail = curve[:length][-max(2, int(np.ceil(TAIL_SHARE * length))) :]
        tail = tail[np.isfinite(tail)]
        spreads.append(tail.std(ddof=1) if tail.size > 1 else 0.0)
    return float(np.mean(spreads))

"""What a technique costs beside the baseline, measured on the same seeds."""

from __future__ import annotations

import numpy as np

from search.statistics.arrays import FloatArray
from search.statistics.intervals import Interval, mean_intervals


def cost_ratios(
    arms: FloatArray, baseline: FloatArray, level: float = 0.95
) -> tuple[Interval | None, ...]:
    """Ratio of costs over shared seeds, with intervals on the log scale.

    ``exp(mean ± t s/√n)`` of the paired logarithms.

    Parameters
    ----------
    arms : ndarray of shape (n_seeds, n_arms)
    baseline : ndarray of shape (n_seeds,)
        Wall time or memory, in one unit; seeds without both, or not positive, are left out.

    Returns
    -------
    tuple of length n_arms
        None when no seed has both; without bounds when only one has.

    Examples
    --------
    >>> cost_ratios(np.array([[2.0], [4.0]]), np.array([1.0, 2.0]))[0].estimate
    2.0
    """
    usable = (arms > 0) & (baseline > 0)[:, None]
    quotient = np.where(usable, arms, np.nan) / np.where(baseline > 0, baseline, np.nan)[:, None]
    return tuple(
        None if logs is None else _from_log(logs)
        for logs in mean_intervals(np.log(quotient), level)
    )


def _from_log(logs: Interval) -> Interval:
    low, high = (None if x is None else float(np.exp(x)) for x in (logs.low, logs.high))
    return Interval(float(np.exp(logs.estimate)), low, high, logs.level)

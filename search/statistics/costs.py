"""What a technique costs beside the baseline, measured on the same seeds."""

from __future__ import annotations

import numpy as np

from search.statistics.arrays import FloatArray
from search.statistics.intervals import Interval, mean_interval


def cost_ratio(arm: FloatArray, baseline: FloatArray, level: float = 0.95) -> Interval | None:
    """Ratio of costs over shared seeds, with an interval on the log scale.

    ``exp(mean ± t s/√n)`` of the paired logarithms.

    Parameters
    ----------
    arm, baseline : ndarray of shape (n_seeds,)
        Wall time or memory, in one unit; seeds without both, or not positive, are left out.

    Returns
    -------
    Interval or None
        None when no seed has both; without bounds when only one has.

    Examples
    --------
    >>> cost_ratio(np.array([2.0, 4.0]), np.array([1.0, 2.0])).estimate
    2.0
    """
    usable = (arm > 0) & (baseline > 0) & np.isfinite(arm) & np.isfinite(baseline)
    if not usable.any():
        return None
    logs = mean_interval(np.log(arm[usable] / baseline[usable]), level)
    low, high = (None if x is None else float(np.exp(x)) for x in (logs.low, logs.high))
    return Interval(float(np.exp(logs.estimate)), low, high, level)

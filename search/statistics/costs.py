"""What a technique costs, and what it gives for that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.statistics.arrays import BoolArray, FloatArray
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


@dataclass(frozen=True)
class Value:
    """What an adopted technique gives for what it costs.

    Parameters
    ----------
    per_hour
        ``max(b, 0) / effort hours``, in the metric's unit.
    per_compute
        Gain per extra baseline run of compute, ``max(b, 0) / (ratio - 1)``; None where the ratio
        is unknown or not surely above 1.
    no_extra_compute
        The ratio is known and not surely above 1.
    """

    per_hour: float
    per_compute: float | None
    no_extra_compute: bool


def value_of(shrunken: float, effort_hours: float, compute: Interval | None) -> Value:
    """Gain per effort and per extra compute.

    Examples
    --------
    >>> value_of(0.02, 4.0, Interval(1.5, 1.4, 1.6, 0.95)).per_compute
    0.04
    """
    gain = max(shrunken, 0.0)
    if compute is None or compute.low is None:
        return Value(gain / effort_hours, None, no_extra_compute=False)
    if compute.low <= 1:
        return Value(gain / effort_hours, None, no_extra_compute=True)
    return Value(gain / effort_hours, gain / (compute.estimate - 1), no_extra_compute=False)


def pareto_front(benefit: FloatArray, costs: FloatArray) -> BoolArray:
    """Rows that no other row beats: at least as good in everything, better in something.

    Parameters
    ----------
    benefit : ndarray of shape (n,)
        Greater is better.
    costs : ndarray of shape (n, n_costs)
        Smaller is better.
    """
    gains = np.column_stack([benefit, -costs])
    no_worse = (gains[:, None, :] >= gains[None, :, :]).all(axis=-1)
    better = (gains[:, None, :] > gains[None, :, :]).any(axis=-1)
    front: BoolArray = ~(no_worse & better).any(axis=0)
    return front

"""Which part of a value axis is drawn: the healthy trials, not one exploded loss."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from search.study import Direction

LOG_RATIO: Mapping[Direction, float] = {"minimize": 10.0, "maximize": 1000.0}
"""Positive values that span more are drawn on a logarithmic axis: losses fall over decades,
scores rarely do."""
REACH = 3.0  # spreads beyond the 5th and 95th percentile at which a value is an outlier
PADDING = 0.05
FEW_POWERS, MOST_POWERS = 2.5, 8
SMALLEST, LARGEST = math.ulp(0.0), sys.float_info.max


@dataclass(frozen=True)
class View:
    """The drawn range of a value axis.

    Parameters
    ----------
    low, high
        Ends, in the metric's unit.
    log
        Whether the axis is logarithmic.
    outside
        How many values lie beyond the ends.
    """

    low: float = 0.0
    high: float = 1.0
    log: bool = False
    outside: int = 0

    @property
    def ends(self) -> tuple[float, float]:
        """The ends in the axis's own unit: powers of ten where it is logarithmic."""
        return (math.log10(self.low), math.log10(self.high)) if self.log else (self.low, self.high)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Labelled values of a logarithmic axis: 1, 2, 5 in each power of ten, or the powers."""
        if not self.log:
            return ()
        low, high = self.ends
        parts = (1.0, 2.0, 5.0) if high - low < FEW_POWERS else (1.0,)
        every = max(1, round((high - low) / MOST_POWERS))
        powers = range(math.floor(low), math.ceil(high) + 1, every)
        found = (part * 10.0**power for power in powers for part in parts if power > -308)
        return tuple(value for value in found if self.holds(value))

    def position(self, value: float) -> float:
        """Return where a value lies on the axis, from 0 to 1; the ends for what is beyond."""
        low, high = self.ends
        inside = min(max(value, self.low), self.high)
        return ((math.log10(inside) if self.log else inside) - low) / (high - low)

    def holds(self, value: float) -> bool:
        """Return whether a value is drawn."""
        return self.low <= value <= self.high


def view_of(
    values: Iterable[float], keep: Iterable[float] = (), *, direction: Direction = "minimize"
) -> View:
    """Return the range that shows the bulk of `values` and all of `keep`.

    Examples
    --------
    >>> view = view_of([0.1, 0.2, 0.3, 0.2, 0.25] * 10 + [1e9])
    >>> view.outside, view.high < 1
    (1, True)
    """
    kept = [value for value in keep if math.isfinite(value)]
    found = np.array([value for value in values if math.isfinite(value)] + kept, dtype=float)
    if found.size == 0:
        return View()
    low, high = _bulk(found)
    low, high = min([low, *kept]), max([high, *kept])
    log = bool(low > 0 and high / low >= LOG_RATIO[direction] and found.min() > 0)
    low, high = _padded(low, high, log=log)
    return View(low, high, log, int(np.sum((found < low) | (found > high))))


def _bulk(found: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    """Return the ends of what is no outlier: on a log scale for positive values."""
    scaled = np.log(found) if found.min() > 0 else found
    lower, upper = np.quantile(scaled, (0.05, 0.95))
    spread = upper - lower
    if spread == 0:
        return float(found.min()), float(found.max())
    near = (scaled >= lower - REACH * spread) & (scaled <= upper + REACH * spread)
    return float(found[near].min()), float(found[near].max())


def _padded(low: float, high: float, *, log: bool) -> tuple[float, float]:
    if log:
        margin = 10 ** (PADDING * (math.log10(high) - math.log10(low)))
        return max(low / margin, SMALLEST), min(high * margin, LARGEST)
    margin = PADDING * (high - low) or PADDING * abs(high) or 1.0
    return low - margin, high + margin

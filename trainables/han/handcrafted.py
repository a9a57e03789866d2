"""Hand-made columns: what the last week and month were like, from observed values only."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainables.han.panel import Doubles, Floats, Panel

SOURCE: Final = "handcrafted"
SHORT: Final = 7  # days
LONG: Final = 28


def handcrafted(panel: Panel) -> Floats:
    """Return three columns for every column of the daily sources.

    Returns
    -------
    ndarray of float32, shape (n_days, 3 · n_forecast)
        The mean of the last week up to the day itself, of the last four weeks, and of the week four
        weeks before; NaN where nothing was observed in that time.
    """
    values = panel.forecast_values
    week = rolling_mean(values, SHORT)
    before = np.full_like(week, np.nan)
    before[LONG:] = week[:-LONG]
    return np.concatenate([week, rolling_mean(values, LONG), before], axis=1)


def rolling_mean(values: Floats, days: int) -> Floats:
    """Return the mean of the observed values of the last days, the day itself included."""
    observed = ~np.isnan(values)
    sums = _rolling_sum(np.where(observed, values, 0.0).astype(np.float64), days)
    counts = _rolling_sum(observed.astype(np.float64), days)
    mean = sums / np.maximum(counts, 1.0)
    return np.where(counts > 0, mean, np.nan).astype(np.float32)


def _rolling_sum(values: Doubles, days: int) -> Doubles:
    total: Doubles = np.cumsum(values, axis=0)
    found = total.copy()
    found[days:] = total[days:] - total[:-days]
    return found

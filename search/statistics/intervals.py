"""Intervals for one mean and for one proportion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from search.statistics.arrays import FloatArray
from search.statistics.errors import StatisticsError


@dataclass(frozen=True)
class Interval:
    """An estimate between two bounds.

    Parameters
    ----------
    estimate, low, high
        In the unit of the quantity. The bounds are None where no interval can be given.
    level
        Coverage promised, for instance 0.95.
    """

    estimate: float
    low: float | None
    high: float | None
    level: float


def finite_sample(values: npt.ArrayLike, what: str = "a sample") -> FloatArray:
    """Return the values as a flat array of at least one finite number.

    Raises
    ------
    StatisticsError
        If a value is not finite, or there is none.
    """
    sample = np.asarray(values, dtype=np.float64).ravel()
    if sample.size == 0 or not np.isfinite(sample).all():
        raise StatisticsError(f"{what} needs finite numbers, at least one; got {sample.tolist()!r}")
    return sample


def mean_interval(values: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Two-sided Student interval of a mean, `mean ± t.ppf(1 - (1-level)/2, n-1) s/√n`.

    Parameters
    ----------
    values : array-like of shape (n,)
        Finite. One value gives an estimate without bounds.

    Examples
    --------
    >>> mean_interval([1.0, 2.0, 3.0]).high
    4.484137...
    """
    sample = finite_sample(values)
    n = sample.size
    mean = float(sample.mean())
    if n < 2:
        return Interval(mean, None, None, level)
    quantile = float(special.stdtrit(n - 1, 0.5 + level / 2))
    half = quantile * float(sample.std(ddof=1)) / float(np.sqrt(n))
    return Interval(mean, mean - half, mean + half, level)


def mean_intervals(values: FloatArray, level: float = 0.95) -> tuple[Interval | None, ...]:
    """Return `mean_interval` of every column, NaN left out.

    Parameters
    ----------
    values : ndarray of shape (n, n_columns)

    Returns
    -------
    tuple of length n_columns
        None for a column without a number.
    """
    known = np.isfinite(values)
    n = known.sum(axis=0)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(n, 1)
    squares = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)
    quantile = special.stdtrit(np.maximum(n - 1, 1), 0.5 + level / 2)
    half = quantile * np.sqrt(squares / np.maximum((n - 1) * n, 1))
    return tuple(
        None
        if not n[i]
        else Interval(float(m), None, None, level)
        if n[i] < 2
        else Interval(float(m), float(m - half[i]), float(m + half[i]), level)
        for i, m in enumerate(mean)
    )


def one_sided_bounds(values: npt.ArrayLike, alpha: float = 0.05) -> tuple[float, float]:
    """Lower and upper one-sided bounds of a mean, each at level 1 - alpha.

    Returns
    -------
    low, high : float
        Minus and plus infinity when there is a single value.
    """
    interval = mean_interval(values, level=1 - 2 * alpha)
    if interval.low is None or interval.high is None:
        return -np.inf, np.inf
    return interval.low, interval.high


def proportion_bounds(
    count: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Exact (Clopper-Pearson) two-sided bounds of a proportion.

    The same numbers as ``scipy.stats.binomtest(k, n).proportion_ci(method="exact")``, for arrays.

    Parameters
    ----------
    count, n : array-like, broadcastable
        Events and trials. No trials give (0, 1).
    """
    k = np.asarray(count, dtype=np.float64)
    total = np.asarray(n, dtype=np.float64)
    tail = (1 - level) / 2
    low = special.betaincinv(np.maximum(k, 1), np.maximum(total - k + 1, 1), tail)
    high = special.betaincinv(k + 1, np.maximum(total - k, 1), 1 - tail)
    return np.where(k <= 0, 0.0, low), np.where(k >= total, 1.0, high)

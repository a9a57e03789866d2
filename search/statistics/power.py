"""What a design can see before it runs, and how many seeds a question needs.

Power of the one-sided t test of effect e at standard deviation s of the paired difference::

    power(n) = 1 - F_nct(t.ppf(1 - alpha, df); df, e / se)     se² = s² (1/n + n_test/n_train)

By hand, for arrays, because statsmodels solves one at a time; checked against its ``TTestPower``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from search.statistics.arrays import FloatArray
from search.statistics.effects import PRIOR_DF
from search.statistics.errors import StatisticsError
from search.statistics.sequential import spending

POWER = 0.80
MOST_SEEDS = 1_000_000
"""More seeds than this are as good as never."""
RANGE_Z = 1.2816
"""10-90 % range of a normal estimate."""


def t_power(
    effect: npt.ArrayLike,
    n: npt.ArrayLike,
    alpha: npt.ArrayLike,
    *,
    df: npt.ArrayLike | None = None,
    test_train_ratio: float = 0.0,
) -> FloatArray:
    """Power of the one-sided t test.

    Parameters
    ----------
    effect : array-like
        In standard deviations of the paired difference.
    n : array-like
        Pairs.
    df
        Degrees of freedom; n - 1 unless given.
    """
    pairs = np.asarray(n, dtype=np.float64)
    nu = pairs - 1 if df is None else np.asarray(df, dtype=np.float64)
    shift = np.asarray(effect, dtype=np.float64) / np.sqrt(1 / pairs + test_train_ratio)
    critical = special.stdtrit(nu, 1 - np.asarray(alpha, dtype=np.float64))
    missed = special.nctdtr(nu, shift, critical)
    # the distribution underflows to nan when the shift is far beyond the critical value
    return np.where(np.isnan(missed), (shift > critical).astype(np.float64), 1 - missed)


def seeds_for(
    effect: npt.ArrayLike,
    alpha: npt.ArrayLike,
    *,
    power: float = POWER,
    test_train_ratio: float = 0.0,
) -> FloatArray:
    """Smallest number of pairs with the wanted power; infinite where none below a million has it.

    Parameters
    ----------
    effect : array-like
        In standard deviations of the paired difference; 0 and below need infinitely many.

    Examples
    --------
    >>> seeds_for([0.5, 1.0, 2.0], 0.05 / 8).tolist()
    [48.0, 15.0, 7.0]
    """
    wanted = np.atleast_1d(np.asarray(effect, dtype=np.float64))
    low, high = np.full(wanted.shape, 1), np.full(wanted.shape, MOST_SEEDS)

    def enough(n: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        return t_power(wanted, n, alpha, test_train_ratio=test_train_ratio) >= power

    never = (wanted <= 0) | ~enough(high)
    while (high - low > 1).any():
        middle = np.where(high - low > 1, (low + high) // 2, high)
        reached = enough(middle)
        high, low = np.where(reached, middle, high), np.where(reached, low, middle)
        low = np.minimum(low, high - 1)
    return np.where(never, np.inf, high.astype(np.float64)).reshape(np.shape(effect))


@dataclass(frozen=True)
class SeedsNeeded:
    """How many more seeds would settle an arm.

    Parameters
    ----------
    for_delta
        More seeds to detect an effect of delta, by design; None when no number suffices.
    low, high
        More seeds if the estimate is right, its 10-90 % range; `high` None has no end. Both None:
        no number of seeds can be promised, the estimate is within half a standard error of 0.
    """

    for_delta: int | None
    low: int | None
    high: int | None


def seeds_needed(
    *,
    n: FloatArray,
    delta: FloatArray,
    variance: FloatArray,
    se: FloatArray,
    shrunken: FloatArray,
    shrunken_sd: FloatArray,
    alpha: float,
    test_train_ratio: float = 0.0,
) -> tuple[SeedsNeeded, ...]:
    """Further seeds for every undecided arm, ``solve_power(e/√v_k, alpha/K_undecided) - n_k``.

    Parameters
    ----------
    n, delta, variance, se, shrunken, shrunken_sd : ndarray of shape (n_undecided,)
    alpha
        Familywise; it is divided by the number of undecided arms.
    """
    if n.size == 0:
        return ()
    share = alpha / n.size
    sd = np.sqrt(np.where(variance > 0, variance, np.nan))
    best, worst = shrunken + RANGE_Z * shrunken_sd, shrunken - RANGE_Z * shrunken_sd
    effects = np.nan_to_num(np.stack([delta, best, worst]) / sd)
    totals = seeds_for(effects, share, test_train_ratio=test_train_ratio)
    promised = shrunken > se / 2
    return tuple(
        SeedsNeeded(
            for_delta=_further(totals[0, i], n[i]),
            low=_further(totals[1, i], n[i]) if promised[i] else None,
            high=_further(totals[2, i], n[i]) if promised[i] else None,
        )
        for i in range(n.size)
    )


def _further(total: float, done: float) -> int | None:
    return None if np.isinf(total) else max(1, int(total - done))


@dataclass(frozen=True)
class Detectable:
    """Smallest effect that a look can see with 80 % power.

    Parameters
    ----------
    n_seeds
        Seeds at the look.
    alone
        In sd of the paired difference, if this look were the only one.
    in_sequence
        Likewise, with the share of alpha that this look spends.
    """

    n_seeds: int
    alone: float
    in_sequence: float


@lru_cache(maxsize=256)
def smallest_effect(n: int, n_arms: int, alpha: float = 0.05, *, power: float = POWER) -> float:
    """Smallest effect detectable with n seeds by the half-pooled test at Holm's first step.

    Parameters
    ----------
    n
        Seeds.
    n_arms
        K registered techniques.

    Returns
    -------
    float
        In standard deviations of the paired difference.

    Examples
    --------
    >>> [round(smallest_effect(n, 8), 1) for n in (5, 20)]
    [1.9, 0.8]
    """
    if n < 2 or n_arms < 1:
        raise StatisticsError(f"an effect needs 2 seeds and 1 arm, got {n} and {n_arms}")
    df = n - 1 + (0 if n_arms <= 2 else min(PRIOR_DF, n_arms - 1))

    def lacking(effect: float) -> float:
        return float(t_power(effect, n, alpha / n_arms, df=df)) - power

    top = 1.0
    while lacking(top) < 0:
        top *= 2
    return float(optimize.brentq(lacking, 0.0, top, xtol=1e-6))


def detectable(looks: Sequence[int], n_arms: int, alpha: float = 0.05) -> tuple[Detectable, ...]:
    """Smallest effect at each look of a design, to be printed before anything runs."""
    return tuple(
        Detectable(
            n,
            smallest_effect(n, n_arms, alpha),
            smallest_effect(n, n_arms, alpha * share),
        )
        for n, share in zip(looks, spending(looks), strict=True)
        if n >= 2
    )

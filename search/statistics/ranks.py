"""Shrunken effects and how sure their order is.

::

    tau² = max(mean_k(dbar_k² - se_k²), (delta/10)²)
    b_k  = dbar_k tau² / (tau² + se_k²)

the empirical-Bayes estimate under normal effects around 0 (Efron and Morris 1975,
doi:10.1080/01621459.1975.10479864). The rank interval draws each effect from
``b_k + T(df_k) √(tau² se_k² / (tau² + se_k²))``; the draws ignore the shared baseline, which makes
them conservative.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from search.statistics.arrays import FloatArray, IntArray

DRAWS = 2000


@dataclass(frozen=True, eq=False)
class Shrunken:
    """Shrunken effects.

    Parameters
    ----------
    effect, sd : ndarray of shape (..., n_arms)
        b_k and its posterior standard deviation.
    tau2 : ndarray of shape (..., 1)
        Variance of the true effects.
    """

    effect: FloatArray
    sd: FloatArray
    tau2: FloatArray


@dataclass(frozen=True, eq=False)
class RankDistribution:
    """Simulated ranks; arrays of shape (n_arms,).

    Parameters
    ----------
    low, high
        5 % and 95 % points of the rank, 1 the best.
    p_top3
        Share of draws among the best three.
    """

    low: IntArray
    high: IntArray
    p_top3: FloatArray


def shrink(mean: FloatArray, se: FloatArray, delta: FloatArray) -> Shrunken:
    """Pull effects towards 0, the more the less is known about them.

    Parameters
    ----------
    mean, se : ndarray of shape (..., n_arms)
        Tested arms only.
    delta : ndarray, broadcastable to (..., n_arms)
        The smallest of them sets the floor of tau².
    """
    floor = (np.broadcast_to(delta, mean.shape).min(axis=-1, keepdims=True) / 10) ** 2
    tau2 = np.maximum((mean**2 - se**2).mean(axis=-1, keepdims=True), floor)
    total = tau2 + se**2
    return Shrunken(mean * tau2 / total, np.sqrt(tau2 * se**2 / total), tau2)


def generator_of(name: str, root: int) -> np.random.Generator:
    """Return a generator that depends on the name and the root alone, not on its neighbours."""
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng([root, int.from_bytes(digest[:8], "big")])


def rank_distribution(
    names: Sequence[str],
    effect: FloatArray,
    sd: FloatArray,
    df: FloatArray,
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> RankDistribution:
    """Simulate the ranks of the true effects.

    Parameters
    ----------
    names
        Each arm has a stream of its own, so that the order of arms changes nothing.
    effect, sd, df : ndarray of shape (n_arms,)
        b_k, its posterior standard deviation, df_k.
    """
    root = int(rng.integers(2**63))
    noise = [
        _t_noise(name, root, max(float(nu), 1.0), draws) for name, nu in zip(names, df, strict=True)
    ]
    truth = effect + sd * np.array(noise).reshape(len(names), draws).T  # (draws, n_arms)
    ranks = len(names) - truth.argsort(axis=1).argsort(axis=1)
    ordered = np.sort(ranks, axis=0)
    return RankDistribution(
        low=ordered[int(0.05 * draws)],
        high=ordered[int(np.ceil(0.95 * draws)) - 1],
        p_top3=(ranks <= 3).mean(axis=0),
    )


@lru_cache(maxsize=256)
def _t_noise(name: str, root: int, df: float, draws: int) -> FloatArray:
    """Draw an arm's noise; remembered, because a live table asks again at every update."""
    noise: FloatArray = np.asarray(generator_of(name, root).standard_t(df, draws))
    noise.setflags(write=False)
    return noise


def table_order(tiers: Sequence[int], effect: FloatArray, names: Sequence[str]) -> list[int]:
    """Positions from first to last: by tier, then by shrunken effect, then by name.

    Examples
    --------
    >>> table_order([1, 0, 1], np.array([0.1, 0.2, 0.3]), ["a", "b", "c"])
    [1, 2, 0]
    """
    return sorted(range(len(names)), key=lambda i: (tiers[i], -effect[i], names[i]))


def separated_groups(low: Sequence[int], high: Sequence[int]) -> list[int]:
    """Group of each row, in table order; within a group no order may be claimed.

    Neighbours whose rank intervals overlap share a group.

    Examples
    --------
    >>> separated_groups([1, 2, 3, 5], [1, 3, 4, 5])
    [1, 2, 2, 3]
    """
    groups: list[int] = []
    for place, start in enumerate(low):
        joined = place > 0 and start <= high[place - 1]
        groups.append(groups[-1] + (not joined) if groups else 1)
    return groups

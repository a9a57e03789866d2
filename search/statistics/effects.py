"""Effect of each arm and its variance, and the noise they stand in.

For arm k with n_k paired differences d_ki of mean dbar_k and variance s_k² (ddof 1)::

    pool = Σ (n_k - 1) s_k² / Σ (n_k - 1)              over arms with s_k² > 0
    v_k  = (d0 pool + (n_k - 1) s_k²) / (d0 + n_k - 1)
    df_k = d0 + n_k - 1
    se_k = √(v_k (1/n_k + n_test/n_train))             the second term under resplit only

with d0 = 0 for at most two arms in the pool, else min(4, arms - 1). Half-pooling borrows degrees
of freedom from the other arms, as limma does (Smyth 2004, doi:10.2202/1544-6115.1027), but with a
fixed d0, which keeps the level when one arm is noisier than the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.statistics.arrays import BoolArray, FloatArray, IntArray
from search.statistics.pairs import Pairs, Scores

PRIOR_DF = 4


@dataclass(frozen=True, eq=False)
class Summary:
    """Moments of the pairs within a look; arrays of shape (..., n_columns).

    Parameters
    ----------
    n
        Closed pairs, failures charged.
    n_valid
        Pairs with a score on both sides.
    n_failed
        Failures of the arm itself.
    mean, variance
        Of d; 0 where there are too few pairs. The variance of equal numbers is exactly 0.
    zero
        Every difference is exactly 0.
    due
        Some pair is due within the look.
    complete
        Some is, and every one of them is closed.
    """

    n: IntArray
    n_valid: IntArray
    n_failed: IntArray
    mean: FloatArray
    variance: FloatArray
    zero: BoolArray
    due: BoolArray
    complete: BoolArray


@dataclass(frozen=True, eq=False)
class Moderated:
    """Half-pooled variances; arrays of shape (..., n_columns), except `pool` and `d0`.

    Parameters
    ----------
    variance, df, se
        v_k, df_k and se_k. df 0 and se 0 where a column has no pair.
    pool, d0
        Shape (..., 1).
    """

    variance: FloatArray
    df: FloatArray
    se: FloatArray
    pool: FloatArray
    d0: FloatArray


def summarise(pairs: Pairs, n_seeds: int) -> Summary:
    """Moments over the first `n_seeds` seeds."""
    d = pairs.d[..., :n_seeds, :]
    known = np.isfinite(d)
    n = known.sum(axis=-2)
    filled = np.where(known, d, 0.0)
    mean = filled.sum(axis=-2) / np.maximum(n, 1)
    deviation = np.where(known, d - mean[..., None, :], 0.0)
    variance = (deviation**2).sum(axis=-2) / np.maximum(n - 1, 1)
    equal = np.abs(deviation).max(axis=-2, initial=0.0) <= pairs.resolution
    due = pairs.due[..., :n_seeds, :]
    closed = pairs.closed[..., :n_seeds, :]
    some: BoolArray = np.logical_or.reduce(due, axis=-2)
    every: BoolArray = np.logical_and.reduce(closed | ~due, axis=-2)
    return Summary(
        n=n,
        n_valid=pairs.valid[..., :n_seeds, :].sum(axis=-2),
        n_failed=pairs.failed[..., :n_seeds, :].sum(axis=-2),
        mean=mean,
        variance=np.where(equal, 0.0, variance),
        zero=(filled == 0).all(axis=-2) & (n > 0),
        due=some,
        complete=every & some,
    )


def half_pooled(variance: FloatArray, n: IntArray, test_train_ratio: float = 0.0) -> Moderated:
    """v_k, df_k and se_k of the module's formulas.

    Parameters
    ----------
    variance : ndarray of shape (..., n_columns)
        s_k², 0 for columns whose differences are all equal.
    n : ndarray of shape (..., n_columns), int
        n_k.
    test_train_ratio
        n_test / n_train under resplit replication (Nadeau and Bengio 2003), otherwise 0.

    Examples
    --------
    >>> half_pooled(np.array([1.0, 2.0, 3.0]), np.array([3, 3, 3])).variance
    array([1.5, 2. , 2.5])
    """
    own = np.maximum(n - 1, 0)
    weight = np.where(variance > 0, own, 0)
    total = weight.sum(axis=-1, keepdims=True)
    pool = (weight * variance).sum(axis=-1, keepdims=True) / np.maximum(total, 1)
    members = (weight > 0).sum(axis=-1, keepdims=True)
    d0 = np.where(members <= 2, 0.0, np.minimum(PRIOR_DF, members - 1))
    df = np.where(n > 0, d0 + own, 0.0)
    moderated = (d0 * pool + own * variance) / np.maximum(df, 1)
    se = np.where(n > 0, np.sqrt(moderated * (1 / np.maximum(n, 1) + test_train_ratio)), 0.0)
    return Moderated(moderated, df, se, pool, d0)


def seed_sd(scores: FloatArray) -> float | None:
    """sigma_b: the root of the mean within-arm variance over all arms, the baseline included.

    Parameters
    ----------
    scores : ndarray of shape (n_seeds, n_arms + 1)
        NaN where there is no score. Arms with fewer than two scores are left out.

    Returns
    -------
    float or None
        In the metric's unit; None when no arm has two scores.
    """
    known = np.isfinite(scores)
    n = known.sum(axis=0)
    mean = np.where(known, scores, 0.0).sum(axis=0) / np.maximum(n, 1)
    squares = np.where(known, scores - mean, 0.0) ** 2
    variances = (squares.sum(axis=0) / np.maximum(n - 1, 1))[n >= 2]
    return float(np.sqrt(variances.mean())) if variances.size else None


def seed_correlation(scores: Scores) -> float | None:
    """rho_hat: mean over arms of the correlation with the baseline over shared seeds.

    Returns
    -------
    float or None
        None when no arm has three valid pairs that vary on both sides. Arms equal to the baseline
        in every pair say nothing about seeds and are left out.
    """
    base = np.where(scores.pairs.valid, scores.baseline[:, None], np.nan)
    arms = np.where(scores.pairs.valid, scores.arms, np.nan)
    n = scores.pairs.valid.sum(axis=0)
    base = np.nan_to_num(base - _column_mean(base, n))
    arms = np.nan_to_num(arms - _column_mean(arms, n))
    norm = np.sqrt((base**2).sum(axis=0) * (arms**2).sum(axis=0))
    differs = (np.nan_to_num(scores.pairs.d) != 0).any(axis=0)
    usable = (n >= 3) & (norm > 0) & differs
    if not usable.any():
        return None
    return float(((base * arms).sum(axis=0)[usable] / norm[usable]).mean())


def _column_mean(values: FloatArray, n: IntArray) -> FloatArray:
    total: FloatArray = np.nansum(values, axis=0)
    return total / np.maximum(n, 1)


def share_better(d: FloatArray) -> FloatArray:
    """P(A>B) as a description: share of pairs in which the arm is better, ties half.

    Parameters
    ----------
    d : ndarray of shape (n_seeds, n_arms)
        NaN where there is no pair.

    Returns
    -------
    ndarray of shape (n_arms,)
        0 where there is no pair.

    Examples
    --------
    >>> share_better(np.array([[0.2], [0.1], [-0.3], [0.0]])).tolist()
    [0.625]
    """
    pairs = np.isfinite(d).sum(axis=0)
    share: FloatArray = ((d > 0) + 0.5 * (d == 0)).sum(axis=0) / np.maximum(pairs, 1)
    return share

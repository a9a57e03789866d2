"""Looks, the p-values they spend, and the bounds they allow.

At look j, with n_j seeds and w_j = (n_j - n_{j-1}) / n_max::

    p_kj = P(T_df > dbar_k / se_k)
    q_k  = min(1, min over looks done of p_kj / w_j)

which is a valid p-value by the union bound, whatever the dependence between looks and whatever
ends the race; Holm over all registered techniques follows. An arm's q holds the looks it took part
in and is never recomputed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from search.statistics.arrays import FloatArray, IntArray
from search.statistics.evalues import log_e_value, t_boundary


def spending(looks: Sequence[int]) -> FloatArray:
    """w_j, the share of alpha that each look spends; they sum to 1.

    Examples
    --------
    >>> spending((3, 5, 8, 12, 20))
    array([0.15, 0.1 , 0.15, 0.2 , 0.4 ])
    """
    return np.diff(np.asarray(looks, dtype=np.float64), prepend=0.0) / looks[-1]


def holm(p: FloatArray, n_registered: int | None = None) -> FloatArray:
    """Holm's adjusted p-values along the last axis (Holm 1979).

    By hand because statsmodels' ``multipletests`` collects garbage on every call.

    Parameters
    ----------
    p : ndarray of shape (..., n_arms)
    n_registered
        K where it exceeds n_arms: the others count as p = 1.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    k = p.shape[-1]
    total = k if n_registered is None else max(k, n_registered)
    order = np.argsort(p, axis=-1, kind="stable")
    stepped = np.take_along_axis(p, order, axis=-1) * (total - np.arange(k))
    stepped = np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0)
    adjusted = np.empty_like(stepped)
    np.put_along_axis(adjusted, order, stepped, axis=-1)
    return adjusted


@dataclass(frozen=True)
class Rules:
    """What the race needs of a registration.

    Parameters
    ----------
    looks, alpha, max_fail, test_train_ratio, open_ended, n_registered
        As in `Registration`; `n_registered` None counts the arms.
    levels
        Columns of each arm, in order; empty means one each.
    keep
        Arms that stay after a plain reject (`as_good_but_cheaper`), in order; empty means none.
    absent
        Arms that no look waits for (withdrawn ones), in order; empty means none.
    baseline_failures
        Failed baseline runs within each look; empty means none.
    """

    looks: tuple[int, ...]
    alpha: float = 0.05
    max_fail: float = 0.10
    test_train_ratio: float = 0.0
    open_ended: bool = False
    n_registered: int | None = None
    levels: tuple[int, ...] = ()
    keep: tuple[bool, ...] = ()
    absent: tuple[bool, ...] = ()
    baseline_failures: tuple[int, ...] = ()

    @property
    def weights(self) -> FloatArray:
        """Share of alpha of each look: all of it, at every look, for e-values."""
        return np.ones(len(self.looks)) if self.open_ended else spending(self.looks)

    def sizes(self, n_arms: int) -> IntArray:
        """Columns of each arm, shape (n_arms,)."""
        return np.array(self.levels or (1,) * n_arms, dtype=np.int64)

    def baseline_unfit(self, look: int) -> bool:
        """Whether the baseline failed too often for a verdict at this look."""
        count = self.baseline_failures[look] if self.baseline_failures else 0
        return count > self.max_fail * self.looks[look]

    def refused(self, look: int) -> bool:
        """Whether the baseline failed too often for any later look to mend it."""
        count = self.baseline_failures[look] if self.baseline_failures else 0
        return count > self.max_fail * self.looks[-1]


def p_values(
    mean: FloatArray, se: FloatArray, df: FloatArray, n: IntArray, rules: Rules
) -> FloatArray:
    """One-sided p of each column at one look; 1 where there is no variance.

    Under `open_ended` this is 1/e for positive effects, and 1 for the others.
    """
    some = (se > 0) & (df > 0)
    t = mean / np.where(some, se, 1.0)
    nu = np.maximum(df, 1.0)
    if rules.open_ended:
        evidence = np.exp(-log_e_value(t, np.maximum(n, 1), nu))
        return np.where(some & (t > 0), np.minimum(evidence, 1.0), 1.0)
    tail: FloatArray = special.stdtr(nu, -t)
    return np.where(some, tail, 1.0)


def upper_bound(
    mean: FloatArray, se: FloatArray, df: FloatArray, n: IntArray, rules: Rules, look: int
) -> FloatArray:
    """One-sided upper bound at one look, ``mean + t.ppf(1 - alpha w_j, df) se``.

    Per technique, not familywise: a wrong reject costs a missed gain, a wrong adoption costs
    complexity for ever. Under `open_ended`, the bound of a confidence sequence.
    """
    nu = np.maximum(df, 1.0)
    if rules.open_ended:
        return mean + t_boundary(-np.log(rules.alpha), np.maximum(n, 1), nu) * se
    quantile: FloatArray = special.stdtrit(nu, 1 - rules.alpha * rules.weights[look])
    return mean + quantile * se


def half_width(
    se: FloatArray, df: FloatArray, n: IntArray, rules: Rules, n_levels: IntArray
) -> FloatArray:
    """Half-width of the printed interval, ``t.ppf(1 - alpha/(2 J), df) se``.

    Valid at whichever of the J planned looks an arm stopped; over the levels of one technique it
    holds simultaneously (alpha divided by their number). Under `open_ended`, a confidence sequence.
    """
    nu = np.maximum(df, 1.0)
    tail = rules.alpha / n_levels
    if rules.open_ended:
        return t_boundary(-np.log(tail), np.maximum(n, 1), nu) * se
    quantile: FloatArray = special.stdtrit(nu, 1 - tail / 2 / len(rules.looks))
    return quantile * se

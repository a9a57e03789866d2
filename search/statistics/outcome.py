"""Where a race stands, column by column and arm by arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from search.statistics.arrays import BoolArray, CodeArray, FloatArray, IntArray

Values = TypeVar("Values", FloatArray, IntArray, BoolArray)


@dataclass(frozen=True, eq=False)
class Columns:
    """Each column at the last look it took part in; arrays of shape (..., n_columns).

    Parameters
    ----------
    n, n_valid, n_failed
        Pairs, pairs with both scores, failures of the arm.
    mean, own_variance
        dbar_k and s_k².
    variance, df, se
        Half-pooled v_k, df_k and se_k.
    p
        One-sided p of that look; 1 where no test is possible.
    zero, constant
        Differences all 0; all equal, not 0, and without a variance to borrow.
    """

    n: IntArray
    n_valid: IntArray
    n_failed: IntArray
    mean: FloatArray
    own_variance: FloatArray
    variance: FloatArray
    df: FloatArray
    se: FloatArray
    p: FloatArray
    zero: BoolArray
    constant: BoolArray


@dataclass(frozen=True, eq=False)
class Frozen:
    """Numbers of one look as first computed; shape (..., n_columns), NaN where there are none.

    Parameters
    ----------
    variance, df, p
        v_k, df_k and p_kj.
    """

    variance: FloatArray
    df: FloatArray
    p: FloatArray


@dataclass(frozen=True, eq=False)
class Race:
    """Where every arm stands; arrays of shape (..., n_arms) unless stated.

    Parameters
    ----------
    columns
        The columns' numbers.
    best
        Column of each arm: its only one, or that of its best level.
    q, p_adjusted
        Sequential p-value, and Holm's adjustment over all registered techniques.
    verdict
        Codes; `UNDECIDED` arms get more seeds.
    look
        Index of the arm's last look, -1 before the first.
    rejected
        Rejected, possibly while staying for `free_win`.
    frozen
        One record per look taken.
    refused
        The baseline failed too often; no verdict stands.
    """

    columns: Columns
    best: IntArray
    q: FloatArray
    p_adjusted: FloatArray
    verdict: CodeArray
    look: IntArray
    rejected: BoolArray
    frozen: tuple[Frozen, ...] = ()
    refused: bool = False


def pick(values: Values, best: IntArray) -> Values:
    """Take each arm's best column: (..., n_columns) to (..., n_arms)."""
    return np.take_along_axis(values, best, axis=-1)


def every(values: BoolArray, sizes: IntArray) -> BoolArray:
    """Reduce columns to arms: true of all levels of an arm."""
    found: BoolArray = np.logical_and.reduceat(values, np.cumsum(sizes) - sizes, axis=-1)
    return found


def some(values: BoolArray, sizes: IntArray) -> BoolArray:
    """Reduce columns to arms: true of some level of an arm."""
    found: BoolArray = np.logical_or.reduceat(values, np.cumsum(sizes) - sizes, axis=-1)
    return found


def least(values: FloatArray, sizes: IntArray) -> FloatArray:
    """Reduce columns to arms: the least over the levels of an arm."""
    found: FloatArray = np.minimum.reduceat(values, np.cumsum(sizes) - sizes, axis=-1)
    return found

"""Screening: many techniques at once, each effect an average over contexts.

About five times cheaper per unit of precision than adding one at a time, where techniques combine
freely and do not crash together. It answers another question than add-one does, so that its word
is "screened", and candidates go on to confirmation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from search.statistics.arrays import BoolArray, IntArray
from search.statistics.errors import StatisticsError
from search.statistics.intervals import Interval
from search.statistics.sequential import holm

Direction = Literal["maximize", "minimize"]


def screening_design(n_factors: int) -> BoolArray:
    """Two-level fraction of resolution IV: no main effect is aliased with another or with a pair.

    Base factors a, b, .. and all products of an odd number of them: a product of odd words is
    never empty below four letters, so the defining relation has none shorter than four (Box and
    Hunter 1961, doi:10.1080/00401706.1961.10489951).

    Parameters
    ----------
    n_factors
        Techniques, 1 to 64.

    Returns
    -------
    ndarray of shape (n_runs, n_factors), bool
        Row: one combination. n_runs is the least power of two that is at least 2 n_factors.

    Examples
    --------
    >>> screening_design(8).shape
    (16, 8)
    """
    # a second and a half to import, and only screening needs it
    from pyDOE3 import fracfact

    if not 1 <= n_factors <= 64:
        raise StatisticsError(f"screening takes 1 to 64 techniques, got {n_factors}")
    base = 1 + (n_factors - 1).bit_length()  # 2^(base-1) words have an odd number of letters
    letters = "abcdefg"[:base]
    products = [
        "".join(word) for size in range(3, base + 1, 2) for word in combinations(letters, size)
    ]
    words = [*letters, *products][:n_factors]
    design: BoolArray = np.asarray(fracfact(" ".join(words))) > 0
    return design


@dataclass(frozen=True)
class Screened:
    """One screened technique; its verdict column reads "screened".

    Parameters
    ----------
    name
        The technique.
    effect
        Average effect over the contexts of the design, positive is better.
    p_value, p_adjusted
        One-sided, and Holm over all screened techniques.
    candidate
        Goes on to add-one or stack confirmation.
    """

    name: str
    effect: Interval
    p_value: float
    p_adjusted: float
    candidate: bool


def screen(
    design: npt.ArrayLike,
    scores: npt.ArrayLike,
    names: Sequence[str],
    direction: Direction = "maximize",
    *,
    alpha: float = 0.05,
) -> tuple[Screened, ...]:
    """Ordinary least squares of score on the techniques and a constant per seed.

    Parameters
    ----------
    design : array-like of shape (n_runs, n_factors), bool
        From `screening_design`.
    scores : array-like of shape (n_seeds, n_runs)
        Every combination on every seed, finite: a crash leaves a hole that no average fills.
    names
        One per factor.

    Raises
    ------
    StatisticsError
        If a score is missing or shapes disagree.
    """
    # half a second to import, and only screening needs it
    from statsmodels.regression.linear_model import OLS

    on = np.asarray(design, dtype=np.float64)
    sign = 1 if direction == "maximize" else -1
    y = sign * np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if y.shape[1] != len(on) or on.shape[1] != len(names) or not np.isfinite(y).all():
        raise StatisticsError(
            f"screening needs a finite score per seed and combination: design {on.shape}, "
            f"scores {y.shape}, {len(names)} names"
        )
    seeds = np.repeat(np.eye(len(y)), len(on), axis=0)
    fit = OLS(y.ravel(), np.hstack([np.tile(on, (len(y), 1)), seeds])).fit()
    k = len(names)
    p = special.stdtr(fit.df_resid, -np.asarray(fit.tvalues)[:k])
    bounds = np.asarray(fit.conf_int(alpha))[:k]
    adjusted = holm(p)
    return tuple(
        Screened(
            name=names[i],
            effect=Interval(
                float(fit.params[i]), float(bounds[i, 0]), float(bounds[i, 1]), 1 - alpha
            ),
            p_value=float(p[i]),
            p_adjusted=float(adjusted[i]),
            candidate=bool(adjusted[i] <= alpha),
        )
        for i in range(k)
    )


def combinations_of(design: BoolArray, names: Sequence[str]) -> tuple[frozenset[str], ...]:
    """Techniques switched on in each run of a design."""
    rows: list[IntArray] = [np.flatnonzero(row) for row in design]
    return tuple(frozenset(names[i] for i in row) for row in rows)

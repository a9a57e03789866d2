"""One knob measured at several values: a response curve, and one row in the table.

In the family of techniques the row counts once. Its p-value is the least of its levels' times
their number (Bonferroni), which is valid whatever their dependence and needs no model of it; it is
rejected when every level is. Intervals over the levels hold simultaneously.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import special

from search.statistics.effects import half_pooled
from search.statistics.errors import StatisticsError
from search.statistics.intervals import Interval
from search.statistics.sequential import holm


@dataclass(frozen=True)
class ResponseCurve:
    """Effect of each level on the baseline.

    Parameters
    ----------
    levels
        Names, in the order given.
    effects
        One interval per level, jointly at their level.
    best
        The level with the greatest effect; None when `flat`.
    tied
        Levels not separated from the greatest one, itself included.
    flat
        No two levels are separated: no level may be called the best.
    p_value
        Of the row, for the family of techniques.
    """

    levels: tuple[str, ...]
    effects: tuple[Interval, ...]
    best: str | None
    tied: tuple[str, ...]
    flat: bool
    p_value: float


def response_curve(
    d: npt.ArrayLike, levels: Sequence[str], *, alpha: float = 0.05, n_looks: int = 1
) -> ResponseCurve:
    """Response curve over levels with simultaneous intervals.

    Levels are compared pairwise by two-sided paired t with Holm.

    Parameters
    ----------
    d : array-like of shape (n_seeds, n_levels)
        Sign-adjusted paired differences, finite.
    n_looks
        J planned looks: the intervals then hold at whichever of them the row stopped.

    Raises
    ------
    StatisticsError
        If there are fewer than two levels or seeds, or a value is not finite.
    """
    values = np.asarray(d, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(levels) or min(values.shape) < 2:
        raise StatisticsError(
            f"a response curve needs two seeds and two levels, got shape {values.shape} for "
            f"{len(levels)} levels"
        )
    if not np.isfinite(values).all():
        raise StatisticsError("a response curve needs finite differences")
    n, k = values.shape
    mean, own = values.mean(axis=0), values.var(axis=0, ddof=1)
    pooled = half_pooled(own, np.full(k, n))
    half = special.stdtrit(pooled.df, 1 - alpha / 2 / n_looks / k) * pooled.se
    tested = pooled.se > 0
    t = mean / np.where(tested, pooled.se, 1.0)
    p = np.where(tested, special.stdtr(pooled.df, -t), 1.0)
    effects = tuple(
        Interval(float(m), float(m - h), float(m + h), 1 - alpha / n_looks)
        for m, h in zip(mean, half, strict=True)
    )
    separated = _separated(values, alpha)
    top = int(mean.argmax())
    tied = tuple(levels[i] for i in range(k) if frozenset((top, i)) not in separated)
    return ResponseCurve(
        levels=tuple(levels),
        effects=effects,
        best=levels[top] if separated else None,
        tied=tied,
        flat=not separated,
        p_value=float(min(1.0, k * p.min())),
    )


def _separated(values: npt.NDArray[np.float64], alpha: float) -> set[frozenset[int]]:
    """Pairs of levels whose paired difference is not 0, familywise."""
    pairs = list(combinations(range(values.shape[1]), 2))
    gaps = np.stack([values[:, i] - values[:, j] for i, j in pairs], axis=1)
    se = gaps.std(axis=0, ddof=1) / np.sqrt(len(values))
    t = np.abs(gaps.mean(axis=0)) / np.where(se > 0, se, 1.0)
    p = np.where(se > 0, 2 * special.stdtr(len(values) - 1, -t), 1.0)
    adjusted = holm(p)
    return {frozenset(pair) for pair, q in zip(pairs, adjusted, strict=True) if q <= alpha}

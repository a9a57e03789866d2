"""One knob measured at several values: a response curve, and one row in the table.

In the family of techniques the row counts once. Its p-value at a look is the least of its levels'
times their number (Bonferroni), which is valid whatever their dependence and assumes no shape of
the curve; it is rejected when every level is. Intervals over the levels hold simultaneously. The
race does both; here the curve is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import special

from search.statistics.arrays import FloatArray
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
        One interval per level; they hold jointly.
    best
        The level with the greatest effect; None when `flat`.
    tied
        Levels not separated from the greatest one, itself included.
    flat
        No two levels are separated: no level may be called the best.
    """

    levels: tuple[str, ...]
    effects: tuple[Interval, ...]
    best: str | None
    tied: tuple[str, ...]
    flat: bool


def response_curve(
    d: FloatArray, levels: Sequence[str], half: FloatArray, *, alpha: float = 0.05
) -> ResponseCurve:
    """Read a response curve; levels are compared pairwise by two-sided paired t with Holm.

    Parameters
    ----------
    d : ndarray of shape (n_seeds, n_levels)
        Sign-adjusted paired differences, finite.
    half : ndarray of shape (n_levels,)
        Half-width of each level's simultaneous interval.

    Raises
    ------
    StatisticsError
        If there are fewer than two levels or seeds, or a value is not finite.
    """
    if d.ndim != 2 or d.shape[1] != len(levels) or min(d.shape) < 2 or not np.isfinite(d).all():
        raise StatisticsError(
            f"a response curve needs finite differences on two seeds and two levels, got shape "
            f"{d.shape} for {len(levels)} levels"
        )
    mean = d.mean(axis=0)
    separated = _separated(d, alpha)
    top = int(mean.argmax())
    return ResponseCurve(
        levels=tuple(levels),
        effects=tuple(
            Interval(float(m), float(m - h), float(m + h), 1 - alpha)
            for m, h in zip(mean, half, strict=True)
        ),
        best=levels[top] if separated else None,
        tied=tuple(level for i, level in enumerate(levels) if frozenset((top, i)) not in separated),
        flat=not separated,
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

"""Ladders, and what is safe to remove from the top.

A rung is conditional on the rungs below it; leaving one out of the full stack shows its effect
inside the stack. Neither is the effect on the baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from search.statistics.arrays import FloatArray
from search.statistics.errors import StatisticsError
from search.statistics.intervals import Interval, finite_sample, mean_interval
from search.statistics.sequential import holm

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Rung:
    """One rung of a ladder, conditional on the rungs below.

    Parameters
    ----------
    name
        The technique added.
    gain
        Over the previous rung, positive is better.
    total
        Over the ground.
    p_value, p_adjusted
        One-sided paired t, and Holm over all rungs.
    holds
        The adjusted p is at most alpha.
    """

    name: str
    gain: Interval
    total: Interval
    p_value: float
    p_adjusted: float
    holds: bool


def climb(
    scores: npt.ArrayLike,
    names: Sequence[str],
    direction: Direction = "maximize",
    *,
    alpha: float = 0.05,
) -> tuple[Rung, ...]:
    """Test each rung of a ladder, whose order was fixed in advance, against the one below.

    Parameters
    ----------
    scores : array-like of shape (n_seeds, n_rungs + 1)
        Column 0 is the ground; column i has the first i techniques on.
    names
        The techniques, from the ground up.
    """
    sign = 1 if direction == "maximize" else -1
    y = sign * np.asarray(scores, dtype=np.float64)
    if y.ndim != 2 or y.shape[1] != len(names) + 1 or not np.isfinite(y).all():
        raise StatisticsError(f"a ladder of {len(names)} needs finite scores, got {y.shape}")
    steps = np.diff(y, axis=1)
    p = np.array([one_sided_p(step) for step in steps.T])
    adjusted = holm(p)
    return tuple(
        Rung(
            name=name,
            gain=mean_interval(steps[:, i], 1 - alpha),
            total=mean_interval(y[:, i + 1] - y[:, 0], 1 - alpha),
            p_value=float(p[i]),
            p_adjusted=float(adjusted[i]),
            holds=bool(adjusted[i] <= alpha),
        )
        for i, name in enumerate(names)
    )


@dataclass(frozen=True)
class Removal:
    """Whether a technique may be taken out of the full stack.

    Parameters
    ----------
    name
        The technique.
    contribution
        Full stack minus the stack without it, positive when it helps.
    p_value, p_adjusted
        Of "it contributes delta or more", and Holm over the techniques.
    safe_to_remove
        The adjusted p is at most alpha, so that what it contributes is below delta; or taking it
        out changes no score in three seeds or more.
    """

    name: str
    contribution: Interval
    p_value: float
    p_adjusted: float
    safe_to_remove: bool


def judge_removals(
    full: npt.ArrayLike,
    without: npt.ArrayLike,
    names: Sequence[str],
    delta: float,
    direction: Direction = "maximize",
    *,
    alpha: float = 0.05,
) -> tuple[Removal, ...]:
    """Non-inferiority of the stack without each technique.

    Parameters
    ----------
    full : array-like of shape (n_seeds,)
    without : array-like of shape (n_seeds, n_techniques)
    delta
        Smallest contribution worth keeping a technique for.
    """
    sign = 1 if direction == "maximize" else -1
    whole = finite_sample(full, "the full stack")
    less = np.asarray(without, dtype=np.float64)
    if less.shape != (whole.size, len(names)) or not np.isfinite(less).all():
        raise StatisticsError(
            f"scores without each technique must be finite, ({whole.size}, {len(names)}); "
            f"got {less.shape}"
        )
    kept = sign * (whole[:, None] - less)
    p = np.array([one_sided_p(delta - column) for column in kept.T])
    adjusted = holm(p)
    return tuple(
        Removal(
            name=name,
            contribution=mean_interval(kept[:, i], 1 - alpha),
            p_value=float(p[i]),
            p_adjusted=float(adjusted[i]),
            safe_to_remove=bool(adjusted[i] <= alpha or (len(kept) >= 3 and not kept[:, i].any())),
        )
        for i, name in enumerate(names)
    )


def one_sided_p(d: FloatArray) -> float:
    """P of a mean above 0 by the paired t test; 1 without variance or with fewer than 3 pairs."""
    n = d.size
    spread = float(d.std(ddof=1)) if n > 1 else 0.0
    if n < 3 or spread <= 1e-12 * float(np.abs(d).max()):
        return 1.0
    return float(special.stdtr(n - 1, -float(d.mean()) / (spread / np.sqrt(n))))

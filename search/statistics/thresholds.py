"""Go or no-go: one arm against a fixed target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from search.statistics.intervals import finite_sample, one_sided_bounds
from search.statistics.power import seeds_for


@dataclass(frozen=True)
class Threshold:
    """Where an arm stands against a target.

    Parameters
    ----------
    decision
        "go" when the worse one-sided bound reaches the target, "no-go" when the better one misses
        it, otherwise "undecided".
    mean
        Of the scores, in the metric's unit.
    low, high
        One-sided 95 % bounds of the mean, in the metric's unit; infinite with one seed.
    gap
        Mean minus target, positive when better than the target.
    n_seeds
        Seeds measured.
    seeds_needed
        Further seeds that would decide with 80 % power if the mean is right; None when decided,
        or when no number can be promised.
    """

    decision: Literal["go", "no-go", "undecided"]
    mean: float
    low: float
    high: float
    gap: float
    n_seeds: int
    seeds_needed: int | None


def judge_threshold(
    scores: npt.ArrayLike,
    target: float,
    direction: Literal["maximize", "minimize"] = "maximize",
    *,
    alpha: float = 0.05,
) -> Threshold:
    """One-sample t bounds on the arm itself, ``(ybar - target)/(s/√n)`` on n - 1 df, never pooled.

    Parameters
    ----------
    scores : array-like of shape (n_seeds,)
        Finite; one seed decides nothing.

    Examples
    --------
    >>> judge_threshold([0.61, 0.62, 0.63], target=0.589).decision
    'go'
    """
    sample = finite_sample(scores, "a threshold")
    sign = 1 if direction == "maximize" else -1
    over = sign * (sample - target)
    low, high = one_sided_bounds(over, alpha)
    decision: Literal["go", "no-go", "undecided"] = "undecided"
    if low >= 0:
        decision = "go"
    elif high < 0:
        decision = "no-go"
    bounds = sorted((target + sign * low, target + sign * high))
    return Threshold(
        decision=decision,
        mean=float(sample.mean()),
        low=float(bounds[0]),
        high=float(bounds[1]),
        gap=float(over.mean()),
        n_seeds=sample.size,
        seeds_needed=_further_seeds(over, alpha) if decision == "undecided" else None,
    )


def _further_seeds(over: npt.NDArray[np.float64], alpha: float) -> int | None:
    n = over.size
    sd = float(over.std(ddof=1)) if n > 1 else 0.0
    effect = abs(float(over.mean()))
    if sd == 0 or effect <= sd / np.sqrt(n) / 2:
        return None
    total = float(seeds_for(effect / sd, alpha))
    return max(1, int(total) - n) if np.isfinite(total) else None

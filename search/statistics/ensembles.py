"""Seed ensembles: m runs that vote, against the mean of the same m runs alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from search.statistics.arrays import FloatArray
from search.statistics.errors import StatisticsError
from search.statistics.intervals import Interval, mean_interval

MIN_BLOCKS = 3


def blocks_of(n_seeds: int, m: int) -> tuple[tuple[int, ...], ...]:
    """Disjoint blocks of m seeds, by place in the seed list; a rest shorter than m is left.

    Raises
    ------
    StatisticsError
        If m is below 2 or there are fewer than three blocks.

    Examples
    --------
    >>> blocks_of(7, 2)
    ((0, 1), (2, 3), (4, 5))
    """
    if m < 2 or n_seeds // m < MIN_BLOCKS:
        raise StatisticsError(
            f"an ensemble needs m >= 2 and {MIN_BLOCKS} disjoint blocks; "
            f"{n_seeds} seeds give {n_seeds // m if m > 0 else 0} of {m}"
        )
    return tuple(tuple(range(i * m, (i + 1) * m)) for i in range(n_seeds // m))


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Gain of an ensemble of m seeds.

    Parameters
    ----------
    d : ndarray of shape (n_blocks,)
        Ensemble minus the mean single run of its block, sign-adjusted.
    gain
        Mean of d with its interval.
    compute_ratio
        m: what the ensemble costs.
    """

    d: FloatArray
    gain: Interval
    compute_ratio: float


def judge_ensemble(
    singles: npt.ArrayLike,
    ensembles: npt.ArrayLike,
    m: int,
    direction: Literal["maximize", "minimize"] = "maximize",
) -> Ensemble:
    """Gain of ensembles of m seeds over single runs.

    Parameters
    ----------
    singles : array-like of shape (n_seeds,)
        Scores of single runs.
    ensembles : array-like of shape (n_seeds // m,)
        Score of the ensemble of each block of `blocks_of`.
    """
    alone = np.asarray(singles, dtype=np.float64).ravel()
    together = np.asarray(ensembles, dtype=np.float64).ravel()
    blocks = blocks_of(alone.size, m)
    if together.size != len(blocks) or not np.isfinite([*alone, *together]).all():
        raise StatisticsError(
            f"{len(blocks)} blocks need as many finite ensemble scores, got {together.size}"
        )
    sign = 1 if direction == "maximize" else -1
    means = alone[: len(blocks) * m].reshape(-1, m).mean(axis=1)
    d = sign * (together - means)
    return Ensemble(d, mean_interval(d), float(m))

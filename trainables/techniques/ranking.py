"""Metrics of a binary ranking, from one sort: precision, recall, average precision, AUROC, F_β.

The same definitions as scikit-learn's, several times faster, because one sort serves all of them
and nothing is validated twice: they run on two splits after every step. Tied scores count as one
threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RankingCurve:
    """Counts at every distinct score, from the highest to the lowest.

    Parameters
    ----------
    thresholds : ndarray of shape (n_distinct,)
        Distinct scores, descending; "positive" means a score not below the threshold.
    true_positives, false_positives : ndarray of shape (n_distinct,)
        How many rows each threshold calls positive, rightly and wrongly.
    """

    thresholds: Floats
    true_positives: Floats
    false_positives: Floats

    @property
    def precision(self) -> Floats:
        """Share of what is called positive that is."""
        return np.asarray(self.true_positives / (self.true_positives + self.false_positives))

    @property
    def recall(self) -> Floats:
        """Share of the positives that are called so."""
        return np.asarray(self.true_positives / self.true_positives[-1])

    def f_score(self, beta: float) -> Floats:
        """Return F_β at every threshold."""
        called = self.true_positives + self.false_positives
        square = beta * beta
        divisor = square * self.true_positives[-1] + called
        return np.asarray((1 + square) * self.true_positives / divisor)


def ranking_curve(scores: NDArray[np.floating], targets: NDArray[np.generic]) -> RankingCurve:
    """Return the counts at every distinct score.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
    targets : ndarray of shape (n_rows,)
        0 or 1; both must occur.

    Raises
    ------
    ValueError
        If one of the classes does not occur.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = np.asarray(scores, np.float64)[order]
    positive = np.asarray(targets, np.float64)[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each run of ties
    true_positives = np.cumsum(positive)[last]
    if not 0 < true_positives[-1] < len(ranked):
        raise ValueError(
            "a ranking needs positives and negatives, got "
            f"{int(true_positives[-1])} positives among {len(ranked)} rows"
        )
    return RankingCurve(ranked[last], true_positives, last + 1 - true_positives)


def average_precision(curve: RankingCurve) -> float:
    """Return Σ (R_k - R_{k-1}) P_k.

    Examples
    --------
    >>> average_precision(ranking_curve(np.array([0.9, 0.8, 0.1]), np.array([1, 0, 1])))
    0.8333333333333333
    """
    return float(np.diff(curve.recall, prepend=0.0) @ curve.precision)


def area_under_roc(curve: RankingCurve) -> float:
    """Return the chance that a positive outranks a negative, ties counting half.

    Examples
    --------
    >>> area_under_roc(ranking_curve(np.array([0.9, 0.8, 0.1]), np.array([1, 0, 1])))
    0.5
    """
    hits = curve.recall
    alarms = curve.false_positives / curve.false_positives[-1]
    before = np.concatenate([[0.0], hits[:-1]])
    return float(np.diff(alarms, prepend=0.0) @ (hits + before)) / 2


def best_threshold(
    scores: NDArray[np.floating], targets: NDArray[np.generic], *, beta: float
) -> float:
    """Return the threshold at which F_β is greatest, half-way to the next lower score.

    Examples
    --------
    >>> best_threshold(np.array([3.0, 2.0, 1.0]), np.array([1, 1, 0]), beta=1.0)
    1.5
    """
    return threshold_of(ranking_curve(scores, targets), beta=beta)


def threshold_of(curve: RankingCurve, *, beta: float) -> float:
    """Return the threshold at which a curve's F_β is greatest; see `best_threshold`."""
    best = int(np.argmax(curve.f_score(beta)))
    following = min(best + 1, len(curve.thresholds) - 1)
    return float((curve.thresholds[best] + curve.thresholds[following]) / 2)


def f_score_at(
    scores: NDArray[np.floating], targets: NDArray[np.generic], threshold: float, *, beta: float
) -> float:
    """Return F_β of "score not below the threshold"; 0 where nothing is found."""
    called, positive = scores >= threshold, np.asarray(targets, np.bool_)
    found = int(np.count_nonzero(called & positive))
    missed, alarms = int(np.count_nonzero(positive)) - found, int(np.count_nonzero(called)) - found
    square = beta * beta
    return (1 + square) * found / ((1 + square) * found + square * missed + alarms)

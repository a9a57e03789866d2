"""Paired differences d_ki of every arm and seed, failures included.

The failure rule: a failed run is scored at the floor, the worst finite score among the baseline's
and the arm's own runs within the look at which its pair first counts, and that number is never
changed afterwards. A failed baseline run spoils the pair of every arm: each is scored as if the
arm had reached its floor and the baseline its mean. So a failure is never favourable, and never
dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.errors import near_miss
from search.statistics.arrays import BoolArray, FloatArray
from search.statistics.errors import StatisticsError
from search.statistics.registration import Registration
from search.statistics.replicates import Replicates


@dataclass(frozen=True, eq=False)
class Pairs:
    """Sign-adjusted paired differences; greater is better.

    Every array has shape (..., n_seeds, n_columns) unless stated; leading axes are repetitions of
    a simulation.

    Parameters
    ----------
    d
        NaN where a pair is not closed, or not due.
    due
        Pairs that will exist (a seed ensemble of m runs has one in m rows).
    closed
        Due pairs whose runs have all ended.
    valid
        Closed pairs in which both sides have a score.
    failed
        Closed pairs whose arm failed.
    resolution
        Shape (..., n_columns): deviations not above it are rounding errors of equal numbers.
    """

    d: FloatArray
    due: BoolArray
    closed: BoolArray
    valid: BoolArray
    failed: BoolArray
    resolution: FloatArray

    @classmethod
    def without_failures(cls, d: FloatArray) -> Pairs:
        """Return pairs in which every run ended well.

        Parameters
        ----------
        d : ndarray of shape (..., n_seeds, n_columns)
            Finite.
        """
        yes = np.ones(d.shape, dtype=np.bool_)
        return cls(d, yes, yes, yes, ~yes, np.zeros(d.shape[:-2] + d.shape[-1:]))


@dataclass(frozen=True, eq=False)
class Scores:
    """Sign-adjusted scores beside the baseline's.

    Parameters
    ----------
    baseline : ndarray of shape (n_seeds,)
        NaN where it failed or was not run.
    baseline_closed : ndarray of shape (n_seeds,), bool
    arms : ndarray of shape (n_seeds, n_columns)
    pairs : Pairs
    """

    baseline: FloatArray
    baseline_closed: BoolArray
    arms: FloatArray
    pairs: Pairs


def paired_scores(registration: Registration, replicates: Replicates) -> Scores:
    """Pair every compared arm with the baseline, seed by seed.

    Rows past the last look are ignored.

    Returns
    -------
    Scores
        Columns follow the registration's compared arms and their levels.

    Raises
    ------
    StatisticsError
        If a compared arm has no column among the replicates (withdrawn arms need none).
    """
    n_max = registration.looks[-1]
    everything = registration.sign * replicates.scores[:n_max]
    ended = np.isfinite(everything) | replicates.failed[:n_max]
    places, blocks = _layout(registration, replicates)
    blank = np.full((len(everything), 1), np.nan)
    arms = np.hstack([everything, blank])[:, places]
    failed = np.hstack([replicates.failed[:n_max], np.zeros(blank.shape, np.bool_)])[:, places]
    reference, reference_ended, due = _references(everything[:, 0], ended[:, 0], blocks)
    closed = due & reference_ended & (np.isfinite(arms) | failed)
    valid = closed & np.isfinite(arms) & np.isfinite(reference)
    d = np.where(valid, arms - reference, np.nan)
    _charge_failures(d, closed & ~valid, reference, arms, registration.looks)
    scale = np.nan_to_num(np.abs(np.column_stack([everything[:, 0], arms]))).max(initial=0.0)
    resolution = np.full(len(places), 4 * np.finfo(np.float64).eps * scale)
    pairs = Pairs(d, due, closed, valid, closed & failed, resolution)
    return Scores(everything[:, 0], ended[:, 0], arms, pairs)


def _layout(registration: Registration, replicates: Replicates) -> tuple[list[int], list[int]]:
    """Column of each level (-1: no data) and its block size."""
    known = {name: place for place, name in enumerate(replicates.columns)}
    places, blocks = [], []
    for arm in registration.arms:
        for column in arm.columns if arm.compared else ():
            if column not in known and not arm.withdrawn:
                raise StatisticsError(
                    f"no runs are laid out for '{column}'{near_miss(column, known)}"
                )
            places.append(known.get(column, -1))
            blocks.append(arm.block)
    return places, blocks


def _references(
    baseline: FloatArray, ended: BoolArray, blocks: list[int]
) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Baseline value, whether it ended, and whether a pair is due: (n_seeds, n_columns) each."""
    shape = (len(baseline), len(blocks))
    reference = np.full(shape, np.nan)
    reference_ended = np.zeros(shape, dtype=np.bool_)
    due = np.zeros(shape, dtype=np.bool_)
    for m in set(blocks):
        columns = np.flatnonzero(np.array(blocks) == m)
        whole = len(baseline) // m * m
        cells = np.ix_(np.arange(m - 1, whole, m), columns)
        blocks_ended: BoolArray = np.logical_and.reduce(ended[:whole].reshape(-1, m), axis=1)
        reference[cells] = baseline[:whole].reshape(-1, m).mean(axis=1)[:, None]
        reference_ended[cells] = blocks_ended[:, None]
        due[cells] = True
    return reference, reference_ended, due


def _charge_failures(
    d: FloatArray,
    spoiled: BoolArray,
    reference: FloatArray,
    arms: FloatArray,
    looks: tuple[int, ...],
) -> None:
    """Fill the spoiled pairs of `d` by the failure rule, each as its own look saw it."""
    for column in np.unique(np.nonzero(spoiled)[1]):
        start = 0
        for n in looks:
            rows = start + np.flatnonzero(spoiled[start:n, column])
            start = n
            against = reference[:n, column]
            against = against[np.isfinite(against)]
            if rows.size == 0 or against.size == 0:
                continue
            own = arms[:n, column]
            floor = min(against.min(), own[np.isfinite(own)].min(initial=np.inf))
            value = reference[rows, column]
            d[rows, column] = floor - np.where(np.isfinite(value), value, against.mean())


def baseline_failures(scores: Scores, looks: tuple[int, ...]) -> tuple[int, ...]:
    """Count the failed baseline runs within each look."""
    bad = scores.baseline_closed & ~np.isfinite(scores.baseline)
    return tuple(int(bad[:n].sum()) for n in looks)

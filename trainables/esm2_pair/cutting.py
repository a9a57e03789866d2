"""Parting isolates in two so that what they share stays on one side."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from search.errors import DataError
from trainables.esm2_pair.isolates import ABSENT
from trainables.esm2_pair.pairs import Flags, Whole

SLACK: Final = 1.1  # how much larger than its share a part may be
LARGEST: Final = 0.3  # share of the isolates that may be tied before ties are cut
STARTS: Final = 6  # parts that are tried
GROWTH: Final = (1.0, 1.5, 2.0, 3.0)  # times the share, until enough isolates are left
ENOUGH: Final = 0.8  # of the share

Rng = np.random.Generator


def parted(shared: Whole, rows: Whole, share: float, rng: Rng) -> tuple[Whole, Whole]:
    """Part some isolates in two, of which the first gets about a share.

    Parameters
    ----------
    shared : ndarray of int64, shape (n_isolates, n_slots)
        What no two isolates of different parts may have in common; -1 where there is nothing.
    rows : ndarray of int64, shape (n,)
        The isolates to part.

    Returns
    -------
    tuple of ndarray of int64
        Isolates of either part, ascending. Where more than `LARGEST` of them are tied, fewer than
        there were.

    Raises
    ------
    DataError
        If they cannot be parted.
    """
    mine = shared[rows]
    unit = _components(mine)
    if np.bincount(unit).max() <= LARGEST * len(unit):
        first = drawn(unit, np.arange(len(rows)), share, rng)
        return rows[first], np.delete(rows, first)
    inside, outside = _cut(mine, share, rng)
    return rows[inside], rows[outside]


def _cut(shared: Whole, share: float, rng: Rng) -> tuple[Flags, Flags]:
    """Part isolates that are tied, and leave out those that would tie the parts.

    Each thing that isolates share goes to the part that has more isolates with it; isolates with
    things of both are left out. Of several parts, grown from units drawn at random, the one that
    costs the fewest isolates is taken; parts that come out too small are grown again, larger.
    """
    ties, unit = _ties(shared)
    best: tuple[Flags, Flags] | None = None
    for growth in GROWTH:
        for start in rng.integers(ties.shape[0], size=STARTS):
            inside = _grown(ties, np.bincount(unit), int(start), growth * share * len(unit))[unit]
            agrees = _agreement(shared, inside)
            parts = agrees & inside, agrees & ~inside
            enough = parts[0].sum() >= ENOUGH * share * len(unit) and parts[1].any()
            if enough and (best is None or agrees.sum() > sum(map(np.sum, best))):
                best = parts
        if best is not None:
            return best
    raise DataError(f"{len(unit)} isolates are too much alike to be split this way")


def _agreement(shared: Whole, inside: Flags) -> Flags:
    """Return the isolates all of whose things are in their part, by the majority of isolates."""
    isolate, slot = np.nonzero(shared != ABSENT)
    thing = shared[isolate, slot]
    votes = np.bincount(thing, 2.0 * inside[isolate] - 1)
    agrees = np.ones(shared.shape, bool)
    agrees[isolate, slot] = (votes[thing] > 0) == inside[isolate]
    return np.asarray(agrees.all(axis=1))


def _ties(shared: Whole) -> tuple[csr_array, Whole]:
    """Return how much units have in common, and the unit of each isolate.

    A unit is the isolates with the same thing in the first slot.
    """
    alone = shared.max() + 1 + np.arange(len(shared))
    named = np.where(shared[:, 0] == ABSENT, alone, shared[:, 0])
    unit = np.unique(named, return_inverse=True)[1]
    isolate, slot = np.nonzero(shared != ABSENT)
    cells = (unit[isolate], shared[isolate, slot])
    size = (int(unit.max()) + 1, int(shared.max()) + 1)
    having = coo_array((np.ones(len(isolate)), cells), shape=size).tocsr()
    return csr_array(having @ having.T), unit


def _grown(ties: csr_array, size: Whole, start: int, most: float) -> Flags:
    """Join units, that with the most of its ties inside next, until no further one fits."""
    dense = ties.toarray()
    total = np.maximum(dense.sum(axis=1), 1)  # an isolate may have nothing to share
    chosen, inside = np.zeros(len(size), bool), np.zeros(len(size))
    best, left = start, most
    while best >= 0:
        chosen[best] = True
        left -= size[best]
        inside += dense[best]
        fits = ~chosen & (size <= left)
        best = int(np.argmax(np.where(fits, inside / total, -1.0))) if fits.any() else -1
    return chosen


def _components(shared: Whole) -> Whole:
    """Give isolates that share anything, if only by way of others, the same number."""
    isolate, slot = np.nonzero(shared != ABSENT)
    thing = len(shared) + shared[isolate, slot]
    size = len(shared) + int(shared.max(initial=0)) + 1
    edges = coo_array((np.ones(len(thing), bool), (isolate, thing)), shape=(size, size))
    return connected_components(edges, directed=False)[1][: len(shared)].astype(np.int64)


def drawn(unit: Whole, rows: Whole, share: float, rng: Rng) -> Whole:
    """Draw whole units until they hold about a share of the isolates, and leave others."""
    units, members, size = np.unique(unit[rows], return_inverse=True, return_counts=True)
    if len(units) < 2:
        raise DataError(f"{len(rows)} isolates are too much alike to be split this way")
    order = rng.permutation(len(units))
    taken, total, wanted = np.zeros(len(units), bool), 0, share * len(rows)
    for candidate in order:
        if total + size[candidate] <= SLACK * wanted:
            taken[candidate] = True
            total += size[candidate]
    if not taken.any():
        taken[order[np.argmin(size[order])]] = True
    return rows[taken[members]]

"""Splitting labelled units (events, participants) at random, class by class."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Replication = Literal["fixed", "resplit"]
Rows = NDArray[np.int64]


def held_out_rng(split_seed: int, seed: int, replication: Replication) -> np.random.Generator:
    """Return the generator that draws the held-out units: the same for every seed if "fixed"."""
    return np.random.default_rng([split_seed] if replication == "fixed" else [split_seed, seed])


def stratified(
    positive: NDArray[np.bool_], rows: Rows, share: float, rng: np.random.Generator
) -> Rows:
    """Draw a share of each class among some units, at least one where the class has any.

    Parameters
    ----------
    positive : ndarray of bool, shape (n_units,)
        The class of every unit.
    rows : ndarray of int
        The units to draw from.

    Returns
    -------
    ndarray of int
        Ascending.
    """
    drawn = []
    for value in (False, True):
        members = rng.permutation(rows[positive[rows] == value])
        size = min(len(members), max(1, round(share * len(members))))
        drawn.append(members[:size])
    return np.sort(np.concatenate(drawn))

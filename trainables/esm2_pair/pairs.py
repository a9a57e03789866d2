"""Pairs of proteins, what is known of them, and the splits that a run trains on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.errors import DataError

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

SAME_LINEAGE: Final = 100  # what a stratum begins at, of pairs within one lineage


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of one split.

    Parameters
    ----------
    first, second : ndarray of int64, shape (n_pairs,)
        Rows of the embeddings.
    label : ndarray of int64, shape (n_pairs,)
        1: from one isolate; 0: from two.
    same_lineage : ndarray of bool, shape (n_pairs,)
        Whether both proteins belong to one lineage; negatives of that kind are the hard ones.
    matches : ndarray of int64, shape (n_pairs,)
        How many metadata fields the two isolates have in common.
    slots : ndarray of int64, shape (n_pairs, 2)
        Which protein each one is (HA, NA, …), as a number.
    """

    first: Whole
    second: Whole
    label: Whole
    same_lineage: Flags
    matches: Whole
    slots: Whole

    def __len__(self) -> int:
        return len(self.label)

    @property
    def strata(self) -> Whole:
        """The stratum of each pair: its matches, from 100 on within one lineage."""
        return self.matches + SAME_LINEAGE * self.same_lineage


@dataclass(frozen=True, eq=False)
class Splits:
    """Embeddings, and the pairs of each split.

    Parameters
    ----------
    embeddings : ndarray of float16 or float32, shape (n_proteins, n_tokens, n_dims)
        One token, where embeddings are pooled over the whole sequence. May be memory-mapped: it is
        read, never copied as a whole.
    train, validation, test : Pairs
    leakage : mapping of str to float
        What the splits share, by name; see `leakage`.
    """

    embeddings: NDArray[np.floating]
    train: Pairs
    validation: Pairs
    test: Pairs
    leakage: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 3:
            shape = self.embeddings.shape
            raise DataError(f"embeddings have shape (n_proteins, n_tokens, n_dims), got {shape}")

"""Isolates: which proteins were found together, and what is known of where they were found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.errors import DataError
from trainables.esm2_pair.pairs import Whole

ABSENT: Final = -1  # of a protein that an isolate lacks, and of metadata that nobody noted


@dataclass(frozen=True, eq=False)
class Isolates:
    """Isolates of proteins that are distinct by sequence.

    Parameters
    ----------
    embeddings : ndarray of float16 or float32, shape (n_proteins, n_tokens, n_dims)
        One row per distinct sequence. May be memory-mapped.
    protein : ndarray of int64, shape (n_isolates, n_slots)
        Row of the embeddings; -1 where an isolate lacks the protein.
    lineage : ndarray of int64, shape (n_isolates,)
        As a number.
    metadata : ndarray of int64, shape (n_isolates, n_fields)
        Values of each field as numbers; -1 where unknown, which matches nothing.
    cluster : ndarray of int64, shape (n_proteins,)
        Group of similar sequences.
    slots : tuple of str
        Names of the proteins.
    fields : tuple of str
        Names of the metadata.

    Raises
    ------
    DataError
        If shapes do not fit, or a row of the embeddings does not exist.
    """

    embeddings: NDArray[np.floating]
    protein: Whole
    lineage: Whole
    metadata: Whole
    cluster: Whole
    slots: tuple[str, ...]
    fields: tuple[str, ...]

    def __post_init__(self) -> None:
        found = (
            self.embeddings.ndim,
            *(self.protein.shape, self.lineage.shape, self.metadata.shape, self.cluster.shape),
        )
        size = len(self.protein)
        rows = len(self.embeddings)
        shapes = ((size, len(self.slots)), (size,), (size, len(self.fields)), (rows,))
        if found != (3, *shapes):
            raise DataError(
                "isolates need embeddings of three dimensions, and proteins, lineages, metadata "
                f"and clusters of shapes {shapes}, got {found}"
            )
        if size and (self.protein.min() < ABSENT or self.protein.max() >= rows):
            raise DataError(f"proteins must be rows of {rows} embeddings, or -1")

    def __len__(self) -> int:
        return len(self.protein)

    def matches(self, first: Whole, second: Whole) -> Whole:
        """Count the metadata fields that isolates have in common, pair by pair."""
        mine, other = self.metadata[first], self.metadata[second]
        found: Whole = np.sum((mine == other) & (mine != ABSENT), axis=1, dtype=np.int64)
        return found

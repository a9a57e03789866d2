"""What turns sequences into embeddings, and how residues are pooled to tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Embedder(Protocol):
    """Embeds sequences, each for itself: the same sequence always gets the same embedding."""

    @property
    def name(self) -> str:
        """Of model and pooling; embeddings of different names are kept apart."""

    @property
    def tokens(self) -> int:
        """Parts of the sequence that have an embedding each; 1: the whole."""

    @property
    def dims(self) -> int:
        """Of an embedding."""

    def embed(self, sequences: Sequence[str]) -> Floats:
        """Return embeddings of shape (n_sequences, n_tokens, n_dims)."""


def chunk_edges(length: int, tokens: int) -> NDArray[np.int64]:
    """Return where the chunks of a sequence begin and end: as equally long as can be.

    Parameters
    ----------
    length
        Residues; fewer than there are tokens give empty chunks.

    Returns
    -------
    ndarray of int64, shape (tokens + 1,)

    Examples
    --------
    >>> chunk_edges(10, 4)
    array([ 0,  2,  5,  7, 10])
    """
    return np.arange(tokens + 1) * length // tokens


def chunk_means(residues: Floats, tokens: int) -> Floats:
    """Return the mean of every chunk's residues; an empty chunk has the mean of all.

    Parameters
    ----------
    residues : ndarray of shape (length, n_dims)
        At least one.

    Returns
    -------
    ndarray of shape (tokens, n_dims)
    """
    edges = chunk_edges(len(residues), tokens)
    whole = residues.mean(axis=0)
    parts = [
        residues[start:end].mean(axis=0) if end > start else whole
        for start, end in pairwise(edges.tolist())
    ]
    return np.stack(parts).astype(np.float32)

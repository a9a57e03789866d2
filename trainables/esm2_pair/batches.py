"""Batches of pairs: embeddings are read row by row where they lie, and never copied as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.esm2_pair.pairs import Pairs, Whole


class Embeddings:
    """Embeddings as a network reads them.

    Parameters
    ----------
    stored : ndarray of float16 or float32, shape (n_proteins, n_tokens, n_dims)
        May be memory-mapped.
    pool
        Whether the mean over tokens is read, as one token.
    """

    def __init__(self, stored: NDArray[np.floating], *, pool: bool) -> None:
        self._stored = np.asarray(stored)  # of a memory map: the same memory, a plain array
        self._pool = pool and stored.shape[1] > 1
        self.n_tokens = 1 if pool else stored.shape[1]
        self.n_dims = stored.shape[2]

    def read(self, proteins: Whole) -> NDArray[np.floating]:
        """Return a copy of some proteins' embeddings.

        Parameters
        ----------
        proteins : ndarray of int64, any shape

        Returns
        -------
        ndarray of shape (*proteins.shape, n_tokens, n_dims)
        """
        taken = self._stored[proteins]
        if not self._pool:
            return taken
        # several times faster than NumPy's mean of half-precision numbers
        return torch.from_numpy(taken).float().mean(dim=-2, keepdim=True).numpy()


@dataclass(frozen=True)
class Batch:
    """Some pairs, on the device of a run.

    Parameters
    ----------
    tokens : Tensor of float32, shape (batch, 2, n_tokens, n_dims)
        Of the first and the second protein.
    slots, proteins : Tensor of int64, shape (batch, 2)
    label : Tensor of float32, shape (batch,)
    """

    tokens: Tensor
    slots: Tensor
    proteins: Tensor
    label: Tensor

    def __len__(self) -> int:
        return len(self.label)


class PairRows:
    """The pairs of one split, read in batches.

    Parameters
    ----------
    embeddings : Embeddings
    pairs : Pairs
    device : torch.device
    """

    def __init__(self, embeddings: Embeddings, pairs: Pairs, device: torch.device) -> None:
        self.pairs = pairs
        self._embeddings, self._device = embeddings, device
        self._proteins = np.column_stack([pairs.first, pairs.second])
        self._label = pairs.label.astype(np.float32)

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, rows: Whole) -> Batch:
        """Return the pairs of these rows."""
        proteins = self._proteins[rows]
        tokens = torch.from_numpy(self._embeddings.read(proteins))
        return Batch(
            tokens.to(self._device).float(),
            torch.from_numpy(self.pairs.slots[rows]).to(self._device),
            torch.from_numpy(proteins).to(self._device),
            torch.from_numpy(self._label[rows]).to(self._device),
        )

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yield all pairs, in batches of a size."""
        for first in range(0, len(self), size):
            yield self.batch(np.arange(first, min(first + size, len(self))))


def shuffled(n: int, size: int, generator: torch.Generator) -> list[Whole]:
    """Return random batches of row numbers; a last one of a single row joins the one before.

    Neither batch normalisation nor in-batch negatives can do with one row.

    Examples
    --------
    >>> [len(rows) for rows in shuffled(7, 3, torch.Generator())]
    [3, 4]
    """
    order = torch.randperm(n, generator=generator).numpy()
    ends = list(range(size, n, size))
    if size > 1 and ends and n - ends[-1] == 1:
        ends.pop()
    return np.split(order, ends)

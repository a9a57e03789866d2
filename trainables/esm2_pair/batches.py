"""Batches of pairs: embeddings are read row by row where they lie, and never copied as a whole.

In a large batch the same protein comes again and again. What a network makes of one protein by
itself need be made once, and so need its reading: `Distinct` holds such a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.esm2_pair.pairs import Pairs, Whole
from trainables.esm2_pair.reading import Access, make_reader

SMALLEST: Final = 256  # pairs of a batch: in smaller ones, counting costs more than it could save
WORTHWHILE: Final = 0.8  # at most so many distinct proteins for each that pairs name


class Embeddings:
    """Embeddings as a network reads them.

    Parameters
    ----------
    stored : ndarray of float16 or float32, shape (n_proteins, n_tokens, n_dims)
        May be memory-mapped.
    pool
        Whether the mean over tokens is read, as one token.
    access
        From the mapped array, or item by item; see `reading`.
    """

    def __init__(
        self, stored: NDArray[np.floating], *, pool: bool, access: Access = "mapped"
    ) -> None:
        self._reader = make_reader(stored, access)
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
        taken = self._reader(proteins)
        if not self._pool:
            return taken
        # several times faster than NumPy's mean of half-precision numbers
        return torch.from_numpy(taken).float().mean(dim=-2, keepdim=True).numpy()


@dataclass(frozen=True)
class Side:
    """The proteins at one place of pairs, first or second, each of them once.

    Parameters
    ----------
    tokens : Tensor of float32, shape (n_distinct, 1, n_tokens, n_dims)
    slots : Tensor of int64, shape (n_distinct, 1)
    row : Tensor of int64, shape (batch,)
        Which of them each pair has.
    """

    tokens: Tensor
    slots: Tensor
    row: Tensor


@dataclass(frozen=True)
class Distinct:
    """The proteins of a batch of pairs, where many pairs share them."""

    first: Side
    second: Side

    def map(self, transform: Callable[[Tensor, Tensor], Tensor]) -> Distinct:
        """Return what a function of tokens and slots makes of every protein."""
        sides = (self.first, self.second)
        return Distinct(
            *(Side(transform(side.tokens, side.slots), side.slots, side.row) for side in sides)
        )


@dataclass(frozen=True)
class Batch:
    """Some pairs, on the device of a run.

    Parameters
    ----------
    tokens : Tensor of float32, shape (batch, 2, n_tokens, n_dims), or Distinct
        Of the first and the second protein.
    slots, proteins : Tensor of int64, shape (batch, 2)
    label : Tensor of float32, shape (batch,)
    """

    tokens: Tensor | Distinct
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
    distinct
        Whether batches may hold each protein once. Those do where it saves something, on a CPU: an
        accelerator has arithmetic to spare.
    """

    def __init__(
        self,
        embeddings: Embeddings,
        pairs: Pairs,
        device: torch.device,
        *,
        distinct: bool = False,
    ) -> None:
        self.pairs = pairs
        self._distinct = distinct and device.type == "cpu"
        self._embeddings, self._device = embeddings, device
        self._proteins = np.column_stack([pairs.first, pairs.second])
        self._label = pairs.label.astype(np.float32)

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, rows: Whole) -> Batch:
        """Return the pairs of these rows."""
        proteins, slots = self._proteins[rows], self.pairs.slots[rows]
        return Batch(
            self._tokens(proteins, slots),
            torch.from_numpy(slots).to(self._device),
            torch.from_numpy(proteins).to(self._device),
            torch.from_numpy(self._label[rows]).to(self._device),
        )

    def _tokens(self, proteins: Whole, slots: Whole) -> Tensor | Distinct:
        if self._distinct and len(proteins) >= SMALLEST:
            both = [_numbered(proteins[:, place], slots[:, place]) for place in (0, 1)]
            if sum(len(first) for first, _ in both) <= WORTHWHILE * proteins.size:
                return Distinct(
                    *(
                        self._side(proteins[first, place], slots[first, place], row)
                        for place, (first, row) in enumerate(both)
                    )
                )
        return self._read(proteins)

    def _side(self, proteins: Whole, slots: Whole, row: Whole) -> Side:
        tokens = self._read(proteins[:, None])
        return Side(tokens, torch.from_numpy(slots[:, None]), torch.from_numpy(row))

    def _read(self, proteins: Whole) -> Tensor:
        return torch.from_numpy(self._embeddings.read(proteins)).to(self._device).float()

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


def _numbered(proteins: Whole, slots: Whole) -> tuple[Whole, Whole]:
    """Return where each distinct protein of a slot comes first, and which of them each row has."""
    key = proteins * (1 + int(slots.max())) + slots
    _, first, row = np.unique(key, return_index=True, return_inverse=True)
    return first, row

"""How a run gets at embeddings: from a mapped array, or item by item from HDF5.

Mapping is what a cache in memory is for the source document: rows are there, all processes of a
machine share them, and a batch is one indexing. The document's first version asked HDF5 for every
item instead. Both give the same numbers; a study may measure what the difference costs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import h5py  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from trainables.esm2_pair.pairs import Whole

Access = Literal["mapped", "item"]
NAME: Final = "embeddings"  # of the array in a file, as in those that `store.fill` makes


class Reader(Protocol):
    """What gives the embeddings of some proteins."""

    def __call__(self, proteins: Whole) -> NDArray[np.floating]:
        """Return a copy, of shape (*proteins.shape, n_tokens, n_dims)."""


def make_reader(stored: NDArray[np.floating], access: Access) -> Reader:
    """Return what reads embeddings in a way.

    Parameters
    ----------
    stored : ndarray of shape (n_proteins, n_tokens, n_dims)
        May be memory-mapped.
    access
        "item" reads from the file that is mapped; an array that is in memory only is written to a
        temporary one first.
    """
    return ItemReader(stored) if access == "item" else MappedReader(stored)


class MappedReader:
    """Rows of an array; of a memory map, too.

    Parameters
    ----------
    stored : ndarray of shape (n_proteins, n_tokens, n_dims)
    """

    def __init__(self, stored: NDArray[np.floating]) -> None:
        self._stored = np.asarray(stored)  # of a memory map: the same memory, a plain array

    def __call__(self, proteins: Whole) -> NDArray[np.floating]:
        """Return a copy of some rows."""
        return self._stored[proteins]


class ItemReader:
    """Items of an HDF5 file that stays open, asked for one by one.

    Parameters
    ----------
    stored : ndarray of shape (n_proteins, n_tokens, n_dims)
    """

    def __init__(self, stored: NDArray[np.floating]) -> None:
        self._items = _mapped_file(stored) or _written(stored)

    def __call__(self, proteins: Whole) -> NDArray[np.floating]:
        """Return the items, one after another."""
        found = np.stack([self._items[int(row)] for row in proteins.ravel()])
        return found.reshape(*proteins.shape, *found.shape[1:])


def _mapped_file(stored: NDArray[np.floating]) -> Any:
    """Return the items of the file that an array maps, if it maps one whole."""
    path = stored.filename if isinstance(stored, np.memmap) else None
    if path is None or not stored.flags.c_contiguous or not h5py.is_hdf5(path):
        return None
    items = h5py.File(path, "r").get(NAME)
    return items if items is not None and items.shape == stored.shape else None


def _written(stored: NDArray[np.floating]) -> Any:
    """Write an array to a file without a name, which ends with its last reader."""
    with tempfile.TemporaryDirectory(prefix="winnow-embeddings-") as folder:
        items = h5py.File(Path(folder) / f"{NAME}.h5", "w").create_dataset(NAME, data=stored)
        items.file.flush()
    return items

"""Embeddings on disk: one HDF5 file per model, filled once, read by all as one mapped array.

The file has an array of embeddings, stored in one piece, and for each row the hash of its sequence
and a checksum (0: not there yet). Its layout is made first, under another name, and never changes:
filling writes numbers into place through a memory map. So a kill in the middle costs a batch at
most, and never the file. Reading maps the array: processes on one machine share the pages, nothing
is copied, and the file may be larger than the memory.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.errors import DataError
from trainables.esm2_pair.embedder import Embedder
from trainables.esm2_pair.pairs import Whole
from trainables.esm2_pair.sequences import distinct
from trainables.esm2_pair.store_layout import HALF, Layout, checksum, create, read_layout

BATCH: Final = 64  # sequences that a kill may cost

Progress = Callable[[int, int], None]
"""Called with how many sequences are there, and how many there are to be."""


@dataclass(frozen=True, eq=False)
class Store:
    """An open file of embeddings.

    Parameters
    ----------
    path
        Of the file.
    model
        Name of the embedder.
    embeddings : memmap of float16, shape (n_sequences, n_tokens, n_dims)
        Read-only.
    row : mapping of str to int
        Row of each sequence, by hash.
    """

    path: Path
    model: str
    embeddings: NDArray[np.float16]
    row: Mapping[str, int]

    def rows(self, hashes: Sequence[str]) -> Whole:
        """Return the rows of some sequences.

        Raises
        ------
        DataError
            If one is not in the file.
        """
        missing = [name for name in hashes if name not in self.row]
        if missing:
            raise DataError(
                f"{self.path} lacks {len(missing)} of {len(hashes)} sequences, {missing[0]} first: "
                "fill it with them"
            )
        return np.array([self.row[name] for name in hashes], np.int64)


def fill(
    path: Path,
    embedder: Embedder,
    sequences: Sequence[str],
    *,
    progress: Progress | None = None,
    wait: bool = False,
) -> Store:
    """Embed the sequences that a file lacks, and open it.

    Parameters
    ----------
    path
        Of the file, which is made if it is not there. Sequences that it has besides stay.
    embedder : Embedder
    sequences
        Repeated ones count once.
    progress
        Called after every batch.
    wait
        Whether to wait while another process fills the same file; otherwise that is an error.

    Raises
    ------
    DataError
        If the file belongs to another model, is damaged, or is being filled.
    """
    wanted = distinct(sequences)
    if not wanted:
        raise DataError("there are no sequences to embed")
    path.parent.mkdir(parents=True, exist_ok=True)
    with _writing(path, wait=wait):
        if not path.exists():
            create(path, embedder, list(wanted))
        layout = read_layout(path)
        layout.check(embedder)
        if new := [name for name in wanted if name not in layout.row]:
            _extend(layout, embedder, new)
            layout = read_layout(path)
        _complete(layout, embedder, wanted, progress)
    return open_store(path)


def open_store(path: Path) -> Store:
    """Map a filled file; once per process, as long as the file stays the same.

    Raises
    ------
    DataError
        If the file is not there, not complete, truncated, or no file of embeddings.
    """
    try:
        state = path.stat()
    except FileNotFoundError as error:
        raise DataError(f"{path} is not there: `fill` makes it") from error
    return _open(path.resolve(), state.st_mtime_ns, state.st_size)


def damaged_rows(path: Path) -> Whole:
    """Return the rows whose numbers are not those that were written, ascending."""
    layout = read_layout(path)
    embeddings, sums = layout.map_embeddings("r"), layout.map_sums("r")
    found = (row for row in range(len(sums)) if sums[row] != checksum(embeddings[row]))
    return np.fromiter(found, np.int64)


@lru_cache(maxsize=8)
def _open(path: Path, _changed_ns: int, _size: int) -> Store:
    layout = read_layout(path)
    there = np.count_nonzero(layout.map_sums("r"))
    if there < len(layout.row):
        raise DataError(f"{path} has {there} of {len(layout.row)} sequences: fill it again")
    return Store(path, layout.model, layout.map_embeddings("r"), layout.row)


def _extend(layout: Layout, embedder: Embedder, new: Sequence[str]) -> None:
    """Put a longer file, with all that the old one has, in its place."""
    longer = layout.path.with_name(layout.path.name + ".longer")
    create(longer, embedder, [*layout.row, *new])
    there = read_layout(longer)
    size = len(layout.row)
    embeddings, sums = there.map_embeddings("r+"), there.map_sums("r+")
    embeddings[:size] = layout.map_embeddings("r")
    embeddings.flush()
    sums[:size] = layout.map_sums("r")
    sums.flush()
    longer.replace(layout.path)


def _complete(
    layout: Layout, embedder: Embedder, wanted: Mapping[str, str], progress: Progress | None
) -> None:
    """Embed batch by batch; a checksum is written after its numbers."""
    embeddings, sums = layout.map_embeddings("r+"), layout.map_sums("r+")
    missing = [name for name in wanted if not sums[layout.row[name]]]
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        rows = np.array([layout.row[name] for name in batch])
        with np.errstate(over="ignore"):  # what is too large is refused below
            found = embedder.embed([wanted[name] for name in batch]).astype(HALF)
        if not np.isfinite(found).all():
            raise DataError(f"{embedder.name} gave embeddings that are no finite float16 numbers")
        embeddings[rows] = found
        embeddings.flush()
        sums[rows] = [checksum(one) for one in found]
        sums.flush()
        if progress is not None:
            progress(len(wanted) - len(missing) + start + len(batch), len(wanted))
    if missing:
        os.utime(layout.path)  # writing through a map need not change the time


@contextmanager
def _writing(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the right to write a file; it ends with the process, however that ends."""
    with path.with_name(path.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise DataError(f"{path} is being filled by another process") from error
        yield

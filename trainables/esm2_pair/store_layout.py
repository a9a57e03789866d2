"""The file of embeddings: where its numbers are.

::

    embeddings   float16 (n_sequences, n_tokens, n_dims), in one piece
    hash         32 characters per row
    checksum     uint32 per row, 0 where there is nothing yet; its attribute `model` names the
                 embedder
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import h5py  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from search.errors import DataError
from trainables.esm2_pair.embedder import Embedder

HALF: Final = np.dtype("<f2")  # as the source document keeps them
_SUM: Final = np.dtype("<u4")
_HASH: Final = np.dtype("S32")

Mode = Literal["r", "r+"]


@dataclass(frozen=True, eq=False)
class Layout:
    """Where in a file its numbers are."""

    path: Path
    model: str
    shape: tuple[int, int, int]
    embeddings_at: int  # bytes
    sums_at: int
    row: Mapping[str, int]

    def map_embeddings(self, mode: Mode) -> np.memmap[Any, np.dtype[np.float16]]:
        """Map the embeddings, to read or to write."""
        return np.memmap(self.path, HALF, mode, self.embeddings_at, self.shape)

    def map_sums(self, mode: Mode) -> np.memmap[Any, np.dtype[np.uint32]]:
        """Map the checksums, to read or to write."""
        return np.memmap(self.path, _SUM, mode, self.sums_at, self.shape[:1])

    def check(self, embedder: Embedder) -> None:
        """Refuse to mix the embeddings of two models."""
        mine, theirs = (self.model, *self.shape[1:]), _kind(embedder)
        if mine != theirs:
            raise DataError(f"{self.path} holds embeddings of {mine}, not of {theirs}")


def _kind(embedder: Embedder) -> tuple[str, int, int]:
    return embedder.name, embedder.tokens, embedder.dims


def read_layout(path: Path) -> Layout:
    """Find the numbers in a file.

    Raises
    ------
    DataError
        If the file is truncated, or none that `fill` made.
    """
    try:
        with h5py.File(path, "r") as file:
            embeddings, sums, names = file["embeddings"], file["checksum"], file["hash"][:]
            model = str(sums.attrs["model"])
            shape = tuple(int(size) for size in embeddings.shape)
            kinds = (embeddings.dtype, sums.dtype, names.dtype)
            places = (embeddings.id.get_offset(), sums.id.get_offset())
    except (OSError, KeyError) as error:
        raise DataError(f"{path} is truncated, or no file of embeddings: {error}") from error
    if kinds != (HALF, _SUM, _HASH) or len(shape) != 3 or None in places:
        raise DataError(f"{path} is no file of embeddings as `fill` makes it: {kinds}, {shape}")
    row = {name.decode(): number for number, name in enumerate(names)}
    return Layout(path, model, shape, *places, MappingProxyType(row))


def create(path: Path, embedder: Embedder, hashes: Sequence[str]) -> None:
    """Make an empty file, which appears under its name when its layout is whole."""
    draft = path.with_name(path.name + ".draft")
    shape = (len(hashes), embedder.tokens, embedder.dims)
    with h5py.File(draft, "w") as file:
        sums = file.create_dataset("checksum", data=np.zeros(len(hashes), _SUM))
        sums.attrs["model"] = embedder.name
        file.create_dataset("hash", data=np.array([name.encode() for name in hashes], _HASH))
        embeddings = file.create_dataset("embeddings", shape, HALF)
        embeddings[0] = 0  # a first write allocates the whole piece
    draft.replace(path)


def checksum(numbers: NDArray[np.float16]) -> int:
    """Return a checksum that is never 0, which says that a row is not there yet."""
    return zlib.crc32(np.ascontiguousarray(numbers).tobytes()) or 1

"""Parquet files of pairs: one row per pair, two archives of images, and metadata."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from search.errors import DataError
from trainables.gen5_prime.stamp_bytes import StampError, pack, unpack
from trainables.gen5_prime.stamps import METADATA, NUMBERS, TEXTS, Column, Images, Stamps, joined
from trainables.techniques.tables import require

logger = logging.getLogger(__name__)

IMAGES: Final = ("stamp_npz", "ctrl_stamp_npz")
NEEDED: Final = (*IMAGES, "brickname", "theta_e_arcsec", "arc_snr", "psf_fwhm", "is_control")
BATCH: Final = 256  # rows that are held twice
MOST_CORRUPT: Final = 0.05  # share of rows: with more, a file is not what it should be
MOST_NAMED: Final = 5  # rows that a report names


@dataclass(frozen=True)
class ReadReport:
    """What became of a file's rows.

    Parameters
    ----------
    n_rows, n_read : int
        Rows met, and pairs they gave.
    skipped : mapping of str to int
        Rows that were left out, by reason.
    first : tuple of str
        The first of them, each with its file, row and reason.
    """

    n_rows: int = 0
    n_read: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    first: tuple[str, ...] = ()

    @property
    def n_skipped(self) -> int:
        """How many rows were left out."""
        return self.n_rows - self.n_read

    def plus(self, other: ReadReport) -> ReadReport:
        """Return the report of both."""
        return ReadReport(
            self.n_rows + other.n_rows,
            self.n_read + other.n_read,
            dict(Counter(self.skipped) + Counter(other.skipped)),
            (*self.first, *other.first)[:MOST_NAMED],
        )

    def __str__(self) -> str:
        reasons = ", ".join(f"{count} because {reason}" for reason, count in self.skipped.items())
        text = f"{self.n_read} of {self.n_rows} rows were read"
        return f"{text}; skipped {reasons}; first {self.first[0]}" if reasons else text


def write_stamps(path: Path, stamps: Stamps) -> None:
    """Write pairs into one file."""
    with pq.ParquetWriter(path, _schema(), compression="none") as writer:
        for begin in range(0, len(stamps), BATCH):
            writer.write_table(_table(stamps.take(np.arange(len(stamps))[begin : begin + BATCH])))


def read_stamps(path: Path, *, limit: int | None = None) -> tuple[Stamps, ReadReport]:
    """Read the pairs of one file; a row that is damaged is left out, counted and reported.

    Parameters
    ----------
    path
        Of a Parquet file.
    limit
        Read no more rows than this.

    Raises
    ------
    DataError
        If the file is not there, is no Parquet file, lacks a column, or has too many damaged rows
        or no other.
    """
    parts, report = [], ReadReport()
    for batch in _batches(path, limit):
        part, found = _read_batch(path, batch, report.n_rows)
        parts.append(part)
        report = report.plus(found)
    if report.n_skipped > MOST_CORRUPT * report.n_rows or not report.n_read:
        raise DataError(
            f"{path}: {report}; at most {MOST_CORRUPT:.0%} may be damaged, and one must not be"
        )
    if report.n_skipped:
        logger.warning("%s: %s", path, report)
    return joined(parts), report


def _schema() -> Any:
    kinds = {**dict.fromkeys(IMAGES, pa.binary()), **dict.fromkeys(TEXTS, pa.string())}
    return pa.schema([*kinds.items(), *((name, pa.float64()) for name in NUMBERS)])


def _table(stamps: Stamps) -> Any:
    images = ([pack(image) for image in part] for part in (stamps.stamp, stamps.ctrl))
    columns = dict(zip(IMAGES, images, strict=True))
    metadata = {name: stamps.metadata[name].tolist() for name in METADATA}
    return pa.table({**columns, **metadata}, schema=_schema())


def _batches(path: Path, limit: int | None) -> Iterator[dict[str, list[Any]]]:
    """Yield the columns of some rows at a time."""
    if not path.is_file():
        raise DataError(f"{path} is not there")
    left = limit
    try:
        with pq.ParquetFile(path) as file:
            require(path, NEEDED, file.schema_arrow.names)
            names = [name for name in (*IMAGES, *METADATA) if name in file.schema_arrow.names]
            for batch in file.iter_batches(BATCH, columns=names):
                rows = batch if left is None else batch.slice(0, left)
                if len(rows):
                    yield rows.to_pydict()
                left = None if left is None else left - len(rows)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a Parquet file: {error}") from error


def _read_batch(
    path: Path, batch: Mapping[str, list[Any]], offset: int
) -> tuple[Stamps, ReadReport]:
    images: list[tuple[Images, Images]] = []
    rows: list[int] = []
    told: list[tuple[int, str]] = []
    for row in range(len(batch["brickname"])):
        try:
            images.append(_pair(batch, row))
            rows.append(row)
        except StampError as error:
            told.append((offset + row, str(error)))
    stamp, ctrl = (_stacked([pair[place] for pair in images]) for place in (0, 1))
    metadata = {name: _column(batch.get(name), name, rows) for name in METADATA}
    first = tuple(f"row {row} of {path.name}: {reason}" for row, reason in told[:MOST_NAMED])
    reasons = dict(Counter(reason for _, reason in told))
    n_rows = len(batch["brickname"])
    return Stamps(stamp, ctrl, metadata), ReadReport(n_rows, len(rows), reasons, first)


def _pair(batch: Mapping[str, list[Any]], row: int) -> tuple[Images, Images]:
    """Return stamp and control of one row.

    Raises
    ------
    StampError
        If either is none, or what has to be known of them is not.
    """
    for name in NEEDED[len(IMAGES) :]:
        if batch[name][row] is None:
            raise StampError(f"{name} is missing")
    if batch["is_control"][row] not in (0, 1):
        raise StampError("is_control is neither 0 nor 1")
    found = []
    for name in IMAGES:
        try:
            found.append(unpack(batch[name][row]))
        except StampError as error:
            raise StampError(f"{name} {error}") from error
    return found[0], found[1]


def _stacked(images: list[Images]) -> Images:
    return np.stack(images) if images else np.zeros((0, 3, 64, 64), np.float32)


def _column(values: list[Any] | None, name: str, rows: list[int]) -> Column:
    """Return a column's values at some rows; what is not known is NaN, or an empty text."""
    if name in TEXTS:
        texts = ["" if values is None else str(values[row] or "") for row in rows]
        return np.array(texts, dtype=np.str_)
    numbers = [None if values is None else values[row] for row in rows]
    return np.array([np.nan if number is None else float(number) for number in numbers])

"""What ``--data`` may point at: a Parquet file of pairs, or a folder that holds some."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search.errors import DataError
from trainables.gen5_prime.stamp_files import ReadReport, read_stamps
from trainables.gen5_prime.stamps import Stamps, joined


@dataclass(frozen=True, eq=False)
class Recorded:
    """Pairs from files, not yet split.

    Parameters
    ----------
    stamps : Stamps
    report : ReadReport
        How many rows were read, and which were left out.
    """

    stamps: Stamps
    report: ReadReport


def load_stamps(path: Path | None, *, limit: int | None = None) -> Recorded | None:
    """Return the pairs behind a path; None (they are generated) without one.

    Parameters
    ----------
    path
        A Parquet file, or a folder whose Parquet files, in folders below too, are read in the order
        of their names.
    limit
        Read no more rows than this: a pair takes 98 kB of memory.

    Raises
    ------
    DataError
        If there is no such file, or one is not what it should be.
    """
    if path is None:
        return None
    parts, report = [], ReadReport()
    for file in _files(path):
        if limit is not None and report.n_rows >= limit:
            break
        left = None if limit is None else limit - report.n_rows
        part, found = read_stamps(file, limit=left)
        parts.append(part)
        report = report.plus(found)
    return Recorded(joined(parts), report)


def _files(path: Path) -> list[Path]:
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        names = ", ".join(sorted(file.name for file in path.iterdir())[:8])
        raise DataError(
            f"{path} must hold Parquet files of stamps (.parquet); it holds {names or 'nothing'}"
        )
    return files

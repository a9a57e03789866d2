"""What of the artifacts nobody needs any more: found first, deleted when asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from search.storage.database import Database
from search.storage.lock import driver_of
from search.storage.reader import read_series, series_names, study_names
from search.storage.records import SeriesRecord

PREDICTIONS = "predictions"


@dataclass(frozen=True)
class Garbage:
    """A folder that nobody needs; `size` in bytes."""

    path: Path
    reason: str
    size: int


def garbage(database: Database, artifacts: Path, *, unknown: bool = False) -> Iterator[Garbage]:
    """Yield what can be deleted; a study that is driven now is left alone.

    A trial's checkpoints are needed until it has ended; a driver that was killed leaves them
    behind. Predictions are what post-hoc techniques are fitted on, and stay.

    Parameters
    ----------
    database
        An open database.
    artifacts
        Folder of all studies' artifacts.
    unknown
        Whether folders of studies are included that the database does not hold: another database
        may.
    """
    names = study_names(database)
    for name in names:
        if driver_of(database, name) is None:
            for series in series_names(database, name):
                yield from _of_series(read_series(database, series, steps=False), artifacts)
    if unknown and artifacts.is_dir():
        for folder in sorted(artifacts.iterdir()):
            if folder.is_dir() and folder.name not in names:
                yield Garbage(folder, "of no study in this database", size_of(folder))


def _of_series(series: SeriesRecord, artifacts: Path) -> Iterator[Garbage]:
    mine = f"{1000 * series.created:.0f}"
    folder = artifacts / series.study
    if not folder.is_dir():
        return
    for other in sorted(folder.iterdir()):
        if other.is_dir() and other.name.isdigit() and other.name != mine:
            yield Garbage(other, "of a series that is gone", size_of(other))
    for trial in series.trials:
        left = folder / mine / f"{trial.number:06d}"
        if trial.result is not None and left.is_dir():
            yield Garbage(left, f"{series.study}#{trial.number} has ended", size_of(left))


def size_of(folder: Path) -> int:
    """Return how many bytes the files of a folder hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def delete(found: Garbage) -> None:
    """Delete a folder."""
    shutil.rmtree(found.path, ignore_errors=True)

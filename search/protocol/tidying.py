"""What of the artifacts nobody needs any more: found first, deleted when asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from search.engine.checkpoints import left_beside
from search.engine.retention import Retention
from search.ranking import rank_study
from search.ranking.measured import BASELINE
from search.storage.database import Database
from search.storage.lock import driver_of
from search.storage.reader import read_series, series_names, study_names
from search.storage.records import SeriesRecord
from search.storage.registrations import read_registrations

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
    behind. Those that a study keeps stay, and so do predictions: post-hoc techniques are fitted on
    them.

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


def over_cap(
    database: Database, artifacts: Path, cap: int, gone: Iterable[Garbage] = ()
) -> Iterator[Garbage]:
    """Yield what may be spared besides, least valuable first, until the rest is within a cap.

    First predictions of runs that no longer count, then those of arms that no post-hoc technique is
    made from, then kept checkpoints: those of trials that ended last, and of best trials at the
    very end; each the oldest first. What trials under way go on from, and predictions that
    post-hoc techniques are made from, are never among them: the rest may stay above the cap.

    Parameters
    ----------
    database, artifacts
        As in `garbage`.
    cap
        Bytes of all artifacts together.
    gone
        What is deleted anyway.
    """
    left = size_of(artifacts) - sum(found.size for found in gone)
    idle = [name for name in study_names(database) if driver_of(database, name) is None]
    spare = [
        found
        for name in idle
        if read_registrations(database, name)
        for found in _spare_predictions(database, name, artifacts / name / PREDICTIONS)
    ]
    for name in idle:
        for series in series_names(database, name):
            spare += _kept_checkpoints(read_series(database, series, steps=False), artifacts)
    for _, _, found in sorted(spare, key=lambda one: one[:2]):
        if left <= cap:
            return
        left -= found.size
        yield found


def _spare_predictions(
    database: Database, name: str, folder: Path
) -> Iterator[tuple[int, float, Garbage]]:
    """Yield (how valuable, when written, folder) of predictions that no technique needs now."""
    if not folder.is_dir():
        return
    priority = rank_study(database, name)
    counting = priority.measured.runs
    voters = {v for e in priority.specification["techniques"] for v in e.get("voters") or ()}
    kept = {run.asked.key for (arm, _), run in counting.items() if arm in {BASELINE, *voters}}
    for series in series_names(database, name):  # a run may be told that it has ended only later
        trials = read_series(database, series, steps=False).trials
        kept |= {trial.asked.key for trial in trials if trial.result is None}
    arms = {run.asked.key: f"{arm}, seed {seed}" for (arm, seed), run in counting.items()}
    for one in sorted(folder.iterdir()):
        if not one.is_dir() or one.name in kept:
            continue
        arm = arms.get(one.name)
        unused = f"predictions of {arm}, from which no post-hoc technique is made"
        words = unused if arm else "predictions of a run that no longer counts"
        yield int(arm is not None), one.stat().st_mtime, Garbage(one, words, size_of(one))


def _kept_checkpoints(
    series: SeriesRecord, artifacts: Path
) -> Iterator[tuple[int, float, Garbage]]:
    """Yield (how valuable, when written, folder) of what the trials of a series have kept."""
    ended = [trial for trial in series.trials if trial.result is not None and trial.checkpoints]
    if not ended:
        return
    kept = Retention(series.objectives[0].sign, ended)
    for number in kept.numbers:
        folder = artifacts / series.study / _created(series) / f"{number:06d}"
        if folder.is_dir():
            best = number == kept.best
            role = "the best trial" if best else "the trial that ended last"
            words = f"kept checkpoint of {series.study}#{number}, {role}"
            yield 3 if best else 2, folder.stat().st_mtime, Garbage(folder, words, size_of(folder))


def _created(series: SeriesRecord) -> str:
    """Return the name of the folder that holds the trials of a series."""
    return f"{1000 * series.created:.0f}"


def _of_series(series: SeriesRecord, artifacts: Path) -> Iterator[Garbage]:
    mine = _created(series)
    folder = artifacts / series.study
    if not folder.is_dir():
        return
    for other in sorted(folder.iterdir()):
        if other.is_dir() and other.name.isdigit() and other.name != mine:
            yield Garbage(other, "of a series that is gone", size_of(other))
    for trial in series.trials:
        left = folder / mine / f"{trial.number:06d}"
        if trial.result is None or not left.is_dir():
            continue
        kept = trial.checkpoints
        for one in list(left_beside(left, kept[-1])) if kept else [left]:
            where = Path(str(one))
            yield Garbage(where, f"{series.study}#{trial.number} has ended", size_of(where))


def size_of(folder: Path) -> int:
    """Return how many bytes the files of a folder hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def delete(found: Garbage) -> None:
    """Delete a folder."""
    shutil.rmtree(found.path, ignore_errors=True)

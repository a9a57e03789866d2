"""A laboratory: studies of toys, run by the real protocol on the local engine and SQLite."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from search.engine.stream import Listener
from search.loading import LoadedStudy
from search.protocol.registering import Design
from search.protocol.rerunning import Rerun
from search.protocol.running import RunOutcome, run_study
from search.protocol.searching import Options
from search.ranking import Priority, rank_study
from search.reports import PriorityReport, priority_report
from search.reports.priority_json import as_json
from search.storage.database import Database
from search.storage.reader import read_series, series_names
from search.storage.records import SeriesRecord
from search.study import Study
from tests.search.protocol.toys import TRAINED

PLAIN = Design(looks=(3, 5), tuning="none", stack=False)


class Killed(BaseException):
    """What a listener raises where a test interrupts a driver."""


def killed_after(events: int) -> Listener:
    """Return a listener that interrupts the driver at its n-th event."""
    seen: list[int] = []

    def listen(stream: Any) -> None:  # noqa: ARG001 - the listener's interface
        seen.append(1)
        if len(seen) >= events:
            raise Killed

    return listen


@dataclass(frozen=True)
class Laboratory:
    """One database, and what is run in it."""

    folder: Path

    @property
    def options(self) -> Options:
        """Where and how."""
        return Options(storage=f"sqlite:///{self.folder / 'study.db'}", engine="local")

    def run(self, study: Study, design: Design = PLAIN, **changes: Any) -> RunOutcome:
        """Run a study; `data` and `seed` are options, `rerun` the arms to be run again."""
        found = {name: changes.pop(name) for name in ("data", "seed") if name in changes}
        if arms := changes.pop("rerun", ()):
            changes["rerun"] = Rerun(tuple(arms), changes.pop("because", "a bug was mended"))
        loaded = LoadedStudy(study, sys.modules[__name__], self.folder / "toy.py", {})
        return run_study(loaded, replace(self.options, **found), design, **changes)

    def interrupted(self, study: Study, design: Design, events: int, **changes: Any) -> bool:
        """Run a study until its n-th event; return whether that came before its end."""
        try:
            self.run(study, design, listener=killed_after(events), **changes)
        except Killed:
            return True
        return False

    def priority(self, **changes: Any) -> Priority:
        """Return the table as the database stands."""
        return self._read(lambda database: rank_study(database, "toy", **changes))

    def report(self, **changes: Any) -> PriorityReport:
        """Return the report as the database stands."""
        return self._read(lambda database: priority_report(database, "toy", **changes))

    def series(self, kind: str) -> SeriesRecord:
        """Return a series of the study, such as "replicate" or "tune/A/0"."""
        return self._read(lambda database: read_series(database, f"toy/{kind}"))

    def kinds(self) -> tuple[str, ...]:
        """Return the names of all series, without the study's."""
        names = self._read(lambda database: series_names(database, "toy"))
        return tuple(name.removeprefix("toy/") for name in names)

    def runs(self, arm: str | None = None, kind: str = "replicate") -> int:
        """Return how many runs a series holds, of one arm or of all."""
        if kind not in self.kinds():
            return 0
        return sum(arm in (None, trial.asked.arm) for trial in self.series(kind).trials)

    def finished_table(self, **changes: Any) -> str:
        """Return priority.json without what a clock or a meter told."""
        found = as_json(self.report(**changes))
        del found["registration"]["created"]
        for row in found["rows"]:
            del row["compute_ratio"], row["memory_ratio"]
            row["flags"] = [flag for flag in row["flags"] if flag not in MEASURED_FLAGS]
        return json.dumps(found, indent=1)

    def _read(self, read: Callable[[Database], Any]) -> Any:
        database = Database(self.options.storage)
        try:
            return read(database)
        finally:
            database.close()


MEASURED_FLAGS = ("no_extra_compute", "free_win")  # they depend on wall time and memory


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database's file: making its tables takes longer than a toy study."""
    path = tmp_path_factory.mktemp("empty") / "study.db"
    Database(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def laboratories(tmp_path: Path, empty_database: Path) -> Callable[[], Laboratory]:
    """Return a function that returns a further new database."""
    made: list[int] = []

    def make() -> Laboratory:
        made.append(1)
        folder = tmp_path / str(len(made))
        folder.mkdir()
        shutil.copy(empty_database, folder)
        return Laboratory(folder)

    return make


@pytest.fixture
def laboratory(laboratories: Callable[[], Laboratory]) -> Laboratory:
    """A new database."""
    return laboratories()


@pytest.fixture(scope="class")
def finished(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Laboratory:
    """A database that the tests of a class share, and only read."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copy(empty_database, folder)
    return Laboratory(folder)


@pytest.fixture(autouse=True)
def trained() -> Iterator[Sequence[tuple[str, int]]]:
    """Every run that was begun in this test."""
    TRAINED.clear()
    yield TRAINED
    TRAINED.clear()

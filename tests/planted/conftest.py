"""Planted studies, run by the real protocol."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from search.loading import LoadedStudy
from search.protocol.running import RunOutcome, run_study
from search.protocol.searching import Options
from search.reports import PriorityReport, priority_report
from search.storage.database import Database
from search.storage.reader import read_series
from search.storage.records import SeriesRecord
from tests.planted.kinds import Kind


@dataclass(frozen=True)
class Told:
    """A finished planted study."""

    kind: Kind
    outcome: RunOutcome
    url: str

    @property
    def report(self) -> PriorityReport:
        """What the database says."""
        return self._read(lambda database: priority_report(database, "planted"))

    def series(self, kind: str) -> SeriesRecord:
        """Return a series."""
        return self._read(lambda database: read_series(database, f"planted/{kind}"))

    def _read(self, read: Callable[[Database], Any]) -> Any:
        database = Database(self.url)
        try:
            return read(database)
        finally:
            database.close()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database's file."""
    path = tmp_path_factory.mktemp("planted") / "empty.db"
    Database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def tell(tmp_path_factory: pytest.TempPathFactory, empty_file: Path) -> Callable[..., Told]:
    """Run a planted study to its end; the same one again is the one that was run."""
    told: dict[tuple[str, int], Told] = {}

    def run(kind: Kind, seed: int = 0) -> Told:
        if (kind.name, seed) not in told:
            path = tmp_path_factory.mktemp("study") / "study.db"
            shutil.copy(empty_file, path)
            options = Options(storage=f"sqlite:///{path}", engine="local", seed=seed)
            loaded = LoadedStudy(kind.study, sys.modules[__name__], path.parent / "planted.py", {})
            outcome = run_study(loaded, options, kind.design)
            told[kind.name, seed] = Told(kind, outcome, options.storage)
        return told[kind.name, seed]

    return run

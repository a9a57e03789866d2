"""Both engines behind one fixture, study files in a foreign folder, and what came of them."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from search.engine.stream import Limits
from search.loading import LoadedStudy, load_study
from search.protocol.searching import Options, SearchOutcome, run_search
from search.storage.database import Database
from search.storage.reader import read_series
from search.storage.records import SeriesRecord, TrialRecord

collect_ignore_glob = ["foreign/*"]  # study files, which are copied elsewhere first
FOREIGN = Path(__file__).parent / "foreign"
ENGINES = ["local", pytest.param("ray", marks=pytest.mark.ray)]


@pytest.fixture(scope="session")
def ray_cluster():
    """The address of one Ray cluster for all: starting one takes longer than most of them."""
    pytest.importorskip("ray")
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    started = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False}
    )
    yield started.address
    started.shutdown()


@dataclass(frozen=True)
class Found:
    """What a search left behind."""

    series: SeriesRecord
    optuna: list
    events: list[dict]
    outcome: SearchOutcome | None

    def trial(self, kind) -> TrialRecord:
        """The only trial of a kind."""
        (found,) = [t for t in self.series.trials if t.asked.configuration["kind"] == kind]
        return found

    def told(self, event, **facts):
        """Events of one name, with these facts."""
        return [
            e
            for e in self.events
            if e["event"] == event and all(e.get(key) == value for key, value in facts.items())
        ]

    def by_process(self):
        """Events by process, in their order."""
        groups = defaultdict(list)
        for event in sorted(self.events, key=lambda e: e["at"]):
            groups[event["pid"]].append(event)
        return list(groups.values())


class Place:
    """A foreign folder with study files, a database and a witness folder."""

    def __init__(self, folder: Path, engine: str, address: str | None = None) -> None:
        self.folder, self.engine, self.address = folder, engine, address
        self.seen = folder / "seen"
        self.seen.mkdir(parents=True)
        shutil.copytree(FOREIGN, folder / "elsewhere")
        self.url = f"sqlite:///{folder / 'study.db'}"

    def load(self, name) -> LoadedStudy:
        """Load a study file of the foreign folder, as a new process would."""
        os.environ.pop("WINNOW_TEST_COLOUR", None)
        return load_study(self.folder / "elsewhere" / f"{name}_study.py")

    def search(
        self, loaded, *, trials, workers=None, limits=None, confirm=0, data=True, listener=None
    ):
        """Run the search; the same call again goes on."""
        elsewhere = not self.url.startswith("sqlite")
        options = Options(
            self.url,
            artifacts=self.folder / "artifacts" if elsewhere else None,
            engine=self.engine,
            address=self.address,
            workers=workers if self.engine == "ray" else None,
            data=self.seen if data else None,
        )
        return run_search(
            loaded,
            options,
            trials=trials,
            limits=limits or Limits(),
            confirm=confirm,
            listener=listener,
        )

    def found(self, study, outcome=None) -> Found:
        """Read what is there."""
        database = Database(self.url)
        try:
            series = read_series(database, study)
            study_id = database.optuna.get_study_id_from_name(study)
            trials = database.optuna.get_all_trials(study_id)
        finally:
            database.close()
        events = self.seen / "events.jsonl"
        lines = events.read_text().splitlines() if events.is_file() else []
        return Found(series, trials, [json.loads(line) for line in lines], outcome)


def with_study(loaded: LoadedStudy, study) -> LoadedStudy:
    """Return a loaded study file with another study of it."""
    return replace(loaded, study=study)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    """Each engine."""
    return request.param


@pytest.fixture(scope="module")
def new_place(request, engine, tmp_path_factory):
    """Make places for an engine."""
    address = request.getfixturevalue("ray_cluster") if engine == "ray" else None
    return lambda: Place(tmp_path_factory.mktemp("contract") / "place", engine, address)


@pytest.fixture
def place(new_place):
    """A new place for one test."""
    return new_place()

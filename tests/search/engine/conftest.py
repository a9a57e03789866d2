"""A series of trials in a database, and batches as workers send them."""

# ruff: noqa: ARG002, ARG005 - arguments are those of an interface

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from search.engine.job import Batch
from search.engine.trials import Trials
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.reader import read_series
from search.storage.records import Asked, Step
from search.study import Objective

collect_ignore_glob = ["foreign/*"]  # study files, which are copied elsewhere first
STUDY = "toy/search"
LENGTH = 9


@dataclass(frozen=True)
class Config:
    lr: float = 0.1


def asked(seed=0, **changes):
    configuration = {"lr": 0.1, **changes}
    return Asked("baseline", seed, configuration, changes, LENGTH)


def steps(first, last, value=0.5, **others):
    """Steps that took a second each."""
    begin = time.time() - 100
    return tuple(
        Step(step, {"val_ap": value, "test_ap": 0.0, **others}, 1.0, begin + step)
        for step in range(first, last + 1)
    )


def batch(*given, token="one", start=0, end=None, **other):
    return Batch(
        token=token,
        host="here",
        pid=1,
        started=other.pop("started", time.time() - 100),
        start_step=start,
        steps=given,
        end=end,
        **other,
    )


@dataclass
class Script:
    """A policy that proposes what a test wants, and stops whom it wants stopped."""

    runs: list[Asked]
    halting: tuple[int, ...] | None = (1, 3)
    stopping: Callable[[int, int], bool] = lambda number, step: False
    told_of: list = field(default_factory=list)
    restored: list = field(default_factory=list)
    others: list = field(default_factory=list)
    kept: str | None = None
    asked_about: list = field(default_factory=list)
    own: int = 0

    @property
    def wanted(self):
        return len(self.runs)

    def propose(self, number):
        if self.own >= len(self.runs):
            return None
        self.own += 1
        return self.runs[self.own - 1]

    def halts(self, asked):
        return self.halting

    def predictions(self, number, asked):
        return self.kept

    def stops(self, number, asked, step, value):
        self.asked_about.append((number, step, value))
        return self.stopping(number, step)

    def told(self, number, asked, result):
        self.told_of.append((number, result.outcome))

    def restore(self, trial, record):
        self.own += 1
        self.restored.append(record)

    def foreign(self, trial):
        self.others.append(trial.number)

    def notes_on(self, number):
        return {}


class Scene:
    """A series of trials that may be opened again, as the next command does."""

    def __init__(self, url, folder):
        self.database, self.folder = Database(url), folder
        self.series = None

    def open(self, *runs, retries=1, score_at="last", objectives=(), keeps=False, **script):
        goals = objectives or (Objective("val_ap", "maximize"),)
        self.policy = Script(list(runs) or [asked(seed) for seed in range(3)], **script)
        self.series = Series(self.database, STUDY, "search", [goal.direction for goal in goals], {})
        return Trials(
            self.series,
            self.policy,
            objectives=goals,
            score_at=score_at,
            baseline=Config(),
            artifacts=self.folder,
            retries=retries,
            keeps=keeps,
        )

    @property
    def record(self):
        return read_series(self.database, STUDY)

    @property
    def optuna(self):
        return self.series.optuna_trials()


@pytest.fixture(scope="session")
def gpu_cluster():
    """The address of a Ray cluster with CPUs and GPUs that are none."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    node = {"num_cpus": 4, "num_gpus": 4, "include_dashboard": False}
    started = cluster_utils.Cluster(initialize_head=True, head_node_args=node)
    yield started.address
    started.shutdown()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A file with all tables: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "study.db"
    Database(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def scene(tmp_path, empty_database):
    shutil.copy(empty_database, tmp_path / "study.db")
    made = Scene(f"sqlite:///{tmp_path / 'study.db'}", tmp_path / "artifacts")
    yield made
    made.database.close()

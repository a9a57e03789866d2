"""How long a large study takes to report, and to rank again when one more run has ended.

The study is planted: 41 arms on 57 seeds, 2,337 runs of 100 steps, as the protocol stores them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sqlalchemy import insert

from search import Objective, Space, Study, Technique
from search.protocol.arms import trained_arms
from search.protocol.registering import Design, register
from search.protocol.replicating import Settings, runs_for
from search.ranking import rank_study
from search.ranking.priority import rank_runs
from search.reports import priority_report, render
from search.storage.database import Database
from search.storage.ledger import Series, dumps
from search.storage.records import Asked
from search.storage.tables import ATTEMPTS, STEPS, TRIALS
from tests.benchmarks.table import Result, Row

ARMS, SEEDS, STEPS_PER_RUN = 40, 57, 100
REPORT_S, UPDATE_MS = 10.0, 100.0
UPDATES = 20
Say = Callable[[str], None]


@dataclass(frozen=True)
class Config:
    """One field, which every technique sets to a value of its own."""

    which: int = 0


def train(config: Config, *, seed: int) -> Iterator[dict[str, float]]:
    """Yield what is planted: no run is ever made."""
    del config, seed
    yield {"val_ap": 0.0, "test_ap": 0.0}


STUDY = Study(
    name="large",
    trainable=train,
    space=Space(baseline=Config()),
    objective=Objective("val_ap", "maximize"),
    evaluation=Objective("test_ap", "maximize"),
    smallest_gain=0.01,
    max_steps=STEPS_PER_RUN,
    techniques=[Technique(f"Technique {i}", on={"which": i}) for i in range(1, ARMS + 1)],
)


def benchmark_reporting(repeats: int, say: Say) -> Result:
    """Return the table of reporting times."""
    with tempfile.TemporaryDirectory(prefix="winnow-report-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'winnow.db'}")
        try:
            runs = planted(database, SEEDS, STEPS_PER_RUN)
            say(f"{len(runs)} runs of {STEPS_PER_RUN} steps planted")
            whole = [_timed(lambda: _report(database)) for _ in range(repeats)]
            say(f"reported {repeats} times")
            updates = _updates(database)
        finally:
            database.close()
    rows = (
        Row(
            f"HTML report of {len(runs):,} runs of {STEPS_PER_RUN} steps",
            tuple(whole), "s", median(whole), target=f"under {REPORT_S:g} s",
            met=median(whole) < REPORT_S,
        ),
        Row(
            "the table again, one finished run later",
            tuple(updates), "ms", median(updates), target=f"under {UPDATE_MS:g} ms",
            met=median(updates) < UPDATE_MS,
        ),
    )  # fmt: skip
    return Result("Reports of a large study", rows)


def planted(database: Database, n_seeds: int, n_steps: int) -> list[Asked]:
    """Store a finished study, and return its runs."""
    study = replace(STUDY, max_steps=n_steps)
    design = Design(looks=(3, 8, 20, n_seeds) if n_seeds > 20 else (n_seeds,), tuning="none")
    registered = register(database, study, design, seed=0, folder=Path(), data=None)
    needs = {arm.name: n_seeds for arm in trained_arms(study)}
    runs = runs_for(study, registered, Settings.stated(study), needs)
    specification = {"objectives": [{"metric": "val_ap", "direction": "maximize"}]}
    series = Series(database, "large/replicate", "replicate", ["maximize"], specification)
    with database.engine.begin() as connection:
        for table, rows in _rows(series.study, runs, n_steps):
            connection.execute(insert(table), rows)
    return runs


def _rows(
    study: str, runs: list[Asked], n_steps: int
) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    rng, now = np.random.default_rng(0), time.time()
    names = {run.arm: place for place, run in enumerate({r.arm: r for r in runs}.values())}
    shared = {run.seed: rng.normal() for run in runs}
    trials, attempts = [], []
    for number, run in enumerate(runs):
        key = {"study": study, "number": number}
        top = 0.7 + 0.02 * shared[run.seed] + 0.02 * rng.normal() + 0.002 * (names[run.arm] % 10)
        grown = top * (1 - np.exp(-np.arange(1, n_steps + 1) / 20))
        trials.append({
            **key, "arm": run.arm, "seed": run.seed, "configuration": dumps(run.configuration),
            "changes": dumps(run.changes), "max_steps": n_steps, "bracket": 0, "code": run.code,
            "data": run.data, "created": now + number, "outcome": "complete", "step": n_steps,
            "values": dumps([float(grown[-1])]), "reason": None, "finished": now + number + 1,
        })  # fmt: skip
        attempts.append({
            **key, "attempt": 0, "token": "0", "host": "host", "pid": 1, "versions": "{}",
            "start_step": 0, "started": now + number, "ended": now + number + 1,
            "end": "complete", "gpus": 0.0, "peak_memory": 10**8,
        })  # fmt: skip
        yield STEPS, [
            {
                **key, "attempt": 0, "step": step, "elapsed_s": 0.01, "finished": now + number,
                "metrics": dumps({"val_ap": float(v), "test_ap": float(v) - 0.01, "loss": 1.0}),
            }
            for step, v in enumerate(grown, 1)
        ]  # fmt: skip
    yield TRIALS, trials
    yield ATTEMPTS, attempts


def _report(database: Database) -> None:
    render(priority_report(database, STUDY.name), "html")


def _updates(database: Database) -> list[float]:
    """Time ranking again after one more run has ended, the others being known already."""
    priority = rank_study(database, STUDY.name)
    measured, last = priority.measured, list(priority.measured.runs)
    found = []
    for number in range(UPDATES):
        runs = {key: run for key, run in measured.runs.items() if key != last[-1 - number]}
        fewer = replace(measured, runs=runs)
        found.append(1000 * _timed(partial(rank_runs, STUDY.name, priority.registrations, fewer)))
    return found


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started

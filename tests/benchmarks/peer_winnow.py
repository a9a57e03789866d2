"""winnow as users run it: `run_search` into a durable SQLite file, on either engine."""

from __future__ import annotations

import time
from pathlib import Path

from search.engine.stream import Limits, Stream
from search.protocol.searching import EngineName, Options, run_search
from search.storage.database import Database
from search.storage.reader import read_series
from tests.benchmarks.noop import noop_study
from tests.benchmarks.timing import WORKERS, Timing


def run_winnow(
    folder: Path, *, trials: int, steps: int, engine: EngineName, decide_often: bool = False
) -> Timing:
    """Run a search of nothing; return when its trials ended."""
    storage = f"sqlite:///{folder / 'winnow.db'}"
    workers = WORKERS if engine == "ray" else None
    ends: list[float] = []

    def listen(stream: Stream) -> None:
        finished = sum(series.counts.finished for series in stream.series)
        ends.extend([time.time()] * (finished - len(ends)))

    run_search(
        noop_study(steps=steps, decide_often=decide_often),
        Options(storage, engine=engine, workers=workers),
        trials=trials,
        limits=Limits(),
        confirm=0,
        listener=listen,
    )
    return Timing(_first_step(storage), tuple(ends))


def _first_step(storage: str) -> float:
    database = Database(storage)
    try:
        trials = read_series(database, "noop/search").trials
    finally:
        database.close()
    return min(step.metrics["at"] for trial in trials for step in trial.steps)

"""What data cost in memory: loaded by every worker, or shared by all workers of a machine."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
from numpy.typing import NDArray

from search import Float, NoPruning, Objective, Resources, Space, Study
from search.engine.stream import Limits
from search.loading import load_study
from search.protocol.searching import Options, run_search
from search.storage.database import Database
from search.storage.reader import read_series
from tests.benchmarks.table import Result, Row

MIB = 400
WORKERS = 4
Say = Callable[[str], None]


@dataclass(frozen=True)
class Config:
    """Nothing that matters here."""

    lr: float = 0.1


def load(_path: Path | None) -> NDArray[np.float64]:
    """Return data of `MIB` mebibytes."""
    return np.ones(MIB * 2**20 // 8)


def train(
    config: Config,  # noqa: ARG001 - an interface's
    *,
    seed: int,  # noqa: ARG001
    data: NDArray[np.float64],
) -> Iterator[dict[str, float]]:
    """Read all data, and report what memory nobody shares with this process."""
    for _ in range(3):
        time.sleep(1.0)  # so that all workers get something to do
        yield {
            "mean": float(data.mean()),
            "mib": psutil.Process().memory_full_info().uss / 2**20,
            "pid": float(os.getpid()),
        }


STUDY = Study(
    name="shared",
    trainable=train,
    space=Space(baseline=Config(), domains={"lr": Float(1e-3, 1.0, log=True)}),
    objective=Objective("mean", "maximize"),
    max_steps=3,
    data=load,
    pruner=NoPruning(),
    resources=Resources(cpus=0.25),
)


def benchmark_shared(say: Say) -> Result:
    """Return the table: resident memory per worker that it shares with nobody, in MiB."""
    rows = []
    for shared in (False, True):
        say(f"{WORKERS} workers with {MIB} MiB of data, {'shared' if shared else 'one each'}")
        found = _workers(shared=shared)
        what = "shared (share_data=True)" if shared else "loaded by every worker"
        ratio = median(found) / rows[0].figure if rows else None
        of = "÷ loaded by every worker" if rows else ""
        rows.append(Row(what, found, "MiB", median(found), ratio, of))
    notes = (
        f"Memory that one of {len(rows[0].samples)} worker processes shares with nobody (unique "
        f"set size) after reading all of {MIB} MiB twice; on Ray, one machine.",
    )
    return Result("Data of a study in its workers' memory", tuple(rows), notes)


def _workers(*, shared: bool) -> tuple[float, ...]:
    """Return what every worker process took."""
    with tempfile.TemporaryDirectory(prefix="winnow-shared-") as folder:
        options = Options(
            f"sqlite:///{folder}/shared.db", engine="ray", workers=WORKERS, data=Path(folder)
        )
        loaded = load_study(Path(__file__))
        loaded = replace(loaded, study=replace(loaded.study, share_data=shared))
        run_search(loaded, options, trials=3 * WORKERS, limits=Limits(), confirm=0)
        database = Database(options.storage)
        try:
            trials = read_series(database, "shared/search").trials
        finally:
            database.close()
    last = {trial.steps[-1].metrics["pid"]: trial.steps[-1].metrics["mib"] for trial in trials}
    return tuple(last.values())

"""``kill -9`` of drivers and workers at random instants, then an account of every trial.

A search is started, killed and started again until it ends; then another one is, until enough
kills have been made. Nothing is waited for between a kill and the next start.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]  # it has no types

from search.protocol.searching import EngineName
from tests.benchmarks.accounts import Account, account_for
from tests.benchmarks.crashing import TRIALS, ready_file
from tests.benchmarks.table import Result, Row

EARLY = 0.2  # share of kills that do not wait for a worker's first report: start-up
EARLY_S, LATE_S = 6.0, 2.5  # a kill comes within so many seconds of the start, of that report
WORKERS = 0.5  # share of kills that hit a worker, where there are any
STARTS = 50  # of one search; beyond that it makes no progress
LIMIT_S = 180  # of one start
OTHERS = re.compile(r"^ray::(IDLE|\w*Agent)")  # Ray's own processes: without them a node is lost
ENGINES: tuple[EngineName, EngineName] = ("local", "ray")
Say = Callable[[str], None]


@dataclass
class Tally:
    """What one engine has been through."""

    kills: Counter[str] = field(default_factory=Counter)
    accounts: list[Account] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Kills of either kind."""
        return self.kills.total()


def benchmark_kills(kills: int, say: Say) -> Result:
    """Return the table of faults: half of the kills on each engine."""
    rows: list[Row] = []
    notes: list[str] = []
    for engine, wanted in zip(ENGINES, (kills // 2, kills - kills // 2), strict=True):
        tally = Tally()
        rng = np.random.default_rng(kills)
        while tally.total < wanted:
            with tempfile.TemporaryDirectory(prefix="winnow-kills-") as folder:
                _punish(engine, Path(folder), wanted, tally, rng)
                tally.accounts.append(account_for(Path(folder)))
            say(f"{engine}: {tally.total} of {wanted} kills, {len(tally.accounts)} searches ended")
        rows += fault_rows(engine, tally)
        notes += [problem for account in tally.accounts for problem in account.problems]
    return Result("kill -9 at random instants", tuple(rows), tuple(notes), "sum")


def fault_rows(engine: EngineName, tally: Tally) -> Iterator[Row]:
    """Yield what was done to an engine, and what became of its trials."""
    for victim, count in sorted(tally.kills.items()):
        yield Row(f"{engine}: {victim}s killed", (count,), "", count)
    searches = len(tally.accounts)
    yield Row(f"{engine}: searches of {TRIALS} trials", (searches,), "", searches)
    for fault in ("lost", "left_running", "ended_twice", "counted_twice", "wrong"):
        counts = tuple(float(getattr(account, fault)) for account in tally.accounts)
        name = fault.replace("_", " ")
        yield Row(
            f"{engine}: trials {name}", counts, "", sum(counts), target="0", met=not sum(counts)
        )
    repeated = tuple(float(account.repeated_steps) for account in tally.accounts)
    yield Row(f"{engine}: stored steps made again", repeated, "", sum(repeated))


def _punish(
    engine: EngineName, folder: Path, wanted: int, tally: Tally, rng: np.random.Generator
) -> None:
    """Run one search to its end, killing on the way.

    Raises
    ------
    RuntimeError
        If the search fails by itself, or does not end.
    """
    for _ in range(STARTS):
        with (folder / "output.txt").open("w") as output:
            driver = _start(engine, folder, output.fileno())
            deadline = time.monotonic() + LIMIT_S
            while driver.poll() is None and tally.total < wanted:
                if _waited(driver, folder, rng) and (victim := _kill(driver, rng)):
                    tally.kills[victim] += 1
            status = driver.wait(max(1.0, deadline - time.monotonic()))
        if status == 0:
            return
        if status != -signal.SIGKILL:
            text = (folder / "output.txt").read_text()
            raise RuntimeError(f"{engine}: the search failed by itself ({status}):\n{text[-3000:]}")
    raise RuntimeError(f"{engine}: a search of {TRIALS} trials has not ended in {STARTS} starts")


def _start(engine: EngineName, folder: Path, output: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.benchmarks.crashing", engine, str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=output, stderr=output, env=environment)


def _waited(driver: subprocess.Popen[bytes], folder: Path, rng: np.random.Generator) -> bool:
    """Wait for a random instant; return whether the driver is still there."""
    ready = ready_file(folder, driver.pid)
    if rng.random() < EARLY:
        until = time.monotonic() + rng.uniform(0, EARLY_S)
    else:
        while driver.poll() is None and not ready.exists():
            time.sleep(0.02)
        until = time.monotonic() + rng.uniform(0, LATE_S)
    while driver.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    return driver.poll() is None


def _kill(driver: subprocess.Popen[bytes], rng: np.random.Generator) -> str | None:
    """Kill a worker or the driver; return which."""
    workers = _workers(driver.pid)
    if workers and rng.random() < WORKERS:
        try:
            workers[int(rng.integers(len(workers)))].kill()
        except psutil.NoSuchProcess:
            return None
        return "worker"
    driver.kill()
    driver.wait()
    return "driver"


def _workers(driver: int) -> list[psutil.Process]:
    """Return the processes that run a driver's trials."""
    found = []
    try:
        below = psutil.Process(driver).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    for process in below:
        try:
            title = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if title.startswith("ray::") and not OTHERS.search(title):
            found.append(process)
    return found

"""A fault, what it is done to, and the account of the trials afterwards."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from search.storage.database import Database
from search.storage.reader import read_series
from tests.benchmarks.accounts import account_for
from tests.faults.cluster import FaultCluster
from tests.faults.storm import Driver, Storm

LIMIT_S = 400


@dataclass(frozen=True)
class Line:
    """A line of the fault table.

    Parameters
    ----------
    fault
        What was done.
    wanted, finished
        Trials that were asked for, and that were brought to an end of their own.
    lost, duplicated, zombies
        Trials missing or given up; ended or counted twice; left running.
    repeated
        Steps that were trained more than once.
    seconds
        From the first driver's start to the last one's end, in s.
    note
        What a reader should know.
    problem
        Of a trial that is not as it should be, in words.
    """

    fault: str
    wanted: int
    finished: int
    lost: int
    duplicated: int
    zombies: int
    repeated: int
    seconds: float
    note: str = ""
    problem: str = ""

    @property
    def clean(self) -> bool:
        """Whether every trial is as wanted."""
        wrong = self.lost or self.duplicated or self.zombies or self.problem
        return self.finished == self.wanted and not wrong


class Fault(ABC):
    """Something that happens to a search on a cluster of its own."""

    title = ""
    nodes, trials, workers, pace_s = 1, 12, 4, 0.2
    environment: ClassVar[dict[str, str]] = {}
    repeats = True  # whether attempts begin at one of the two newest checkpoints
    may_repeat = 60  # steps, of a search of more than a hundred

    def __init__(self, folder: Path) -> None:
        self.folder, self.note = folder, ""
        self.storms: list[Storm] = []

    def run(self) -> Line:
        """Let it happen, and return what became of the trials."""
        with ExitStack() as stack:
            self.prepare(stack)
            begun = time.monotonic()
            try:
                self.happen()
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.said}") from error
            seconds = time.monotonic() - begun
            return self.line(seconds)

    @abstractmethod
    def happen(self) -> None:
        """Start drivers, do what is done to them, and bring the search to its end."""

    def prepare(self, stack: ExitStack) -> None:
        """Start what the search needs."""
        self.cluster = FaultCluster(self.nodes)
        stack.callback(self.cluster.close)
        self.storm = self.new_storm("storm", f"sqlite:///{self.folder / 'study.db'}")

    def new_storm(self, name: str, url: str) -> Storm:
        """Return a search on the cluster."""
        environment = {
            "WINNOW_TEST_WORKERS": str(self.workers),
            "WINNOW_TEST_PACE": str(self.pace_s),
            "OMP_NUM_THREADS": "1",
            **self.cluster.client_environment,
            **self.environment,
        }
        storm = Storm(
            self.folder / name,
            url,
            "ray",
            trials=self.trials,
            seed=0,
            address=self.cluster.gcs_address,
            environment=environment,
        )
        self.storms.append(storm)
        return storm

    @property
    def said(self) -> str:
        """What the drivers have said, from its end."""
        files = [storm.folder / "said.txt" for storm in self.storms]
        return "\n".join(file.read_text()[-3000:] for file in files if file.exists())

    # -- what faults are made of --------------------------------------------------------------

    def until(self, driver: Driver, events: int, storm: Storm | None = None) -> None:
        """Wait until so many more events were witnessed; the driver must live on."""
        storm = storm or self.storm
        wanted = len(storm.events) + events
        ended = storm.wait(driver, lambda _: len(storm.events) >= wanted)
        assert not ended, "the driver has ended before anything happened"

    def end(self, driver: Driver) -> None:
        """Let a driver come to its end."""
        try:
            assert driver.wait(LIMIT_S) == 0
        finally:
            driver.kill()

    def finish(self) -> None:
        """Give the same command again, and let it come to its end."""
        self.end(self.storm.start())

    # -- the account --------------------------------------------------------------------------

    def line(self, seconds: float) -> Line:
        """Return the account of every search."""
        lines = [self._line(storm, seconds) for storm in self.storms]
        sums = {
            name: sum(getattr(line, name) for line in lines)
            for name in ("wanted", "finished", "lost", "duplicated", "zombies", "repeated")
        }
        problem = "; ".join(line.problem for line in lines if line.problem)
        return Line(self.title, **sums, seconds=seconds, note=self.note, problem=problem)

    def _line(self, storm: Storm, seconds: float) -> Line:
        account = account_for(storm.url, storm.study, storm.trials)
        return Line(
            self.title,
            storm.trials,
            finished(storm),
            account.lost,
            account.ended_twice + account.counted_twice,
            account.left_running,
            repeated_steps(storm),
            seconds,
            problem=self._problem(storm),
        )

    def _problem(self, storm: Storm) -> str:
        try:
            storm.check(repeats=self.repeats)
        except AssertionError as error:
            return str(error).strip() or "a trial is not as it should be"
        return ""


def finished(storm: Storm) -> int:
    """Return how many trials have ended, and not by being given up."""
    database = Database(storm.url, create=False)
    try:
        trials = read_series(database, storm.study, steps=False).trials
    finally:
        database.close()
    return sum(trial.result is not None and trial.outcome != "failed" for trial in trials)


def repeated_steps(storm: Storm) -> int:
    """Return how many steps were trained more than once, by what the trainables saw."""
    steps = [(event["lr"], event["step"]) for event in storm.events if event["event"] == "step"]
    return len(steps) - len(set(steps))

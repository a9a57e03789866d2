"""Where a check runs a trainable: briefly, within its time, and every run is remembered."""

from __future__ import annotations

import math
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NoReturn

from search.configuration import flatten
from search.engine.job import Job, Task
from search.plain import digest
from search.protocol.reads import Reads
from search.protocol.training_once import OneRun, train_once
from search.protocol.wrapping import watched_trainable
from search.storage.records import Step
from search.study import Study

STEPS = 2  # of every arm
SHARE = 0.5  # of the time that is left, which one whole run may be expected to take
Status = Literal["passed", "warning", "failed", "not reached"]


@dataclass(frozen=True)
class Check:
    """What one check has found.

    Parameters
    ----------
    name
        What was looked at.
    status
        How it stands; "not reached" where the time did not suffice.
    words
        For people: what was seen, and what to do.
    arm
        The arm that it is about, to be run alone; None for none.
    """

    name: str
    status: Status
    words: str
    arm: str | None = None


class OutOfTime(BaseException):
    """The time of all checks together is used up; no error, so that no handler takes it for one."""


@dataclass
class Bench:
    """Runs of one study within a time limit.

    Parameters
    ----------
    study
        The question.
    task
        What workers are given.
    deadline
        On the monotonic clock.
    seed
        Of the runs, unless one says otherwise.
    """

    study: Study
    task: Task
    deadline: float
    seed: int
    seen: dict[str, OneRun] = field(default_factory=dict)
    start_s: float = 0.0

    @property
    def left_s(self) -> float:
        """Seconds left."""
        return self.deadline - time.monotonic()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step of every run so far."""
        return tuple(step for run in self.seen.values() for step in run.steps)

    def run(
        self, changes: Mapping[str, Any], *, seed: int | None = None, steps: int | None = STEPS
    ) -> OneRun:
        """Run a configuration for some steps (None: to its end), or remember that run.

        Raises
        ------
        OutOfTime
            If the time is used up before.
        """
        seed = self.seed if seed is None else seed
        key = _key(changes, seed, steps)
        if key not in self.seen:
            self.seen[key] = self._run(self.task, changes, seed, steps)
        return self.seen[key]

    def tried(self, changes: Mapping[str, Any]) -> OneRun | None:
        """Return a configuration's first steps, if there was time for them."""
        return self.seen.get(_key(changes, self.seed, STEPS))

    def again(self, changes: Mapping[str, Any], *, steps: int | None = STEPS) -> OneRun:
        """Run a configuration that may have been run before."""
        return self._run(self.task, changes, self.seed, steps)

    def reads(self, changes: Mapping[str, Any], *, steps: int | None = STEPS) -> Reads | None:
        """Return which fields a run reads; None where it raises, since it is looked at."""
        reads = Reads()
        trainable = watched_trainable(self.task.trainable, configure=reads.watch)
        run = self._run(replace(self.task, trainable=trainable), changes, self.seed, steps)
        return None if run.error else reads

    def affords_whole_runs(self, n: int = 1) -> bool:
        """Return whether n whole runs are expected to take no more than half of what is left."""
        longest = max((step.elapsed_s for step in self.steps), default=0.0)
        whole = self.start_s + self.study.max_steps * longest
        return n * whole <= SHARE * self.left_s

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Yield a folder that is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="winnow-check-") as name:
            yield Path(name)

    def job(self, changes: Mapping[str, Any], seed: int, folder: Path) -> Job:
        """Return a run as workers get it: with predictions and diagnostics, like a measured one."""
        predicts = self.study.contract.predicts
        return Job(
            study="check",
            number=0,
            changes=changes,
            seed=seed,
            max_steps=self.study.max_steps,
            halts=None,
            folder=str(folder / "checkpoints"),
            predictions=str(folder / "predictions") if predicts else None,
            diagnose=True,
        )

    def train(self, task: Task, job: Job, steps: int | None) -> OneRun:
        """Run a job, and interrupt it when the time is up."""
        with interrupted_after(self.left_s):
            return train_once(task, job, steps=steps)

    def _run(self, task: Task, changes: Mapping[str, Any], seed: int, steps: int | None) -> OneRun:
        began = time.monotonic()
        with self.folder() as folder:
            found = self.train(task, self.job(changes, seed, folder), steps)
        spent = sum(step.elapsed_s for step in found.steps)
        if found.steps:  # the first run also loads the data, the others do not
            start_s = time.monotonic() - began - spent
            self.start_s = min(self.start_s, start_s) if self.start_s else start_s
        return found


def _key(changes: Mapping[str, Any], seed: int, steps: int | None) -> str:
    return digest([dict(changes), seed, steps])


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` inside the block when the time is up, be it in the middle of a step.

    In a thread, and where the system has no such timer, only before the block. Infinitely many
    seconds are no limit.
    """
    if seconds <= 0:
        raise OutOfTime
    if (
        math.isinf(seconds)
        or threading.current_thread() is not threading.main_thread()
        or not hasattr(signal, "SIGALRM")
    ):
        yield
        return

    def stop(_signal: int, _frame: object) -> NoReturn:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def differing(one: OneRun, other: OneRun) -> list[str]:
    """Return the metrics in which two runs differ, as far as both have gone; names in order."""
    found: dict[str, None] = {}
    for mine, theirs in zip(one.curve, other.curve, strict=False):
        for name, _ in {*mine} ^ {*theirs}:
            found[name] = None
    return sorted(found)


def fields_of(study: Study) -> dict[str, Any]:
    """Return the baseline's fields by dotted path."""
    return flatten(study.space.baseline)

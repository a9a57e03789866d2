"""What the Ray engine's hooks share: the trials under way, what they hold, and what went wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ray import cloudpickle

from search.engine.cluster import node_resources
from search.engine.job import Batch, Job, Key
from search.engine.outcomes import out_of_memory
from search.engine.placement import Need, Placement, room
from search.engine.stream import Stream

MAX_LOST = 3  # workers that one trial may lose
GPU_MEMORY = "winnow:gpu_memory"  # under which later commands find what was measured
RECOUNT_S = 5.0  # nodes come and go: how old the count of free places may be
T = TypeVar("T")


@dataclass
class Losses:
    """The workers that a trial has lost, and how many more it may lose."""

    count: int = 0
    allowed: int = MAX_LOST
    reason: str = "its workers died"


class Bridge:
    """What Tune's hooks share: the stream, the trials under way, and what went wrong in it.

    Tune turns an error in a hook into text. It is kept here instead, Tune is told to stop, and the
    error is raised again afterwards.
    """

    def __init__(self, stream: Stream, placement: Placement, workers: int | None) -> None:
        self.stream, self.placement = stream, placement
        self.keys: dict[str, Key] = {}
        self.needs: dict[Key, Need] = {}
        self.waiting: set[Key] = set()  # those that need a GPU to themselves, until they have one
        self.losses: dict[Key, Losses] = {}
        self.error: Exception | None = None
        self.left = False  # the driver leaves, and no trial is at work any more
        self._workers, self._rooms, self._counted = workers, dict[Need, int](), -RECOUNT_S

    @property
    def full(self) -> bool:
        """Whether as many trials are under way as there is room for."""
        if self.waiting or len(self.keys) >= (self._workers or len(self.keys) + 1):
            return True
        if time.monotonic() - self._counted >= RECOUNT_S:
            self._counted = time.monotonic()
            self._rooms.clear()
        under_way = [self.needs[key] for key in self.keys.values()]
        shares = [1 / self._room(need) for need in (*under_way, self.placement.need())]
        return sum(shares) > 1 + 1e-6

    def _room(self, need: Need) -> int:
        if need not in self._rooms:
            self._rooms[need] = room(need, node_resources())
        return self._rooms[need]

    def begin(self, trial_id: str, job: Job) -> dict[str, Any]:
        """Return what Tune is told of a job that is handed out."""
        need = self.placement.need(alone=job.alone)
        self.keys[trial_id], self.needs[job.key] = job.key, need
        if job.alone:
            self.waiting.add(job.key)
        # as bytes: a worker must know where to import from before it can read them
        return {"job": to_bytes(replace(job, gpus=need.gpus)), "need": need}

    def learn(self, key: Key, batch: Batch) -> None:
        """Take note of what a trial takes, and of one that took more than there was."""
        self.waiting.discard(key)
        before = self.placement.learned
        if batch.end == "raised" and not batch.alone and out_of_memory(batch.error):
            self.placement.ran_out(batch.gpus)
        self.placement.learn(batch)
        if (learned := self.placement.learned) != before:
            self.guard(lambda: self.stream.remember(key, GPU_MEMORY, learned), None)

    def guard(self, action: Callable[[], T], otherwise: T) -> T:
        """Return ``action()``; if it raises, keep the error and return `otherwise`."""
        if self.error is None:
            try:
                return action()
            except Exception as error:  # noqa: BLE001 - raised again when Tune has stopped
                self.error = error
        return otherwise

    def __getstate__(self) -> dict[str, Any]:
        """Pickle nothing: Tune writes its parts to disk, and the database's URL may be secret."""
        return {}


def to_bytes(value: object) -> bytes:
    """Pickle a value, functions and classes of the study's module too."""
    found: bytes = cloudpickle.dumps(value)  # type: ignore[no-untyped-call]  # Ray's
    return found

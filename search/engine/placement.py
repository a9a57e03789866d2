"""What each trial asks of Ray: shares of a GPU from what trials were seen to take."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.engine.job import Batch
from search.resources import Resources

SAFETY = 1.2  # configurations differ, and allocators fragment
PROFILED_STEPS = 2  # the first step may allocate less than those with an optimizer's state
SHARES = 10_000  # Ray counts in ten-thousandths
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Need:
    """What one trial asks for: so many processes that hold so much each."""

    cpus: float
    each_gpus: float
    processes: int = 1

    @property
    def gpus(self) -> float:
        """GPUs that it holds in all."""
        return self.processes * self.each_gpus

    @property
    def bundle(self) -> dict[str, float]:
        """What one of its processes holds, in Ray's words."""
        gpus = {"GPU": self.each_gpus} if self.each_gpus else {}
        return {"CPU": self.cpus, **gpus}

    @property
    def bundles(self) -> list[dict[str, float]]:
        """What all of its processes hold, and the worker nothing that only leads them."""
        return [self.bundle] if self.processes == 1 else [{}, *[self.bundle] * self.processes]


class Placement:
    """Decides what a trial occupies; with ``gpus="auto"``, from the trials before it.

    The first trials get whole GPUs, unless an earlier command has measured some. Once one of them
    has made its first steps, as many fit on a GPU as its memory has room for, of the largest seen
    so far. When a trial that shared a GPU runs out of memory, one fewer fits from then on.

    Parameters
    ----------
    resources
        The study's.
    there
        GPUs of the cluster.
    known
        What earlier commands have learned: `learned`, of each.
    """

    def __init__(
        self, resources: Resources, there: float, known: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._cpus, gpus = resources.cpus, resources.gpus
        self._processes = resources.processes
        if gpus is None or isinstance(gpus, str):
            gpus = 1.0 if there else 0.0
        self._gpus, self._measured = gpus, resources.gpus == "auto" and gpus > 0
        self._limit, self._peak, self._total, self._seen = SHARES, 0, 0, False
        if self._measured and known:
            largest = max(known, key=lambda one: one["peak"])
            self._peak, self._total = int(largest["peak"]), int(largest["total"])
            self._limit = min(int(one["limit"]) for one in known)
            self._fit()

    @property
    def learned(self) -> dict[str, int]:
        """What later commands may begin with; empty while nothing is known."""
        if not self._total:
            return {}
        return {"peak": self._peak, "total": self._total, "limit": self._limit}

    def need(self, *, alone: bool = False) -> Need:
        """Return what a trial asks for; `alone`: nobody else is to use its GPU."""
        gpus = 1.0 if alone and 0 < self._gpus < 1 else self._gpus
        return Need(self._cpus, gpus, self._processes)

    def learn(self, batch: Batch) -> None:
        """Take note of what a trial has taken so far."""
        memory = batch.gpu_memory
        if not self._measured or memory is None or not memory.total:
            return
        profiled = batch.steps and batch.steps[-1].step >= batch.start_step + PROFILED_STEPS
        if not self._seen and self._total not in (0, memory.total):  # other GPUs than last time
            self._total, self._limit = memory.total, SHARES
            self._fit()
        self._seen = True
        if memory.peak > self._peak and (profiled or batch.end is not None):
            self._peak, self._total = memory.peak, memory.total
            self._fit()
            logger.info(
                "a trial took %.2f of a GPU's %.2f GiB: %d fit on one",
                memory.peak / 2**30,
                memory.total / 2**30,
                self.per_gpu,
            )

    def ran_out(self, gpus: float) -> None:
        """Take note that a trial with this share of a GPU ran out of memory beside others."""
        if self._measured and 0 < gpus < 1:
            self._limit = min(self._limit, max(1, round(1 / gpus) - 1))
            self._share(self.per_gpu)

    def _fit(self) -> None:
        self._share(int(self._total / (SAFETY * self._peak)))

    def _share(self, trials: int) -> None:
        self._gpus = SHARES // max(1, min(trials, self._limit)) / SHARES

    @property
    def per_gpu(self) -> int:
        """Trials that one GPU is given to."""
        return int(1 / self._gpus) if 0 < self._gpus < 1 else 1


def room(need: Need, nodes: Sequence[Mapping[str, float]]) -> int:
    """Return how many trials fit onto the nodes at once; at least one.

    Examples
    --------
    >>> room(Need(cpus=1.0, each_gpus=0.5), [{"CPU": 8, "GPU": 1}, {"CPU": 3, "GPU": 4}])
    5
    """
    return max(1, _processes(need, nodes) // need.processes)


def check_room(need: Need, nodes: Sequence[Mapping[str, float]]) -> None:
    """Warn when the cluster has not what a trial needs: it would wait in silence."""
    if _processes(need, nodes) < need.processes:
        each = ", ".join(f"{amount:g} {name}" for name, amount in need.bundle.items())
        wanted = each if need.processes == 1 else f"{need.processes} times {each}"
        have = {name: sum(node.get(name, 0) for node in nodes) for name in need.bundle}
        there = ", ".join(f"{amount:g} {name}" for name, amount in have.items())
        logger.warning(
            "no node of the cluster has what a trial needs (%s; the cluster has %s in all): trials "
            "wait until a node joins that has it",
            wanted,
            there,
        )


def _processes(need: Need, nodes: Sequence[Mapping[str, float]]) -> int:
    return sum(_places(node, need.bundle) for node in nodes)


def _places(node: Mapping[str, float], need: Mapping[str, float]) -> int:
    return min(int(node.get(name, 0) / amount + 1e-6) for name, amount in need.items())

"""Synchronous successive halving on the same virtual cluster: what ASHA is compared with.

A bracket of random configurations runs to the first rung; when all are there, the best third goes
on to the next rung, and so forth; then the next bracket begins (Jamieson & Talwalkar 2016,
arXiv:1502.07943). A worker without a configuration waits for the slowest.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

from search.engine.job import Job
from search.engine.shadow import Shadow
from search.parameters import Parameters
from search.pruner import ASHA
from search.study import Study
from tests.benchmarks.simulated import LOST, Cluster, Curve, Curves, Simulated

SMALLEST = 81  # configurations of a bracket: three of them reach the last rung


@dataclass
class Halving:
    """Runs brackets until enough configurations have been tried.

    Parameters
    ----------
    cluster
        The workers.
    study
        What is searched; random configurations of its space.
    curves
        The values that a configuration's steps report.
    seed
        Of the configurations.
    """

    cluster: Cluster
    study: Study
    curves: Curves
    seed: int = 0
    clock_s: float = 0.0
    begun_s: float = 0.0
    deaths: int = 0
    busy: list[tuple[float, float]] = field(default_factory=list)
    bests: list[tuple[float, float]] = field(default_factory=list)

    def search(self, trials: int) -> Simulated:
        """Try so many configurations."""
        size = max(SMALLEST, self.cluster.workers)
        for first in range(0, trials, size):
            self._bracket(range(first, min(trials, first + size)))
        return Simulated(
            self.cluster.workers,
            self.clock_s,
            self.begun_s,
            tuple(self.busy),
            self.deaths,
            (),
            (),
            tuple(self.bests),
        )

    def _bracket(self, numbers: range) -> None:
        pruner, done, length = ASHA(), 0, self.study.max_steps
        curves = self._draw(numbers)
        alive = list(curves)
        for step in (*pruner.steps(length, bracket=0), length):
            ends = self._rung(alive, done, step)
            alive = [n for n in ends if all(map(math.isfinite, curves[n][:step]))]
            alive.sort(key=lambda n: curves[n][step - 1])
            if step < length:
                alive = alive[: max(1, len(alive) // pruner.reduction_factor)]
            done = step
        for number in sorted(alive, key=lambda n: ends[n]):
            value = curves[number][-1]
            if not self.bests or value < self.bests[-1][1]:
                self.bests.append((ends[number], value))

    def _draw(self, numbers: range) -> dict[int, Curve]:
        parameters = Parameters.of(self.study.space, self.study.techniques)
        shadow = Shadow("random", ["minimize"], self.seed, {})
        found = {}
        for number in numbers:
            changes = parameters.decode(shadow.ask(number, parameters, None))
            job = Job("halving", number, changes, self.seed, self.study.max_steps, None, "")
            found[number] = self.curves(job)
        return found

    def _rung(self, numbers: list[int], done: int, step: int) -> dict[int, float]:
        """Run trials from step `done` to `step`, and wait for all; return when each was there."""
        free = [self.clock_s] * self.cluster.workers
        waiting = [(number, 0) for number in numbers]
        ends: dict[int, float] = {}
        while waiting:
            number, attempt = waiting.pop(0)
            start = heapq.heappop(free)
            needs = (step - done) * self.cluster.step_s * self.cluster.speed(number)
            life = self.cluster.life_s(number, 100 * step + attempt)
            if done == 0 and attempt == 0:
                self.begun_s = start
            self.busy.append((start, start + min(life, needs)))
            if life >= needs:
                ends[number] = start + needs
                heapq.heappush(free, start + needs)
                continue
            self.deaths += 1
            heapq.heappush(free, start + life + self.cluster.restart_s)
            if attempt < LOST:
                waiting.append((number, attempt + 1))
        self.clock_s = max(ends.values(), default=self.clock_s)
        return ends

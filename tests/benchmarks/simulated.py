"""A cluster on a virtual clock: the third way of serving a stream, beside this process and Ray.

Workers are events in a queue. A worker takes a job, is busy for as long as its steps would take,
and reports the learning curve's values up to the next rung; then the next event is due. Nothing is
trained and nobody waits, so a thousand workers are simulated in one process, while the stream, the
book-keeping, the sampler, the scheduler and the database are those of every search.

Workers are slow and die as in Li et al. (2020, arXiv:1810.05934, appendix A.1): a trial's steps
take ``1 + |z|`` times the usual time, z normal; deaths come at a constant rate.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from search.configuration import override
from search.engine.job import Batch, Job, Key
from search.engine.stream import Stream
from search.storage.records import End, Step
from tests.benchmarks.learning import Config, Family, train

LOST = 3  # workers that one trial may lose, as under Ray
Curve = Sequence[float]
Curves = Callable[[Job], Curve]


@dataclass(frozen=True)
class Cluster:
    """Virtual workers.

    Parameters
    ----------
    workers
        How many there are.
    step_s
        Virtual seconds that a step takes on an undisturbed worker.
    spread
        Standard deviation of z: a trial's steps take ``1 + |z|`` times as long.
    deaths_per_hour
        Rate at which a busy worker dies.
    restart_s
        Virtual seconds until a dead worker's place is filled again.
    seed
        Drives speeds and deaths.
    """

    workers: int
    step_s: float = 60.0
    spread: float = 0.5
    deaths_per_hour: float = 0.0
    restart_s: float = 30.0
    seed: int = 0

    def speed(self, trial: int) -> float:
        """Return how many times longer than usual a trial's steps take."""
        rng = np.random.default_rng([self.seed, trial])
        return 1 + abs(float(rng.normal(0.0, self.spread))) if self.spread else 1.0

    def life_s(self, trial: int, attempt: int) -> float:
        """Return after how many busy seconds an attempt's worker dies."""
        if not self.deaths_per_hour:
            return math.inf
        rng = np.random.default_rng([self.seed, trial, attempt])
        return float(rng.exponential(3600 / self.deaths_per_hour))


@dataclass(frozen=True)
class Simulated:
    """What came of a search on a virtual cluster.

    Parameters
    ----------
    workers
        Of the cluster.
    clock_s
        Virtual seconds until the last trial ended.
    begun_s
        Virtual seconds until the last trial was begun: from then on workers idle in any search.
    busy
        (start, end) in virtual seconds of whatever a worker was at work on.
    deaths
        Workers that died.
    suggesting_s
        Seconds that each job really took the driver, the write to the database included.
    deciding_s
        Seconds that each report really took it.
    bests
        (virtual seconds, value) of the recommended trial whenever that changed.
    """

    workers: int
    clock_s: float
    begun_s: float
    busy: tuple[tuple[float, float], ...]
    deaths: int
    suggesting_s: tuple[float, ...]
    deciding_s: tuple[float, ...]
    bests: tuple[tuple[float, float], ...]

    @property
    def utilisation(self) -> float:
        """Share of the workers' virtual time that they were at work, until the last was begun."""
        until = self.begun_s or self.clock_s
        worked = sum(min(end, until) - start for start, end in self.busy if start < until)
        return min(1.0, worked / (self.workers * until)) if until else 0.0

    def time_to(self, target: float) -> float:
        """Return the virtual seconds until the recommended trial was at least so good (lower)."""
        return next((when for when, value in self.bests if value <= target), math.inf)


def analytic(family: Family) -> Curves:
    """Return the curves of a family."""

    def curve(job: Job) -> Curve:
        config = override(Config(), job.changes)
        reports = train(family, config, seed=job.seed, max_steps=job.max_steps)
        return [report["val_loss"] for report in reports]

    return curve


@dataclass
class _Run:
    """A job under way on a virtual worker: what it will report next."""

    job: Job
    curve: Curve
    attempt: int = 0
    deaths: int = 0
    done: int = 0
    left_s: float = math.inf

    def ahead(self) -> tuple[int, End | None]:
        """Return the step of the next report, and how the trial then ends."""
        first_bad = next((i + 1 for i, v in enumerate(self.curve) if not math.isfinite(v)), None)
        last = first_bad or self.job.max_steps
        halts = range(1, last) if self.job.halts is None else self.job.halts
        step = min((halt for halt in halts if self.done < halt < last), default=last)
        if step < last:
            return step, None
        return step, "diverged" if first_bad else "complete"


@dataclass
class Simulation:
    """Serves one stream with virtual workers.

    Parameters
    ----------
    cluster
        The workers.
    curves
        The values that a job's steps report.
    metric
        What the values are called.
    timer
        What the driver's own time is read from.
    """

    cluster: Cluster
    curves: Curves
    metric: str = "val_loss"
    timer: Callable[[], float] = time.perf_counter
    clock_s: float = 0.0
    begun_s: float = 0.0
    busy: list[tuple[float, float]] = field(default_factory=list)
    deaths: int = 0
    suggesting_s: list[float] = field(default_factory=list)
    deciding_s: list[float] = field(default_factory=list)
    bests: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._idle = self.cluster.workers
        self._runs: dict[Key, _Run] = {}

    def serve(self, stream: Stream) -> Simulated:
        """Serve a stream until it is done."""
        self._stream = stream
        self._hand_out()
        while self._due:
            self.clock_s, _, happens = heapq.heappop(self._due)
            happens()
            self._hand_out()
        stream.finish()
        return Simulated(
            self.cluster.workers,
            self.clock_s,
            self.begun_s,
            tuple(self.busy),
            self.deaths,
            tuple(self.suggesting_s),
            tuple(self.deciding_s),
            tuple(self.bests),
        )

    def _after(self, seconds: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.clock_s + seconds, next(self._order), happens))

    def _hand_out(self) -> None:
        """Give idle workers jobs, as long as there are any."""
        while self._idle:
            started = self.timer()
            job = self._stream.next()
            if isinstance(job, str):
                return
            self.suggesting_s.append(self.timer() - started)
            self._idle -= 1
            if job.key not in self._runs:
                self._runs[job.key] = _Run(job, self.curves(job))
                self.begun_s = self.clock_s
            self._begin(self._runs[job.key])

    def _begin(self, run: _Run) -> None:
        run.left_s = self.cluster.life_s(run.job.number, run.attempt)
        self._work(run)

    def _work(self, run: _Run) -> None:
        """Let a worker go on to its next report, or to its death."""
        step, end = run.ahead()
        needs = (step - run.done) * self.cluster.step_s * self.cluster.speed(run.job.number)
        worked = min(run.left_s, needs)
        self.busy.append((self.clock_s, self.clock_s + worked))
        run.left_s -= worked
        if worked < needs:
            self._after(worked, lambda: self._die(run))
        else:
            self._after(worked, lambda: self._report(run, step, end))

    def _report(self, run: _Run, step: int, end: End | None) -> None:
        batch = self._batch(run, step, end)
        with self._deciding():
            goes_on = self._stream.observe(run.job.key, batch)
        self._note_best()
        run.done = step
        if goes_on:
            self._work(run)
            return
        del self._runs[run.job.key]
        self._idle += 1

    def _batch(self, run: _Run, step: int, end: End | None) -> Batch:
        now = time.time()
        steps = [
            Step(i, {self.metric: run.curve[i - 1]}, self.cluster.step_s, now)
            for i in range(run.done + 1, step + 1)
        ]
        return Batch(
            token=f"{run.job.number}-{run.attempt}",
            host="simulated",
            pid=0,
            started=now,
            start_step=run.done,
            steps=tuple(steps),
            end=end,
        )

    def _die(self, run: _Run) -> None:
        """Lose a worker, as Ray's engine does: the trial goes on elsewhere, or is given up."""
        self.deaths += 1
        run.deaths, run.attempt, key = run.deaths + 1, run.attempt + 1, run.job.key
        self._after(self.cluster.restart_s, self._restart)
        with self._deciding():
            if run.deaths > LOST:
                self._runs.pop(key)
                self._stream.lost(key, f"lost {run.deaths} workers")
            else:
                self._stream.again(key)

    def _restart(self) -> None:
        self._idle += 1

    def _note_best(self) -> None:
        best = self._stream.series[0].best
        if best is not None and (not self.bests or self.bests[-1][1] != best[2].values[0]):
            self.bests.append((self.clock_s, best[2].values[0]))

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        started = self.timer()
        yield
        self.deciding_s.append(self.timer() - started)

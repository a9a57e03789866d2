"""One stream of jobs for an engine, out of one or more series, until done or a limit hits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from search.engine.job import Batch, Job, Key
from search.engine.trials import Trials

Nothing = Literal["wait", "done"]
Listener = Callable[["Stream"], None]


@dataclass(frozen=True)
class Limits:
    """When a search ends before its trials are used up.

    Parameters
    ----------
    hours
        Wall time of this command.
    gpu_hours
        GPU time of the whole series, earlier commands included.
    patience
        Trials that may end in a row without a new best.
    resumable
        Whether trials that a limit interrupts are gone on with by the next command, as after
        Ctrl-C; otherwise they have ended.
    """

    hours: float | None = None
    gpu_hours: float | None = None
    patience: int | None = None
    resumable: bool = False


class Stream:
    """What an engine serves: it asks for jobs, and brings what workers report.

    Parameters
    ----------
    series
        Served in this order; one whose policy proposes nothing waits for the next.
    limits
        What ends it early.
    listener
        Called after every event, in the driver; for live views.
    follow
        Called whenever everything has ended and no limit was reached: the series of the next stage;
        none at the end.
    ahead
        Called whenever a worker idles while others are at work, once for every trial that ends:
        whether some series has got more to run.
    """

    def __init__(
        self,
        series: Sequence[Trials],
        limits: Limits | None = None,
        listener: Listener | None = None,
        follow: Callable[[], Sequence[Trials]] | None = None,
        ahead: Callable[[], bool] | None = None,
    ) -> None:
        self.series: list[Trials] = []
        self.stage: tuple[Trials, ...] = ()
        self._by_study: dict[str, Trials] = {}
        self.limits = limits or Limits()
        self.started = time.monotonic()
        self.ended_by: str | None = None
        self.decisions, self.decision_s = 0, 0.0  # reports decided on, and what the newest took
        self.notice: str | None = None  # what a person should be told once
        self.leaving = False  # the driver goes: runs are to write a checkpoint, none is begun
        self._listeners = [] if listener is None else [listener]
        self._follow, self._ahead = follow, ahead
        self._kept: Job | None = None
        self._news = False
        self._extend(series)

    @property
    def running(self) -> int:
        """Trials under way."""
        return sum(len(trials.live) for trials in self.series)

    def begin(self) -> bool:
        """Return whether there is anything to run; the first job is kept for `next`."""
        job = self.next()
        if isinstance(job, str):
            self.finish()
            return False
        self._kept = job
        return True

    def next(self) -> Job | Nothing:
        """Return a job; "wait" while running trials may lead to more; "done" at the end."""
        if self.leaving or self.limit_reached():
            return "done"
        if self._kept is not None:
            kept, self._kept = self._kept, None
            return kept
        if job := self._next_job():
            return job
        if self.running:
            return self._job_ahead() or "wait"
        following = self._follow() if self._follow else ()
        if not following:
            self._follow = None
            return "done"
        self._extend(following)
        return self.next()

    def _next_job(self) -> Job | None:
        for trials in self.series:
            if job := trials.next_job():
                self._tell_listener()
                return job
        return None

    def _job_ahead(self) -> Job | None:
        """Return a job that could wait, for a worker that would; nothing while there is no news."""
        news, self._news = self._news, False
        return self._next_job() if news and self._ahead is not None and self._ahead() else None

    def _extend(self, series: Sequence[Trials]) -> None:
        self.series += series
        self.stage = tuple(series)
        self._by_study |= {trials.study: trials for trials in series}

    def observe(self, key: Key, batch: Batch) -> bool:
        """Store what a worker reports; return whether its trial goes on."""
        study, number = key
        if self.leaving and batch.end == "raised":  # its own processes may have got the signal too
            batch = replace(batch, end=None, error=None)
        if self.limit_reached():
            self._by_study[study].observe(number, batch)
            if not self.limits.resumable:
                self.stop_all()
            return False
        started = time.perf_counter()
        verdict = self._by_study[study].observe(number, batch)
        self.decisions, self.decision_s = self.decisions + 1, time.perf_counter() - started
        self._news = self._news or verdict == "stop"
        self._tell_listener()
        return verdict == "go on"

    def worker_lost(self, key: Key, reason: str) -> bool:
        """Note that a trial's worker has died; return whether that was because it hung."""
        study, number = key
        return self._by_study[study].worker_lost(number, reason)

    def hopeless(self, key: Key) -> str | None:
        """Return why a trial is not to be tried again, if it is not."""
        study, number = key
        return self._by_study[study].hopeless(number)

    def again(self, key: Key) -> None:
        """Hand a trial out once more whose worker never got to it."""
        study, number = key
        self._by_study[study].again(number)

    def lost(self, key: Key, reason: str) -> None:
        """End a trial whose workers keep dying."""
        study, number = key
        self._by_study[study].lost(number, reason)
        self._tell_listener()

    def remember(self, key: Key, name: str, value: Mapping[str, Any]) -> None:
        """Keep something for later commands, beside a trial's series."""
        self._by_study[key[0]].series.remember(name, value)

    def remembered(self, name: str) -> list[Mapping[str, Any]]:
        """Return what earlier commands have kept for this study."""
        return self.series[0].series.remembered(name) if self.series else []

    def finish(self) -> None:
        """End every trial under way, or leave it to the next command, if a limit was reached."""
        if self.limit_reached() and self.limits.resumable:
            self.interrupt()
        elif self.limit_reached():
            self.stop_all()

    def stop_all(self) -> None:
        """End every trial under way."""
        for trials in self.series:
            trials.stop_all()

    def interrupt(self) -> None:
        """Note that the driver leaves before the end."""
        for trials in self.series:
            trials.interrupt()

    def listen(self, listener: Listener) -> None:
        """Call one more listener after every event."""
        self._listeners.append(listener)

    def _tell_listener(self) -> None:
        for listener in self._listeners:
            listener(self)

    def limit_reached(self) -> bool:
        """Return whether something has ended the stream before its jobs are used up."""
        if self.ended_by is None:
            self.ended_by = self._limit()
        return self.ended_by is not None

    def _limit(self) -> str | None:
        limits = self.limits
        if limits.hours is not None and time.monotonic() - self.started >= 3600 * limits.hours:
            return f"the time limit of {limits.hours:g} h"
        if limits.gpu_hours is not None and self.series[0].gpu_s >= 3600 * limits.gpu_hours:
            return f"the limit of {limits.gpu_hours:g} GPU-hours"
        if limits.patience is not None and self.series[0].since_best >= limits.patience:
            return f"no better trial among the last {limits.patience}"
        return None

"""The book-keeping of one series of trials: who asks, what is recorded, how a trial ends.

A series is an Optuna study. What is proposed and who is stopped is its policy's business; this
class sees to it that every trial is stored, ended once, and gone on with after an interruption.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from search.configuration import unplain
from search.engine.checkpoints import forget_beyond, left_beside
from search.engine.hangs import hang_reason, take_hangs
from search.engine.job import Batch, Job
from search.engine.live import Counts, Live, finite
from search.engine.outcomes import result_of
from search.engine.policy import Policy
from search.engine.reconcile import Found, look_up, reconcile
from search.engine.retention import Retention
from search.storage.ledger import Series
from search.storage.places import Place, children, here, remove
from search.storage.reader import read_series
from search.storage.records import Asked, Attempt, End, Result, SeriesRecord, TrialRecord
from search.study import Objective

Verdict = Literal["go on", "stop"]
SAID_BY_STATE = ("complete", "pruned")  # Optuna's own words; every attribute is a write
EXPLAINED = ("replicate", "stack")  # series of which one run per arm is drawn


class Trials:
    """A series of trials, opened (and gone on with) in the database.

    Parameters
    ----------
    series
        Where it is stored.
    policy
        What is run, and who is stopped.
    objectives
        What every step reports; the first decides about stopping.
    score_at
        "last" or "best": at which step a run is scored.
    baseline
        The configuration that changes apply to.
    artifacts
        The folder of the study's checkpoints.
    retries
        How often a run that raised is tried again.
    attributes
        What a person wants to see beside every trial in Optuna's dashboard.
    keeps
        Whether complete runs write a checkpoint for their trials to keep.
    """

    def __init__(
        self,
        series: Series,
        policy: Policy,
        *,
        objectives: Sequence[Objective],
        score_at: str,
        baseline: Any,
        artifacts: Place,
        retries: int,
        attributes: Mapping[str, Any] | None = None,
        keeps: bool = False,
    ) -> None:
        self.keeps = keeps
        self.series, self.policy = series, policy
        self.objectives = tuple(objectives)
        self._score_at, self._baseline, self._retries = score_at, baseline, retries
        self._attributes = dict(attributes or {})
        self.live: dict[int, Live] = {}
        self.counts = Counts()
        self.best: tuple[int, Asked, Result] | None = None
        self.since_best = 0
        self._resumable: list[int] = []
        self.next_number = 0
        record = read_series(series.database, series.study)
        # a database that is made anew must not find the checkpoints of the one before
        self._kind = record.kind
        self._first_of: dict[tuple[str, str], int] = {}
        self._folder = artifacts / self.study / f"{1000 * record.created:.0f}"
        self._retention = Retention(self.objectives[0].sign, record.trials)
        self._resume_all(record)

    @property
    def study(self) -> str:
        """Optuna's study name."""
        return self.series.study

    # -- what comes out -----------------------------------------------------------------------

    def next_job(self) -> Job | None:
        """Return an interrupted trial's job, else a new one's; None when there is none."""
        if self._resumable:
            number = self._resumable.pop(0)
            return self._job(number, self.live[number].asked)
        asked = self.policy.propose(self.next_number)
        if asked is None:
            return None
        live = self.new_live(asked)
        live.noted = {
            **self._attributes,
            "arm": asked.arm,
            "seed": asked.seed,
            **live.attributes(socket.gethostname()),
        }
        number = self.series.ask(asked, live.noted)
        self.series.mirror(number, self.policy.notes_on(number))
        if number > self.next_number:
            self._catch_up(number)
        self.next_number = number + 1
        self.live[number] = live
        return self._job(number, asked)

    def _catch_up(self, number: int) -> None:
        """Take over the trials that have come between: somebody else's, or a repeated write's."""
        for trial in self.series.optuna_trials()[self.next_number : number]:
            found = look_up(self, trial, None)
            if found is not None:
                self._resume(found)

    def _job(self, number: int, asked: Asked) -> Job:
        return Job(
            study=self.study,
            number=number,
            changes=unplain(self._baseline, asked.changes),
            seed=asked.seed,
            max_steps=asked.max_steps,
            halts=self.policy.halts(asked),
            folder=str(self.folder(number)),
            predictions=self.policy.predictions(number, asked),
            diagnose=self._explains(number, asked),
            alone=number in self.live and self.live[number].alone,
        )

    def _explains(self, number: int, asked: Asked) -> bool:
        """Return whether a run is asked for diagnostics: of measured arms, the first run is."""
        first = self._first_of.setdefault((asked.arm, asked.code), number) == number
        return self._kind == "search" or (first and self._kind in EXPLAINED)

    def folder(self, number: int) -> Place:
        """Return the folder of a trial's checkpoints."""
        return self._folder / f"{number:06d}"

    def new_live(self, asked: Asked) -> Live:
        """Return the running record of a trial."""
        return Live(asked, self.objectives, self._score_at)

    # -- what comes in ------------------------------------------------------------------------

    def observe(self, number: int, batch: Batch) -> Verdict:
        """Store a batch; return whether the trial goes on."""
        live = self.live.get(number)
        if live is None:
            return "stop"  # it has ended already, for instance by a limit of the whole search
        attempt, begins = self._attempt(number, live, batch)
        end: End | None = "pruned" if self._is_stopped(number, live, batch) else batch.end
        alone = live.alone
        result = result_of(live, end, batch, objectives=self.objectives, retries=self._retries)
        kept = batch.kept if result is not None and result.outcome == "complete" else None
        lost = self._retention.take(number, result, kept) if result and kept else ()
        ended = None
        if end is not None:
            ended = replace(attempt, ended=time.time(), end=end, error=batch.error, log=batch.log)
            ended = replace(ended, peak_memory=batch.peak_memory)
        self.series.record(
            number,
            attempt.number,
            batch.steps,
            batch.checkpoints,
            flags=batch.flags,
            diagnostics=batch.diagnostics,
            begun=attempt if begins else None,
            ended=ended,
            result=result,
            kept=kept,
            lost=lost,
        )
        for other in lost:
            remove(self.folder(other))
        if len(self.objectives) == 1:
            self.series.draw(number, finite(batch.steps, self.objectives[0].metric))
        if ended is not None:
            self._charge(live, ended)
        if live.alone and not alone and result is None:
            self._resumable.append(number)  # its neighbours are to be gone first
            return "stop"
        if result is None:
            return "go on"
        self._finish(number, live, result)
        return "stop"

    def _attempt(self, number: int, live: Live, batch: Batch) -> tuple[Attempt, bool]:
        """Return the attempt that a batch belongs to, and whether it begins with it."""
        if live.attempt is not None and live.attempt.token == batch.token:
            live.seen = time.time()
            return live.attempt, False
        self.worker_lost(number)
        return self._begun(live, batch), True

    def _begun(self, live: Live, batch: Batch) -> Attempt:
        live.attempt = Attempt(
            number=live.attempts,
            token=batch.token,
            host=batch.host,
            pid=batch.pid,
            start_step=batch.start_step,
            started=batch.started,
            gpus=batch.gpus,
            versions=batch.versions,
        )
        live.attempts, live.host, live.seen = live.attempts + 1, batch.host, time.time()
        return live.attempt

    def leave(
        self,
        number: int,
        live: Live,
        end: End,
        *,
        ended: float | None = None,
        error: str | None = None,
    ) -> None:
        """End the attempt under way, if there is one, without a word from its worker."""
        if live.attempt is not None:
            attempt = replace(live.attempt, ended=ended or time.time(), end=end, error=error)
            self.series.record(number, attempt.number, ended=attempt)
            self._charge(live, attempt)

    def _charge(self, live: Live, ended: Attempt) -> None:
        live.attempt = None
        live.gpu_s += ended.gpus * ended.elapsed_s
        self.counts.gpu_s += ended.gpus * ended.elapsed_s

    @property
    def gpu_s(self) -> float:
        """GPU-seconds so far, those of the attempts under way included."""
        now = time.time()
        under_way = (live.attempt for live in self.live.values() if live.attempt is not None)
        return self.counts.gpu_s + sum(a.gpus * max(0.0, now - a.started) for a in under_way)

    def _is_stopped(self, number: int, live: Live, batch: Batch) -> bool:
        halts = self.policy.halts(live.asked)
        for step in batch.steps:
            values = live.take(step)
            if values is None or step.step >= live.asked.max_steps:
                continue
            asked_here = halts is None or step.step in halts
            if asked_here and self.policy.stops(number, live.asked, step.step, values[0]):
                return True
        return False

    def worker_lost(self, number: int, reason: str | None = None) -> bool:
        """End a trial's attempt whose worker has died; return whether that was because it hung.

        Its last sign of life counts as its end, unless it hung.
        """
        live = self.live.get(number)
        if live is None:
            return False
        hung = self.note_hangs(number, live)
        self.leave(number, live, "lost", ended=live.seen, error=reason)
        return hung

    def note_hangs(self, number: int, live: Live) -> bool:
        """Store what runs that hung have left behind; return whether there were any."""
        hangs = take_hangs(here(self.folder(number)))
        for hang in hangs:
            if live.attempt is None or live.attempt.token != hang.attempt["token"]:
                self.leave(number, live, "lost", ended=live.seen)
                self.series.start(number, self._begun(live, Batch(**hang.attempt)))
            live.hangs.append(str(hang_reason(hang.error)))
            self.leave(number, live, "lost", error=hang.error)
        return bool(hangs)

    def hopeless(self, number: int) -> str | None:
        """Return why a trial is not to be tried again, if it is not."""
        return self.live[number].hopeless if number in self.live else None

    def again(self, number: int) -> None:
        """Hand a trial out once more: what ran it is gone."""
        if number in self.live:
            self.worker_lost(number)
            self._resumable.append(number)

    def lost(self, number: int, reason: str) -> None:
        """End a trial whose workers keep dying."""
        if live := self.live.get(number):
            self.worker_lost(number)
            self.end(number, live, live.cut("failed", reason))

    def stop_all(self) -> None:
        """End every trial under way: a limit of the whole search is reached."""
        for number, live in list(self.live.items()):
            self.leave(number, live, "stopped")
            self.end(number, live, live.cut("stopped"))
        self._resumable.clear()

    def interrupt(self) -> None:
        """Note that the driver leaves; the trials stay, to be gone on with."""
        for number, live in self.live.items():
            self.leave(number, live, "interrupted")

    def end(self, number: int, live: Live, result: Result) -> None:
        """Store a result that no batch brought."""
        self.series.record(number, max(0, live.attempts - 1), result=result)
        self._finish(number, live, result)

    def _finish(self, number: int, live: Live, result: Result) -> None:
        self._tell(number, live, result)
        self.policy.told(number, live.asked, result)
        self._count(number, live.asked, result, live.last[0])
        self.live.pop(number, None)

    def _tell(self, number: int, live: Live, result: Result) -> None:
        """Finish a trial in Optuna, with what a person wants to see there; each costs a write."""
        attributes = live.attributes(live.host)
        if result.outcome not in SAID_BY_STATE:
            attributes["outcome"] = result.outcome
        if result.reason:
            attributes["reason"] = result.reason[:500]
        news = {key: v for key, v in attributes.items() if live.noted.get(key) != v}
        self.series.tell(number, result, news)
        self._sweep(number)

    def _sweep(self, number: int) -> None:
        """Delete a trial's checkpoints, but for the one that it keeps."""
        folder, kept = self.folder(number), self._retention.of(number)
        if kept is None:
            remove(folder)
            return
        for left in list(left_beside(folder, kept)):
            remove(left)
        if (notes := here(folder)) != folder:
            remove(notes)

    def _count(self, number: int, asked: Asked, result: Result, steps: int) -> None:
        self.counts.add(result.outcome, steps, asked.max_steps)
        self.since_best += 1
        if result.outcome != "complete" or len(result.values) != 1:
            return
        sign = self.objectives[0].sign
        if self.best is None or sign * result.values[0] > sign * self.best[2].values[0]:
            self.best, self.since_best = (number, asked, result), 0

    # -- after an interruption ----------------------------------------------------------------

    def _resume_all(self, record: SeriesRecord) -> None:
        ended: list[tuple[TrialRecord, Result]] = []
        for found in reconcile(self, record):
            self._resume(found)
            if found.result is not None:
                ended.append((found.record, found.result))
        for trial, result in sorted(ended, key=lambda item: item[1].finished):
            steps = trial.steps[-1].step if trial.steps else 0
            self._count(trial.number, trial.asked, result, steps)
        kept = self._retention.numbers
        needed = {self.folder(number) for number in (*self.live, *kept)}
        for folder in set(children(self._folder)) - needed:  # a driver was killed as it ended
            remove(folder)
        for number in kept:
            self._sweep(number)

    def _resume(self, found: Found) -> None:
        """Take over a trial that the database knows, and go on with it if it has not ended."""
        record, live, number = found.record, found.live, found.record.number
        self.next_number = number + 1
        self._first_of.setdefault((record.asked.arm, record.asked.code), number)
        self.counts.gpu_s += record.gpu_s
        live.noted = found.trial.user_attrs
        self.policy.restore(found.trial, replace(record, result=found.result))
        if found.result is None:
            forget_beyond(self.folder(number), live.last[0])
            self.live[number] = live
            self._resumable.append(number)
            return
        if record.result is None:
            self.series.record(number, max(0, live.attempts - 1), result=found.result)
        if not found.trial.state.is_finished():
            self._tell(number, live, found.result)

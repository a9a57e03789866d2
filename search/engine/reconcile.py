"""After an interruption: bring Optuna's tables and ours together, trial by trial."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optuna.trial import FrozenTrial

from search.engine.hangs import hang_reason
from search.engine.live import Live
from search.engine.outcomes import out_of_memory
from search.engine.predictions import are_kept
from search.storage.ledger import ASKED
from search.storage.places import place
from search.storage.records import Attempt, Result, SeriesRecord, TrialRecord
from search.storage.rows import asked_of

if TYPE_CHECKING:
    from search.engine.trials import Trials


@dataclass(frozen=True)
class Found:
    """A trial as both sets of tables know it; no result means that it is to be gone on with."""

    trial: FrozenTrial
    record: TrialRecord
    live: Live
    result: Result | None


def reconcile(trials: Trials, record: SeriesRecord) -> Iterator[Found]:
    """Yield every trial of a series in the order of its number.

    The driver holds the study's lock, so an attempt that has not ended was interrupted. Trials
    that somebody else put into the Optuna study are left alone; the policy may learn from them.
    """
    known = {trial.number: trial for trial in record.trials}
    for trial in trials.series.optuna_trials():
        trials.next_number = trial.number + 1
        found = look_up(trials, trial, known.get(trial.number))
        if found is not None:
            yield found


def look_up(trials: Trials, trial: FrozenTrial, record: TrialRecord | None) -> Found | None:
    """Return what is known of a trial of Optuna's; None if it is somebody else's."""
    record = record or _adopt(trials, trial)
    if record is None:
        trials.policy.foreign(trial)
        return None
    return _settle(trials, trial, record)


def _adopt(trials: Trials, trial: FrozenTrial) -> TrialRecord | None:
    """Make our row of a trial whose driver died right after Optuna's; None if it is not ours."""
    row = trial.system_attrs.get(ASKED)
    if row is None:
        return None
    asked = asked_of(json.loads(row))
    created = trial.datetime_start.timestamp() if trial.datetime_start else time.time()
    trials.series.adopt(trial.number, asked, created)
    return TrialRecord(trial.number, asked, created, None, (), ())


def _settle(trials: Trials, trial: FrozenTrial, record: TrialRecord) -> Found:
    live = trials.new_live(record.asked)
    live.attempts, live.gpu_s = len(record.attempts), record.gpu_s
    raised = [attempt.error for attempt in record.attempts if attempt.end == "raised"]
    live.raised = sum(out_of_memory(error) is None for error in raised)
    live.alone = len(raised) > live.raised  # beside others: alone, it would have ended the trial
    live.hangs = [why for attempt in record.attempts if (why := hang_reason(attempt.error))]
    live.host = record.attempts[-1].host if record.attempts else ""
    for attempt in record.attempts:
        if attempt.ended is None:
            live.attempt = attempt
            trials.note_hangs(record.number, live)
            ended = _last_sign(attempt, record)
            trials.leave(record.number, live, "interrupted", ended=ended)
    if record.result is not None:
        return Found(trial, record, live, record.result)
    trials.note_hangs(record.number, live)  # of an attempt that never got to report
    for step in record.steps:
        live.take(step)
    return Found(trial, record, live, _told(trials, record, live))


def _last_sign(attempt: Attempt, record: TrialRecord) -> float:
    """Return when a killed attempt was heard of last: how long nobody worked is not its time."""
    steps = [step.finished for step in (*record.steps, *record.superseded)]
    written = [checkpoint.written for checkpoint in record.checkpoints]
    return max([attempt.started, *steps, *written])


def _told(trials: Trials, record: TrialRecord, live: Live) -> Result | None:
    """Return how a trial ended whose every step is stored: it is only told."""
    asked = record.asked
    if why := live.hopeless:
        return live.cut("failed", why)
    if not record.steps or record.steps[-1].step < asked.max_steps:
        return None
    if record.steps[-1].step not in live.values:
        return live.cut("diverged", f"not finite at step {record.steps[-1].step}")
    if trials.keeps:
        return None  # its last checkpoint is still to be written
    kept = trials.policy.predictions(record.number, asked)
    if kept is not None and not are_kept(place(kept)):
        return None  # its predictions are still to be made
    return live.complete()

"""After an interruption: bring Optuna's tables and ours together, trial by trial."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optuna.trial import FrozenTrial

from search.engine.live import Live
from search.storage.ledger import ASKED, asked_of
from search.storage.reader import read_series
from search.storage.records import Result, TrialRecord

if TYPE_CHECKING:
    from search.engine.trials import Trials


@dataclass(frozen=True)
class Found:
    """A trial as both sets of tables know it; no result means that it is to be gone on with."""

    trial: FrozenTrial
    record: TrialRecord
    live: Live
    result: Result | None


def reconcile(trials: Trials) -> Iterator[Found]:
    """Yield every trial of a series in the order of its number.

    The driver holds the study's lock, so an attempt that has not ended was interrupted. Trials
    that somebody else put into the Optuna study are left alone; the policy may learn from them.
    """
    record = read_series(trials.series.database, trials.study)
    known = {trial.number: trial for trial in record.trials}
    for trial in trials.series.optuna_trials():
        trials.next_number = trial.number + 1
        found = known.get(trial.number) or _adopt(trials, trial)
        if found is None:
            trials.policy.foreign(trial)
        else:
            yield _settle(trials, trial, found)


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
    live.attempts = len(record.attempts)
    live.raised = sum(attempt.end == "raised" for attempt in record.attempts)
    if record.result is not None:
        return Found(trial, record, live, record.result)
    for attempt in record.attempts:
        if attempt.ended is None:
            live.attempt = replace(attempt)
            trials.leave(record.number, live, "interrupted")
    for step in record.steps:
        live.take(step)
    return Found(trial, record, live, _told(record, live))


def _told(record: TrialRecord, live: Live) -> Result | None:
    """Return how a trial ended whose every step is stored: it is only told."""
    if not record.steps or record.steps[-1].step < record.asked.max_steps:
        return None
    if record.steps[-1].step not in live.values:
        return live.cut("diverged", f"not finite at step {record.steps[-1].step}")
    return live.complete()

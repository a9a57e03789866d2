"""Post-hoc techniques: fitted on validation predictions of runs that exist, applied held-out.

No training: one run of the baseline gives the plain score and every transformed one.
"""

from __future__ import annotations

import math
import os
import socket
import time
import traceback
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from search.engine.predictions import are_kept, read_predictions
from search.errors import StudyError
from search.protocol.arms import BASELINE, post_hoc
from search.protocol.combining import combination, same_rows
from search.protocol.registering import Registered
from search.protocol.specification import common_specification
from search.ranking import Priority
from search.ranking.measured import code_together, taken_together
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.places import Place
from search.storage.reader import read_series, series_names
from search.storage.records import Asked, Attempt, Result, Step, TrialRecord
from search.study import Study
from search.technique import Technique
from search.trainable import TEST_PREFIX

VALIDATION_PREFIX = "val_"


def apply_post_hoc(
    database: Database, study: Study, registered: Registered, priority: Priority, folder: Place
) -> bool:
    """Measure every post-hoc technique on every run of the baseline that lacks it.

    Parameters
    ----------
    database
        Where results go, in a series of their own.
    study
        The question.
    registered
        The registration in force.
    priority
        What is measured so far.
    folder
        Of the kept predictions.

    Returns
    -------
    bool
        Whether there was anything to measure.
    """
    techniques = post_hoc(study)
    if not techniques:
        return False
    name = f"{study.name}/post-hoc"
    known = _known(database, study.name, name)
    todo = [
        (asked, technique, runs)
        for technique in techniques
        for runs in taken_together(
            priority.measured.runs, registered.seeds, technique.members, technique.voters
        )
        if ((asked := _asked(runs, technique, registered)).arm, asked.key) not in known
    ]
    if not todo:
        return False
    directions = [goal.direction for goal in study.goals]
    specification = common_specification(study, seed=0, folder=Path())
    series = Series(database, name, "post-hoc", directions, specification)
    for asked, technique, runs in todo:
        _store(series, asked, _measure(study, technique, runs, folder), study)
    return True


def _known(database: Database, study: str, name: str) -> set[tuple[str, str]]:
    if name not in series_names(database, study):
        return set()
    trials = read_series(database, name, steps=False).trials
    return {(trial.asked.arm, trial.asked.key) for trial in trials if trial.result}


def _asked(runs: Sequence[TrialRecord], technique: Technique, registered: Registered) -> Asked:
    code = str(registered.record.specification["code"].get(technique.name, registered.code))
    return replace(runs[-1].asked, arm=technique.name, code=code_together(code, runs))


@dataclass(frozen=True)
class Measurement:
    """What came of a technique on a run, or on a block of them.

    Parameters
    ----------
    metrics
        Empty where it failed.
    elapsed_s
        What it costs besides: an ensemble takes the training of all its members.
    error
        Why it failed: a traceback, or a line.
    """

    metrics: Mapping[str, float]
    elapsed_s: float = 0.0
    error: str | None = None


def _measure(
    study: Study, technique: Technique, runs: Sequence[TrialRecord], folder: Place
) -> Measurement:
    """Return the metrics of the transformed runs, or why there are none."""
    for run in runs:
        whose = "the baseline" if run.asked.arm == BASELINE else f"'{run.asked.arm}'"
        if run.outcome != "complete":
            return Measurement({}, error=f"{whose} {run.outcome} on this seed")
        if not are_kept(folder / run.asked.key):
            lost = f"no predictions of {whose} are left of this seed, in {folder}"
            return Measurement({}, error=f"{lost}; `winnow rerun` makes its runs anew")
    folders = [folder / run.asked.key for run in runs]
    elapsed_s = sum(step.elapsed_s for run in runs for step in run.steps) if runs[1:] else 0.0
    try:
        found = _transformed(study, technique, folders)
    except Exception as error:  # noqa: BLE001 - a user's technique may fail in any way
        return Measurement({}, elapsed_s, "".join(traceback.format_exception(error)))
    # what the runs themselves reported is about other scores: none of it is the technique's
    for metric in filter(None, (study.held_out.metric, technique.secondary)):
        if metric not in found:
            return Measurement({}, elapsed_s, _not_computed(metric, found))
    return Measurement(found, elapsed_s)


def _not_computed(metric: str, found: Mapping[str, float]) -> str:
    name = metric.removeprefix(TEST_PREFIX).removeprefix(VALIDATION_PREFIX)
    computed = ", ".join(n.removeprefix(TEST_PREFIX) for n in found if n.startswith(TEST_PREFIX))
    return (
        f"Study.metrics computes no '{name}': so nothing is known of '{metric}' after a post-hoc "
        f"technique; it computes {computed or 'nothing'}"
    )


def _transformed(
    study: Study, technique: Technique, folders: Sequence[Place]
) -> Mapping[str, float]:
    """Return the metrics of what a technique makes of its runs' predictions."""
    if study.metrics is None:
        raise StudyError("a post-hoc technique needs Study(metrics=…)")
    validation = [read_predictions(folder, "validation") for folder in folders]
    test = [read_predictions(folder, "test") for folder in folders]
    transform = combination(technique, validation)
    found = {f"{TEST_PREFIX}{name}": v for name, v in study.metrics(transform(test)).items()}
    if len(folders) == 1 or same_rows(validation):
        said = study.metrics(transform(validation))
    else:  # every seed has validation rows of its own: what one of the members does there
        each = [study.metrics(one) for one in validation]
        said = {name: math.fsum(one[name] for one in each) / len(each) for name in each[0]}
    # an objective need not be called val_…: a search sees validation rows alone, whatever its name
    bare = {goal.metric: said[goal.metric] for goal in study.goals if goal.metric in said}
    found |= bare | {f"{VALIDATION_PREFIX}{name}": v for name, v in said.items()}
    return {name: float(v) for name, v in found.items()}


def _store(series: Series, asked: Asked, measured: Measurement, study: Study) -> None:
    now = time.time()
    number = series.ask(asked, {"arm": asked.arm, "seed": asked.seed})
    if measured.error is not None:
        _store_failure(series, number, measured.error, now)
        return
    value = measured.metrics.get(study.goals[0].metric, math.nan)
    steps = [Step(asked.max_steps, dict(measured.metrics), measured.elapsed_s, now)]
    values = (value,) if math.isfinite(value) else ()
    sound = math.isfinite(measured.metrics[study.held_out.metric])
    result = Result("complete" if sound else "diverged", values, asked.max_steps, None, now)
    series.record(number, 0, steps, result=result)
    # Study.metrics need not compute the objective, and Optuna has no complete trial without it
    told = result if values else replace(result, outcome="pruned")
    series.tell(number, told, {} if sound and values else {"outcome": result.outcome})


def _store_failure(series: Series, number: int, error: str, now: float) -> None:
    """Keep the whole traceback, as that of a run that raised."""
    result = Result("failed", (), 0, error.strip().splitlines()[-1], now)
    attempt = Attempt(
        number=0,
        token=uuid.uuid4().hex,
        host=socket.gethostname(),
        pid=os.getpid(),
        start_step=0,
        started=now,
        gpus=0.0,
    )
    series.start(number, attempt)
    ended = replace(attempt, ended=now, end="raised", error=error)
    series.record(number, 0, ended=ended, result=result)
    said = {"outcome": result.outcome, "reason": str(result.reason)[:500]}
    series.tell(number, result, said)

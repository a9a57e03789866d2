"""Post-hoc techniques: fitted on validation predictions of runs that exist, applied held-out.

No training: one run of the baseline gives the plain score and every transformed one.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from search.engine.predictions import read_predictions
from search.protocol.arms import BASELINE, post_hoc
from search.protocol.registering import Registered
from search.protocol.specification import common_specification
from search.ranking import Priority
from search.ranking.measured import scored_step
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.reader import read_series, series_names
from search.storage.records import Asked, Result, Step, TrialRecord
from search.study import Study
from search.technique import Technique
from search.trainable import Predictions


def apply_post_hoc(
    database: Database, study: Study, registered: Registered, priority: Priority, folder: Path
) -> None:
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
    """
    techniques = post_hoc(study)
    if not techniques:
        return
    name = f"{study.name}/post-hoc"
    known = _known(database, study.name, name)
    directions = [goal.direction for goal in study.goals]
    specification = common_specification(study, seed=0, folder=Path())
    series = Series(database, name, "post-hoc", directions, specification)
    for (column, _), run in priority.measured.runs.items():
        if column != BASELINE or run.outcome != "complete":
            continue
        for technique in techniques:
            asked = _asked(run, technique, registered)
            if (asked.arm, asked.key) not in known:
                _store(series, asked, _measure(study, technique, run, folder / run.asked.key))


def _known(database: Database, study: str, name: str) -> set[tuple[str, str]]:
    if name not in series_names(database, study):
        return set()
    trials = read_series(database, name, steps=False).trials
    return {(trial.asked.arm, trial.asked.key) for trial in trials if trial.result}


def _asked(run: TrialRecord, technique: Technique, registered: Registered) -> Asked:
    code = registered.record.specification["code"].get(technique.name, registered.code)
    return replace(run.asked, arm=technique.name, code=str(code))


def _measure(
    study: Study, technique: Technique, run: TrialRecord, folder: Path
) -> Mapping[str, float] | str:
    """Return the transformed run's metrics, or the traceback of a technique that raised."""
    if technique.fit is None or study.metrics is None:
        return "the technique has no fit, or the study no metrics"
    try:
        validation = read_predictions(folder, "validation")
        transform = technique.fit(validation)
        found: dict[str, float] = {}
        for prefix, split in (("val_", validation), ("test_", read_predictions(folder, "test"))):
            transformed: Predictions = transform(split)
            metrics = study.metrics(transformed)
            found |= {f"{prefix}{name}": float(value) for name, value in metrics.items()}
    except Exception as error:  # noqa: BLE001 - a user's technique may fail in any way
        return "".join(traceback.format_exception(error))
    step = scored_step(run)
    return {**(step.metrics if step else {}), **found}


def _store(series: Series, asked: Asked, metrics: Mapping[str, float] | str) -> None:
    now = time.time()
    number = series.ask(asked, {"arm": asked.arm, "seed": asked.seed})
    steps, result = [], Result("failed", (), 0, str(metrics).strip().splitlines()[-1], now)
    if not isinstance(metrics, str):
        goal = series_goal(series)
        value = metrics.get(goal, math.nan)
        steps = [Step(asked.max_steps, dict(metrics), 0.0, now)]
        values = (value,) if math.isfinite(value) else ()
        result = Result("complete" if values else "diverged", values, asked.max_steps, None, now)
    series.record(number, 0, steps, result=result)
    said = {} if result.outcome == "complete" else {"outcome": result.outcome}
    series.tell(number, result, said)


def series_goal(series: Series) -> str:
    """Return the objective's metric of a series."""
    found: str = read_series(series.database, series.study, steps=False).objectives[0].metric
    return found

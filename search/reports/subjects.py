"""What may be compared: a study, one of its arms, or one run, found by what people call it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from search.configuration import plain
from search.errors import StorageError, near_miss
from search.ranking import Priority, rank_study
from search.ranking.measured import BASELINE, scored_step
from search.statistics import Verdict
from search.storage.database import Database
from search.storage.reader import read_series, series_names, study_names
from search.storage.records import SeriesRecord, TrialRecord
from search.storage.registrations import read_registrations
from search.study import Direction

Kind = Literal["study", "arm", "run"]
VARIES = "varies by seed"  # the value of a field that was tuned for each seed
NO_DESIGN = (  # compared by itself, or of no interest
    *("techniques", "baseline", "seeds", "code", "current_code", "set_anew", "reruns"),
    *("source", "versions", "git_commit", "machine"),
)


@dataclass(frozen=True)
class Effect:
    """What a study says of one technique; positive is better."""

    expected: str
    effect: float | None
    low: float | None
    high: float | None
    verdict: Verdict | None


@dataclass(frozen=True)
class Subject:
    """Something that can be compared.

    Parameters
    ----------
    label
        What it was called.
    kind
        A study is compared by its baseline, its registration and its techniques.
    study
        Whose it is.
    configuration
        Fields by dotted path.
    design
        What was registered, by name.
    directions
        Of the study's objectives, the evaluation first.
    scores
        Metric to seed to value at the scored step of a complete run.
    objective
        The first one.
    curve
        (step, mean over runs) of it.
    effects
        By technique; of a study.
    """

    label: str
    kind: Kind
    study: str
    configuration: Mapping[str, Any]
    design: Mapping[str, Any]
    directions: Mapping[str, Direction]
    scores: Mapping[str, Mapping[int, float]]
    objective: str
    curve: Sequence[tuple[int, float]] = ()
    effects: Mapping[str, Effect] = field(default_factory=dict)


def find_subject(database: Database, text: str) -> Subject:
    """Return what ``STUDY``, ``STUDY:ARM``, ``STUDY#NUMBER`` or ``STUDY/SERIES#NUMBER`` means.

    A number without a series is one of the search, or of the measured runs where there is none.

    Raises
    ------
    StorageError
        If there is nothing of this name, naming the nearest.
    """
    if "#" in text:
        return _run(database, text)
    name, colon, arm = text.partition(":")
    names = study_names(database)
    if name not in names:
        raise StorageError(f"{database.name} holds no study '{name}'{near_miss(name, names)}")
    if not read_registrations(database, name):
        if colon:
            raise StorageError(f"study '{name}' has only a search: name its trials, as {name}#3")
        return _searched(read_series(database, f"{name}/search"), text)
    priority = rank_study(database, name)
    return _arm(priority, text, arm) if colon else _study(priority, text)


def _study(priority: Priority, label: str) -> Subject:
    found = _arm(priority, label, BASELINE)
    spec = priority.specification
    design = _design(spec) | {"code": spec["code"].get(BASELINE)}
    expected = {e["name"]: e["expected_impact"] for e in spec["techniques"]}
    effects = {
        row.technique: Effect(
            expected[row.technique], row.effect, row.ci_low, row.ci_high, row.verdict
        )
        for row in priority.table.rows
    }
    return Subject(
        label=label,
        kind="study",
        study=priority.name,
        configuration=dict(spec["baseline"]),
        design=design,
        directions=found.directions,
        scores=found.scores,
        objective=found.objective,
        curve=found.curve,
        effects=effects,
    )


def _arm(priority: Priority, label: str, arm: str) -> Subject:
    columns = priority.measured.columns
    if arm not in columns:
        raise StorageError(f"study '{priority.name}' has no arm '{arm}'{near_miss(arm, columns)}")
    runs = [run for (column, _), run in priority.measured.runs.items() if column == arm]
    return _subject("arm", label, priority.name, runs, priority.specification)


def _run(database: Database, text: str) -> Subject:
    series, _, digits = text.partition("#")
    if not digits.isdigit():
        raise StorageError(f"'{text}' names no run: a number belongs after #, as in pi-tft#3")
    record = _series(database, series)
    known = {trial.number: trial for trial in record.trials}
    if int(digits) not in known:
        last = f"its last is #{max(known)}" if known else "it has none yet"
        raise StorageError(f"'{record.study}' has no run #{digits}: {last}")
    run = known[int(digits)]
    label = f"{record.study}#{digits}"
    return _subject("run", label, record.name, [run], record.specification)


def _series(database: Database, text: str) -> SeriesRecord:
    name, slash, _ = text.partition("/")
    known = series_names(database, name)
    if slash or not known:
        return read_series(database, text)  # which names what is nearest
    wanted = next((f"{name}/{kind}" for kind in ("search", "replicate")
                   if f"{name}/{kind}" in known), known[0])  # fmt: skip
    return read_series(database, wanted)


def _searched(record: SeriesRecord, label: str) -> Subject:
    """Return a study that has only a search: its baseline is the trial without a change."""
    runs = [trial for trial in record.trials if not trial.asked.changes]
    found = _subject("study", label, record.name, runs, record.specification)
    return replace(found, design=_design(record.specification))


def _design(specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was fixed, one entry for each field, or domain, or target."""
    found: dict[str, Any] = {}
    for name, value in plain(specification).items():
        if name in NO_DESIGN:
            continue
        inner = value if isinstance(value, dict) else {"": value}
        found |= {f"{name}.{key}" if key else name: one for key, one in inner.items()}
    return found


def _subject(
    kind: Kind,
    label: str,
    study: str,
    runs: Sequence[TrialRecord],
    specification: Mapping[str, Any],
) -> Subject:
    goals = [specification["evaluation"], *specification["objectives"]]
    directions: dict[str, Direction] = {goal["metric"]: goal["direction"] for goal in goals}
    objective = specification["objectives"][0]["metric"]
    return Subject(
        label=label,
        kind=kind,
        study=study,
        configuration=_common([run.asked.configuration for run in runs]),
        design={},
        directions=directions,
        scores=_scores(runs),
        objective=objective,
        curve=_mean_curve(runs, objective),
    )


def _common(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of several configurations; those that differ are said to vary."""
    paths = dict.fromkeys(path for one in found for path in one)
    same = {path: [one.get(path) for one in found] for path in paths}
    return {
        path: values[0] if all(value == values[0] for value in values) else VARIES
        for path, values in same.items()
    }


def _scores(runs: Sequence[TrialRecord]) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for run in runs:
        step = scored_step(run)
        for metric, value in (step.metrics if step else {}).items():
            if math.isfinite(value):
                found.setdefault(metric, {})[run.asked.seed] = value
    return found


def _mean_curve(runs: Sequence[TrialRecord], metric: str) -> tuple[tuple[int, float], ...]:
    by_step: dict[int, list[float]] = {}
    for run in runs:
        for step, value in run.curve(metric):
            if math.isfinite(value):
                by_step.setdefault(step, []).append(value)
    return tuple((step, float(np.mean(values))) for step, values in sorted(by_step.items()))

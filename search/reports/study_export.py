"""A study's raw results as files for other tools: every trial, every step, held-out metrics too."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from search.configuration import plain
from search.errors import OptionError, StorageError, near_miss
from search.reports.cells import cell
from search.reports.deepcave import write_deepcave
from search.reports.history import write_history
from search.storage.database import Database
from search.storage.reader import read_series, series_names
from search.storage.records import SeriesRecord, TrialRecord

SCHEMA: Final = 1
TRIAL: Final = ("series", "trial", "arm", "seed", "outcome", "step", "max_steps", "steps",
                "attempts", "created", "finished", "elapsed_s", "reason")  # fmt: skip


def export_study(database: Database, name: str, format: str, folder: Path) -> list[Path]:  # noqa: A002 - the option's own name
    """Write a study's trials and steps; return the files.

    Parameters
    ----------
    database
        An open study database.
    name
        The study.
    format
        "csv" (``trials.csv``, with a line per trial of every series, and ``steps.csv``) or "json"
        (``study.json``, with everything that was asked and came back), or "deepcave" (the search,
        as DeepCAVE opens it).
    folder
        Made where it is missing; files of these names are replaced.

    Raises
    ------
    OptionError
        If there is no such format.
    StorageError
        If there is no such study.
    """
    if format not in FORMATS:
        raise OptionError(f"--format has no '{format}'{near_miss(format, FORMATS)}")
    names = series_names(database, name)
    if not names:
        raise StorageError(f"{database.name} holds no study '{name}'")
    folder.mkdir(parents=True, exist_ok=True)
    return FORMATS[format](database, name, folder)


def _csv(database: Database, name: str, folder: Path) -> list[Path]:
    found = [read_series(database, series) for series in series_names(database, name)]
    trials = [(series, trial) for series in found for trial in series.trials]
    fields = _names(dict(trial.asked.configuration) for _, trial in trials)
    metrics = _names(_metrics(trial) for _, trial in trials)
    with (folder / "trials.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        heads = [*(f"config.{name}" for name in fields), *(f"metric.{name}" for name in metrics)]
        writer.writerow((*TRIAL, *heads))
        writer.writerows(_row(series, trial, fields, metrics) for series, trial in trials)
    write_history(database, name, folder / "steps.csv")
    return [folder / "trials.csv", folder / "steps.csv"]


def _names(mappings: Iterator[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _row(
    series: SeriesRecord, trial: TrialRecord, fields: Sequence[str], metrics: Sequence[str]
) -> list[Any]:
    asked, result, reported = trial.asked, trial.result, _metrics(trial)
    own = [
        series.study, trial.number, asked.arm, asked.seed, trial.outcome,
        result.step if result else None, asked.max_steps, len(trial.steps), len(trial.attempts),
        trial.created, result.finished if result else None, trial.elapsed_s,
        result.reason if result else None,
    ]  # fmt: skip
    configuration = [asked.configuration.get(name) for name in fields]
    return [cell(value) for value in (*own, *configuration, *map(reported.get, metrics))]


def _metrics(trial: TrialRecord) -> dict[str, float]:
    """Return what was reported at the step that a trial is scored at, or else at its last."""
    at = trial.result.step if trial.result else None
    scored = [step for step in trial.steps if step.step == at] or list(trial.steps[-1:])
    return dict(scored[0].metrics) if scored else {}


def _json(database: Database, name: str, folder: Path) -> list[Path]:
    found = [read_series(database, series) for series in series_names(database, name)]
    content = {"schema": SCHEMA, "study": name, "series": [_series(series) for series in found]}
    path = folder / "study.json"
    text = json.dumps(_finite(plain(content)), indent=1, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return [path]


def _series(series: SeriesRecord) -> dict[str, Any]:
    return {
        "series": series.study,
        "kind": series.kind,
        "created": series.created,
        "specification": series.specification,
        "trials": [_trial(trial) for trial in series.trials],
    }


def _trial(trial: TrialRecord) -> dict[str, Any]:
    asked = trial.asked
    return {
        "trial": trial.number,
        "arm": asked.arm,
        "seed": asked.seed,
        "max_steps": asked.max_steps,
        "configuration": dict(asked.configuration),
        "changes": dict(asked.changes),
        "created": trial.created,
        "outcome": trial.outcome,
        "result": None if trial.result is None else asdict(trial.result),
        "attempts": [
            {"host": a.host, "started": a.started, "ended": a.ended, "end": a.end, "gpus": a.gpus}
            for a in trial.attempts
        ],
        "flags": [asdict(flag) for flag in trial.flags],
        "steps": [
            {"step": s.step, "elapsed_s": s.elapsed_s, "metrics": dict(s.metrics)}
            for s in trial.steps
        ],
    }


def _finite(value: Any) -> Any:
    """Return a value with null for what JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


FORMATS: Mapping[str, Callable[[Database, str, Path], list[Path]]] = {
    "csv": _csv,
    "json": _json,
    "deepcave": write_deepcave,
}

"""A search as a folder that DeepCAVE opens: its data-frame format, two CSV files.

``configspace.csv`` has a line per parameter, ``trials.csv`` one per trial that has ended. The
format knows no conditions: a knob that was not in force has the value that its field had. DeepCAVE
reads choices as text, and pandas before it takes some texts for something else: "is" is said
before those.

References
----------
Sass et al. (2022), DeepCAVE: https://arxiv.org/abs/2206.03493 (``DataFrameRun`` in its 1.4).
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from search.errors import StorageError
from search.reports.cells import cell
from search.storage.database import Database
from search.storage.reader import read_series, series_names
from search.storage.records import Result, SeriesRecord, TrialRecord

Row: TypeAlias = Mapping[str, Any]
SPACE: Final = ("name", "type", "lower", "upper", "log", "default", "ordered")
RUN: Final = ("config_id", "seed", "budget", "start_time", "end_time", "status")
STATUS: Final = {
    "complete": "SUCCESS",
    "pruned": "PRUNED",
    "stopped": "ABORTED",
    "diverged": "FAILED",
    "failed": "CRASHED",
}
PLAIN = re.compile(
    r"(?!(?:true|false|nan|none|null|na|inf|infinity)$)[a-z_][\w. -]*", re.IGNORECASE
)


def write_deepcave(database: Database, name: str, folder: Path) -> list[Path]:
    """Write a study's search for DeepCAVE; return the files.

    Parameters
    ----------
    database
        An open study database.
    name
        The study.
    folder
        What DeepCAVE is then given.

    Raises
    ------
    StorageError
        If the study has no search, or none of its trials has ended.
    """
    if f"{name}/search" not in series_names(database, name):
        raise StorageError(
            f"study '{name}' has no search in {database.name}; DeepCAVE shows searches "
            "(--format csv has every run)"
        )
    series = read_series(database, f"{name}/search", steps=False)
    ended = [(trial, trial.result) for trial in series.trials if trial.result is not None]
    if not ended:
        raise StorageError(f"no trial of the search of '{name}' has ended yet")
    asked, goals = _asked(database, series), series.specification["objectives"]
    parameters = series.specification["parameters"]
    rows = [
        (
            *_scores(result, len(goals)),
            *(trial.number, trial.asked.seed, result.step or 0, trial.created, result.finished),
            STATUS[result.outcome],
            *(_value(parameter, trial, asked[trial.number]) for parameter in parameters),
        )
        for trial, result in ended
    ]
    names = [parameter["name"] for parameter in parameters]
    heads = [*_metrics(goals, [result for _, result in ended]), *RUN, *names]
    return [
        _write(folder / "configspace.csv", *_space(parameters)),
        _write(folder / "trials.csv", heads, rows),
    ]


def _asked(database: Database, series: SeriesRecord) -> dict[int, dict[str, Any]]:
    """Return what every trial was given, by its number."""
    study_id = database.optuna.get_study_id_from_name(series.study)
    trials = database.optuna.get_all_trials(study_id, deepcopy=False)
    return {trial.number: trial.params for trial in trials}


def _space(parameters: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    """Return the head and the lines of the configuration space."""
    choices = [[_label(choice) for choice in p.get("choices", ())] for p in parameters]
    widest = max((len(labels) for labels in choices), default=0)
    lines = [
        [*_parameter(p, labels), *labels, *[""] * (widest - len(labels))]
        for p, labels in zip(parameters, choices, strict=True)
    ]
    return [*SPACE, *(f"item_{place}" for place in range(widest))], lines


def _parameter(parameter: Row, labels: Sequence[str]) -> tuple[Any, ...]:
    """Return a parameter without its choices."""
    if labels:
        return (parameter["name"], "categorical", "", "", False, labels[0], False)
    kind = "float" if parameter["kind"] == "float" else "integer"
    low, high, log = (parameter[key] for key in ("low", "high", "log"))
    return (parameter["name"], kind, low, high, log, "", False)


def _label(choice: Any) -> str:
    """Return a choice as text that pandas takes for text.

    Examples
    --------
    >>> _label("conv"), _label("none"), _label(True), _label(16)
    ('conv', 'is none', 'is True', 'is 16')
    """
    plain = isinstance(choice, str) and PLAIN.fullmatch(choice)
    return str(choice) if plain else f"is {choice}"


def _value(parameter: Row, trial: TrialRecord, asked: Mapping[str, Any]) -> Any:
    """Return what a trial had; of a parameter that it was not asked for, what its field held."""
    name = parameter["name"]
    value = asked.get(name, trial.asked.configuration.get(name, False))
    if parameter["kind"] == "categorical":
        choices = parameter["choices"]
        return _label(value if value in choices else choices[0])
    inside = _is_number(value) and parameter["low"] <= value <= parameter["high"]
    return value if inside else parameter["low"]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scores(result: Result, goals: int) -> Sequence[float | None]:
    """Return the values of a trial that was completed; DeepCAVE takes those only."""
    return result.values if result.outcome == "complete" else [None] * goals


def _metrics(goals: Sequence[Row], results: Sequence[Result]) -> Iterator[str]:
    """Yield the objectives' columns, each with the bounds of what was seen."""
    complete = [result.values for result in results if result.outcome == "complete"]
    for place, goal in enumerate(goals):
        seen = [values[place] for values in complete] or [0.0]
        low, high = (math.floor(1e6 * min(seen)) / 1e6, math.ceil(1e6 * max(seen)) / 1e6)
        name = re.sub(r"\W", "_", goal["metric"])
        yield f"metric:{name} [{low:.6f}; {high:.6f}] ({goal['direction']})"


def _write(path: Path, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heads)
        writer.writerows([cell(value) for value in row] for row in rows)
    return path

"""Every step of every run as CSV: what a training loop would have logged by itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from search.errors import StorageError
from search.storage.database import Database
from search.storage.reader import read_series, series_names
from search.storage.records import SeriesRecord

RUN: Final = ("series", "trial", "arm", "seed", "outcome", "step")


def write_history(database: Database, name: str, path: Path) -> int:
    """Write the steps of all runs of a study, searches and tuning among them.

    Parameters
    ----------
    database
        An open study database.
    name
        The study.
    path
        Of the file: a line per step, with a column for each metric that some run reports.

    Returns
    -------
    int
        How many steps were written.

    Raises
    ------
    StorageError
        If there is no such study.
    """
    names = series_names(database, name)
    if not names:
        raise StorageError(f"there is no study '{name}' in this database")
    found = [read_series(database, series) for series in names]
    steps = [step for series in found for trial in series.trials for step in trial.steps]
    metrics = list(dict.fromkeys(metric for step in steps for metric in step.metrics))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*RUN, *metrics))
        writer.writerows(row for series in found for row in _rows(series, metrics))
    return len(steps)


def _rows(series: SeriesRecord, metrics: Sequence[str]) -> Iterator[list[Any]]:
    for trial in series.trials:
        asked = trial.asked
        run = (series.study, trial.number, asked.arm, asked.seed, trial.outcome)
        for step in trial.steps:
            values = (step.metrics.get(metric, "") for metric in metrics)
            yield [*run, step.step, *values]

"""Reading the study database into frozen records; needs no study file, no torch and no Ray."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Select, Table, select
from sqlalchemy.engine import RowMapping

from search.errors import StorageError, near_miss
from search.storage.database import Database
from search.storage.ledger import asked_of
from search.storage.records import (
    Attempt,
    Checkpoint,
    Result,
    SeriesRecord,
    Step,
    TrialRecord,
)
from search.storage.tables import ATTEMPTS, CHECKPOINTS, STEPS, STUDIES, TRIALS


def study_names(database: Database) -> tuple[str, ...]:
    """Return the names of the studies in a database, oldest first."""
    query = select(STUDIES.c.name).order_by(STUDIES.c.created)
    return tuple(dict.fromkeys(row["name"] for row in _rows(database, query)))


def series_names(database: Database, name: str) -> tuple[str, ...]:
    """Return the series (Optuna studies) that belong to the study `name`, oldest first."""
    query = select(STUDIES.c.study).where(STUDIES.c.name == name).order_by(STUDIES.c.created)
    return tuple(row["study"] for row in _rows(database, query))


def read_series(database: Database, study: str, *, steps: bool = True) -> SeriesRecord:
    """Return a series with its trials.

    Parameters
    ----------
    database
        An open database.
    study
        Optuna's study name, such as ``pi-tft/search``.
    steps
        Whether the curves are read too.

    Raises
    ------
    StorageError
        If there is none of this name, naming the nearest.
    """
    found = _rows(database, select(STUDIES).where(STUDIES.c.study == study))
    if not found:
        known = [row["study"] for row in _rows(database, select(STUDIES.c.study))]
        raise StorageError(f"{database.name} holds no '{study}'{near_miss(study, known)}")
    row = found[0]
    return SeriesRecord(
        study=row["study"],
        name=row["name"],
        kind=row["kind"],
        created=row["created"],
        specification=json.loads(row["specification"]),
        trials=_trials(database, study, steps=steps),
    )


def _trials(database: Database, study: str, *, steps: bool) -> tuple[TrialRecord, ...]:
    attempts = _grouped(_all(database, ATTEMPTS, study))
    checkpoints = _grouped(_all(database, CHECKPOINTS, study))
    curves = _grouped(_all(database, STEPS, study)) if steps else {}
    return tuple(
        TrialRecord(
            number=row["number"],
            asked=asked_of(row),
            created=row["created"],
            result=_result(row),
            attempts=tuple(_attempt(found) for found in attempts.get(row["number"], ())),
            steps=_curve(curves.get(row["number"], ())),
            checkpoints=tuple(_checkpoint(c) for c in checkpoints.get(row["number"], ())),
        )
        for row in _all(database, TRIALS, study)
    )


def _all(database: Database, table: Table, study: str) -> list[RowMapping]:
    return _rows(database, select(table).where(table.c.study == study).order_by(*table.primary_key))


def _rows(database: Database, query: Select[Any]) -> list[RowMapping]:
    def read() -> list[RowMapping]:
        with database.engine.connect() as connection:
            return list(connection.execute(query).mappings())

    return database.write(read)


def _grouped(rows: Iterable[RowMapping]) -> dict[int, list[RowMapping]]:
    groups: dict[int, list[RowMapping]] = defaultdict(list)
    for row in rows:
        groups[row["number"]].append(row)
    return groups


def _curve(rows: Iterable[RowMapping]) -> tuple[Step, ...]:
    """Return every step once; rows come by attempt, so a later attempt replaces an earlier."""
    found = {
        row["step"]: Step(
            row["step"], numbers(json.loads(row["metrics"])), row["elapsed_s"], row["finished"]
        )
        for row in rows
    }
    return tuple(found[step] for step in sorted(found))


def numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as numbers; non-finite ones are stored as text."""
    return {name: math.nan if value is None else float(value) for name, value in metrics.items()}


def _attempt(row: RowMapping) -> Attempt:
    return Attempt(
        number=row["attempt"],
        token=row["token"],
        host=row["host"],
        pid=row["pid"],
        start_step=row["start_step"],
        started=row["started"],
        gpus=row["gpus"],
        versions=json.loads(row["versions"]),
        ended=row["ended"],
        end=row["end"],
        error=row["error"],
        log=row["log"],
    )


def _checkpoint(row: RowMapping) -> Checkpoint:
    return Checkpoint(row["step"], row["path"], row["sha256"], row["size"], row["written"])


def _result(row: RowMapping) -> Result | None:
    if row["outcome"] is None:
        return None
    return Result(
        outcome=row["outcome"],
        values=tuple(json.loads(row["values"])),
        step=row["step"],
        reason=row["reason"],
        finished=row["finished"],
    )

"""Reading the study database into frozen records; needs no study file, no torch and no Ray."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, inspect, null, select
from sqlalchemy.engine import RowMapping

from search.errors import StorageError, near_miss
from search.storage.database import Database
from search.storage.records import (
    Attempt,
    Checkpoint,
    Result,
    RunFlag,
    SeriesRecord,
    Step,
    TrialRecord,
)
from search.storage.rows import asked_of
from search.storage.tables import (
    ATTEMPTS,
    CHECKPOINTS,
    DIAGNOSTICS,
    FLAGS,
    STEPS,
    STUDIES,
    TRIALS,
)


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
    found = _rows(
        database, select(*known_columns(database, STUDIES)).where(STUDIES.c.study == study)
    )
    if not found:
        name, names = study.partition("/")[0], study_names(database)
        if name not in names:
            raise StorageError(f"{database.name} holds no study '{name}'{near_miss(name, names)}")
        known = series_names(database, name)
        raise StorageError(f"{database.name} holds no '{study}'{near_miss(study, known)}")
    row = found[0]
    return SeriesRecord(
        study=row["study"],
        name=row["name"],
        kind=row["kind"],
        created=row["created"],
        specification=json.loads(row["specification"]),
        trials=_trials(database, study, steps=steps),
        owner=row["owner"],
        tags=tuple(json.loads(row["tags"] or "[]")),
        archived=row["archived"],
    )


def read_diagnostics(database: Database, study: str, number: int) -> dict[str, Any]:
    """Return what explains a run, by name; nothing where its trainable offers nothing."""
    if not _exists(database, DIAGNOSTICS):
        return {}
    this = (DIAGNOSTICS.c.study == study, DIAGNOSTICS.c.number == number)
    found = _rows(database, select(DIAGNOSTICS.c.content).where(*this))
    return dict(json.loads(found[0]["content"])) if found else {}


def _trials(database: Database, study: str, *, steps: bool) -> tuple[TrialRecord, ...]:
    # In this order, a driver that goes on writing meanwhile leaves no trial half read: what has
    # ended has all its rows, and every step the attempt that it belongs to.
    rows = _all(database, TRIALS, study)
    curves = _grouped(_all(database, STEPS, study)) if steps else {}
    attempts = _grouped(_all(database, ATTEMPTS, study))
    checkpoints = _grouped(_all(database, CHECKPOINTS, study))
    flags = _grouped(_all(database, FLAGS, study)) if _exists(database, FLAGS) else {}
    groups = (attempts, checkpoints, curves, flags)
    return tuple(_trial(row, *(group.get(row["number"], []) for group in groups)) for row in rows)


def _exists(database: Database, table: Table) -> bool:
    """Return whether a database has a table: reports open those that an older winnow wrote."""
    return database.write(lambda: inspect(database.engine).has_table(table.name))


def known_columns(database: Database, table: Table) -> list[ColumnElement[Any]]:
    """Return a table's columns; null for those that an older winnow's database lacks."""
    return [
        column if column.info.get("since", 1) <= database.schema else null().label(column.name)
        for column in table.columns
    ]


def _trial(
    row: RowMapping,
    attempts: list[RowMapping],
    checkpoints: list[RowMapping],
    steps: list[RowMapping],
    flags: list[RowMapping],
) -> TrialRecord:
    counted, repeated = _curve(steps, attempts)
    return TrialRecord(
        number=row["number"],
        asked=asked_of(row),
        created=row["created"],
        result=_result(row),
        attempts=tuple(_attempt(attempt) for attempt in attempts),
        steps=counted,
        checkpoints=tuple(_checkpoint(checkpoint) for checkpoint in checkpoints),
        superseded=repeated,
        flags=tuple(_flag(flag) for flag in sorted(flags, key=lambda flag: flag["step"])),
    )


def _all(database: Database, table: Table, study: str) -> list[RowMapping]:
    query = select(*known_columns(database, table)).where(table.c.study == study)
    return _rows(database, query.order_by(*table.primary_key))


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


def _curve(
    rows: Iterable[RowMapping], attempts: Iterable[RowMapping]
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Return the steps that count, and those that a later attempt repeated; rows by attempt."""
    starts = {row["attempt"]: row["start_step"] for row in attempts}
    current = -1
    counted: dict[int, Step] = {}
    repeated: list[Step] = []
    for row in rows:
        if row["attempt"] != current:
            current = row["attempt"]
            again = [step for step in counted if step > starts.get(current, 0)]
            repeated += [counted.pop(step) for step in again]
        metrics = numbers(json.loads(row["metrics"]))
        counted[row["step"]] = Step(row["step"], metrics, row["elapsed_s"], row["finished"])
    return tuple(counted[step] for step in sorted(counted)), tuple(repeated)


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
        peak_memory=row["peak_memory"],
    )


def _checkpoint(row: RowMapping) -> Checkpoint:
    return Checkpoint(row["step"], row["path"], row["sha256"], row["size"], row["written"])


def _flag(row: RowMapping) -> RunFlag:
    content = json.loads(row["content"])
    value = None if content["value"] is None else float(content["value"])
    return RunFlag(
        row["kind"], row["metric"], row["step"], value, content["words"], content["stops"]
    )


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

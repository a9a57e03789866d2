"""What becomes of a whole study: labelled, put away, renamed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import optuna
from sqlalchemy import Table, func, literal, select, update
from sqlalchemy.engine import Connection

from search.errors import StorageError, near_miss
from search.storage.database import Database
from search.storage.lock import study_lock
from search.storage.reader import series_names, study_names
from search.storage.tables import (
    ATTEMPTS,
    CHECKPOINTS,
    DIAGNOSTICS,
    DRIVERS,
    FLAGS,
    REGISTRATIONS,
    STEPS,
    STUDIES,
    TRIALS,
)

TAGGED = 2  # the schema since which studies have labels
BY_SERIES = (TRIALS, ATTEMPTS, STEPS, CHECKPOINTS, FLAGS, DIAGNOSTICS)
BY_STUDY = (REGISTRATIONS, DRIVERS)


def archive(database: Database, name: str, *, undo: bool = False) -> None:
    """Put a study away, so that lists no longer show it; nothing of it is deleted.

    Raises
    ------
    StorageError
        If there is no such study.
    """
    require_study(database, name)
    when = None if undo else time.time()
    _set(database, name, {"archived": when})


def add_tags(database: Database, name: str, tags: Iterable[str], *, remove: bool = False) -> None:
    """Label a study, or take labels off.

    Raises
    ------
    StorageError
        If there is no such study.
    """
    require_study(database, name)
    before = tags_of(database, name)
    given = list(tags)
    kept = [tag for tag in before if tag not in given] if remove else [*before, *given]
    _set(database, name, {"tags": json.dumps(list(dict.fromkeys(kept)))})


def tags_of(database: Database, name: str) -> tuple[str, ...]:
    """Return a study's labels, in the order in which they were given."""
    if database.schema < TAGGED:
        return ()
    query = select(STUDIES.c.tags).where(STUDIES.c.name == name)

    def read() -> list[str | None]:
        with database.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    found = (tag for text in database.write(read) for tag in json.loads(text or "[]"))
    return tuple(dict.fromkeys(found))


def begun_by(database: Database, name: str) -> tuple[str, float] | None:
    """Return who began a study, and when in seconds since the epoch; None where nobody knows."""
    if database.schema < TAGGED:
        return None
    query = select(STUDIES.c.owner, STUDIES.c.created).where(STUDIES.c.name == name)

    def read() -> list[tuple[str | None, float]]:
        with database.engine.connect() as connection:
            rows = connection.execute(query.order_by(STUDIES.c.created))
            return [(owner, created) for owner, created in rows]

    return next(((who, when) for who, when in database.write(read) if who is not None), None)


def require_study(database: Database, name: str) -> None:
    """Refuse the name of a study that is not there.

    Raises
    ------
    StorageError
        Naming the nearest.
    """
    names = study_names(database)
    if name not in names:
        raise StorageError(f"{database.name} holds no study '{name}'{near_miss(name, names)}")


def rename(database: Database, old: str, new: str, artifacts: Path) -> None:
    """Give a study another name, with all its series, and its folder of artifacts.

    Optuna has no name to change: its studies are copied, then ours are renamed in one transaction,
    then Optuna's old ones are deleted. Killed in between, the same call finishes it.

    Parameters
    ----------
    database
        An open database.
    old, new
        Names.
    artifacts
        Folder of all studies' artifacts.

    Raises
    ------
    StorageError
        If there is no `old`, or there is a `new` already.
    StudyLocked
        If a driver holds one of them.
    """
    names = study_names(database)
    half_done = old not in names and new in names and _optuna_series(database, old)
    if not half_done:
        require_study(database, old)
        if new in names:
            raise StorageError(f"{database.name} holds a study '{new}' already")
    with study_lock(database, old), study_lock(database, new):
        if not half_done:
            series = series_names(database, old)
            _copy(database, old, new, series)
            database.write(lambda: _rename_ours(database, old, new, artifacts))
        for name in _optuna_series(database, old):
            optuna.delete_study(study_name=name, storage=database.optuna)
        if (artifacts / old).is_dir() and not (artifacts / new).exists():
            (artifacts / old).rename(artifacts / new)


def _optuna_series(database: Database, name: str) -> list[str]:
    """Return the names of Optuna's studies that are series of a study."""
    found = database.write(lambda: optuna.get_all_study_names(storage=database.optuna))
    return [one for one in found if one.startswith(f"{name}/")]


def _copy(database: Database, old: str, new: str, series: Sequence[str]) -> None:
    there = _optuna_series(database, new)
    for name in there:  # of an earlier call that was killed
        optuna.delete_study(study_name=name, storage=database.optuna)
    for name in series:
        if name in _optuna_series(database, old):
            optuna.copy_study(
                from_study_name=name,
                from_storage=database.optuna,
                to_storage=database.optuna,
                to_study_name=f"{new}{name.removeprefix(old)}",
            )


def _rename_ours(database: Database, old: str, new: str, artifacts: Path) -> None:
    with database.engine.begin() as connection:
        for table in BY_SERIES:
            _rename_series(connection, table, old, new)
        _rename_series(connection, STUDIES, old, new)
        ours = update(STUDIES).where(STUDIES.c.name == old)
        connection.execute(ours.values(name=new))
        connection.execute(DRIVERS.delete().where(DRIVERS.c.study == new))
        for table in BY_STUDY:
            connection.execute(update(table).where(table.c.study == old).values(study=new))
        _move_paths(connection, artifacts / old, artifacts / new)


def _rename_series(connection: Connection, table: Table, old: str, new: str) -> None:
    rest = func.substr(table.c.study, len(old) + 1)
    begins = func.substr(table.c.study, 1, len(old) + 1) == f"{old}/"
    connection.execute(update(table).where(begins).values(study=literal(new).concat(rest)))


def _move_paths(connection: Connection, old: Path, new: Path) -> None:
    prefix = f"{old}/"
    rest = func.substr(CHECKPOINTS.c.path, len(prefix))
    begins = func.substr(CHECKPOINTS.c.path, 1, len(prefix)) == prefix
    changed = update(CHECKPOINTS).where(begins)
    connection.execute(changed.values(path=literal(str(new)).concat(rest)))


def _set(database: Database, name: str, values: dict[str, object]) -> None:
    def write() -> None:
        with database.engine.begin() as connection:
            connection.execute(update(STUDIES).where(STUDIES.c.name == name).values(**values))

    database.write(write)

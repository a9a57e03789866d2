"""Bringing a study database that an older winnow wrote up to date, and making a new one.

A step changes our tables from one schema to the next; it is never edited once it was released. A
new table needs no step: it is made wherever it is missing. Everything happens in one transaction
together with the stamp, and one process at a time, so a database is of one schema or of the next,
whatever is killed and however many programs open it at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy
from sqlalchemy import delete, func, insert, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from search.storage.tables import METADATA, SCHEMA, STUDIES

Step = Callable[[Connection], None]
LOCK = 8_244_651_303_117_640_011  # of this work on PostgreSQL, whatever the study: any number does
logger = logging.getLogger(__name__)


def _owner_tags_and_archived(connection: Connection) -> None:
    """Tell whose a series is, how it is labelled, and since when it is put away."""
    _add(connection, "winnow_studies", "owner TEXT", "tags TEXT", "archived FLOAT")


def _add(connection: Connection, table: str, *columns: str) -> None:
    """Add columns to a table; where an older winnow has not made it, it is made whole later."""
    if sqlalchemy.inspect(connection).has_table(table):
        for column in columns:
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column}")


STEPS: tuple[Step, ...] = (_owner_tags_and_archived,)
"""The step at place n leads from schema n + 1 to schema n + 2."""


def bring_up_to_date(engine: Engine, steps: Sequence[Step] = STEPS) -> None:
    """Make the tables that are missing, and take every step that the stamp says is missing.

    Parameters
    ----------
    engine
        Of a database that is not newer than this winnow.
    steps
        From schema 1 on.
    """
    newest = 1 + len(steps)
    with _alone(engine) as connection:
        before = stamp(connection)
        for step in steps[before - 1 :] if before else ():
            step(connection)
        METADATA.create_all(connection)
        if before != newest:
            connection.execute(delete(SCHEMA))
            connection.execute(insert(SCHEMA).values(version=newest))
    if before and before < newest:
        logger.warning(
            "the study database is brought from schema %d to %d: an older winnow can no longer "
            "open it",
            before,
            newest,
        )


def stamp(connection: Connection) -> int | None:
    """Return a database's schema; None where nothing of ours is there."""
    inspector = sqlalchemy.inspect(connection)
    if inspector.has_table(SCHEMA.name):
        found = connection.execute(select(func.max(SCHEMA.c.version))).scalar()
        if found is not None:
            return int(found)
    # the first winnow made its tables before it stamped them, and may have been killed in between
    return 1 if inspector.has_table(STUDIES.name) else None


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """Lend a transaction that nobody else of ours is in; DDL is part of it on both databases."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            yield connection
        return
    # Python's driver would commit by itself around DDL. An engine of its own: one that shares its
    # pool may never have made a connection, and then knows no isolation level to go back to.
    with engine.connect() as connection:
        timeout_ms = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    apart = sqlalchemy.create_engine(
        engine.url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": (timeout_ms or 0) / 1000},
    )
    with apart.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")

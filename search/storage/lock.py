"""One driver per study: a lock that dies with its holder, and says who holds it.

Beside SQLite it is an operating-system file lock; on PostgreSQL a session's advisory lock.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import delete, func, insert, select
from sqlalchemy.engine import Connection

from search.errors import StudyLocked
from search.storage.database import Database
from search.storage.tables import DRIVERS
from search.storage.url import sqlite_path


@contextmanager
def study_lock(database: Database, name: str) -> Iterator[None]:
    """Hold the study `name` while the block runs.

    Raises
    ------
    StudyLocked
        If another driver holds it: its process, host and since when.
    """
    path = sqlite_path(database.url)
    held = _file_lock(database, name, path) if path else _advisory_lock(database, name)
    with held:
        database.write(lambda: _sign(database, name))
        yield


@contextmanager
def _file_lock(database: Database, name: str, path: Path) -> Iterator[None]:
    lock = FileLock(path.with_name(f"{path.name}.{name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StudyLocked(_holder(database, name)) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _advisory_lock(database: Database, name: str) -> Iterator[None]:
    key = int.from_bytes(hashlib.sha256(f"winnow/{name}".encode()).digest()[:8], signed=True)
    # its own connection, out of the pool's hands: the lock lives as long as the session does
    connection = database.write(database.engine.connect)
    connection.execution_options(isolation_level="AUTOCOMMIT")
    try:
        if not _try_lock(connection, key):
            raise StudyLocked(_holder(database, name))
        yield
    finally:
        connection.invalidate()
        connection.close()


def _try_lock(connection: Connection, key: int) -> bool:
    return bool(connection.execute(select(func.pg_try_advisory_lock(key))).scalar())


def _sign(database: Database, name: str) -> None:
    row = {"study": name, "host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}
    with database.engine.begin() as connection:
        connection.execute(delete(DRIVERS).where(DRIVERS.c.study == name))
        connection.execute(insert(DRIVERS).values(**row))


def _holder(database: Database, name: str) -> str:
    def read() -> tuple[str, int, float] | None:
        with database.engine.connect() as connection:
            row = connection.execute(select(DRIVERS).where(DRIVERS.c.study == name)).first()
        return (row.host, row.pid, row.since) if row else None

    found = database.write(read)
    if found is None:
        return f"study '{name}' is being opened by another process; try again in a moment"
    host, pid, since = found
    local = datetime.fromtimestamp(since).astimezone()
    return (
        f"study '{name}' is driven by process {pid} on {host} since {local:%Y-%m-%d %H:%M:%S}; "
        "one study has one driver: wait for it, or stop it and run the command again"
    )

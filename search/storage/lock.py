"""One driver per study: a lock that dies with its holder, and says who holds it.

Beside SQLite it is an operating-system file lock; on PostgreSQL a session's advisory lock.
"""

from __future__ import annotations

import hashlib
import os
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakSet

from filelock import FileLock, Timeout
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import DBAPIError

from search.errors import StorageError, StudyLocked
from search.storage.database import Database
from search.storage.tables import DRIVERS
from search.storage.url import sqlite_path


@dataclass(frozen=True)
class Driver:
    """The process that drives a study; `since` in seconds since the epoch."""

    host: str
    pid: int
    since: float


def driver_of(database: Database, name: str) -> Driver | None:
    """Return who drives the study `name` now; None where nobody does."""
    path = sqlite_path(database.url)
    held = _file_is_held(path, name) if path else database.write(lambda: _is_held(database, name))
    found = database.write(lambda: _signed(database, name)) if held else None
    return Driver(found.host, found.pid, found.since) if found is not None else None


@contextmanager
def study_lock(database: Database, name: str) -> Iterator[None]:
    """Hold the study `name` while the block runs.

    Raises
    ------
    StudyLocked
        If another driver holds it: its process, host and since when. Within the block too: if the
        server lost the lock, and another driver took it, before it could be taken again.
    """
    path = sqlite_path(database.url)
    held = _file_lock(database, name, path) if path else _session_lock(database, name)
    with held:
        database.write(lambda: _sign(database, name))
        yield


def _file_of(path: Path, name: str) -> Path:
    real = path.resolve()  # a link to the file must meet the same lock
    return real.with_name(f"{real.name}.{name}.lock")


def _file_is_held(path: Path, name: str) -> bool:
    file = _file_of(path, name)
    if not file.exists():
        return False
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _is_held(database: Database, name: str) -> bool:
    """Return whether a session of the server holds the lock; nothing is locked to find out."""
    high, low = divmod(_key_of(name) % 2**64, 2**32)
    query = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND classid::bigint = :high AND objid::bigint = :low"
    )
    with database.engine.connect() as connection:
        return bool(connection.execute(query, {"high": high, "low": low}).scalar())


@contextmanager
def _file_lock(database: Database, name: str, path: Path) -> Iterator[None]:
    lock = FileLock(_file_of(path, name))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StudyLocked(database.write(lambda: _holder(database, name))) from None
    except OSError as error:
        raise StorageError(f"the lock file of study '{name}' cannot be made: {error}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _session_lock(database: Database, name: str) -> Iterator[None]:
    lock = _SessionLock(database, name)
    if not database.write(lock.acquire):
        raise StudyLocked(database.write(lambda: _holder(database, name)))
    try:
        with database.guarded(lock.confirm):
            yield
    finally:
        lock.release()


class _SessionLock:
    """An advisory lock of a session of its own, which no pool ever hands to anybody else."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name
        self._key = _key_of(name)
        self._session: Connection | None = None
        _SESSIONS.add(self)

    def acquire(self) -> bool:
        """Open a session and try to lock in it; the session is closed if that fails."""
        session = self._database.engine.connect()
        try:
            session.execution_options(isolation_level="AUTOCOMMIT")
            session.detach()
            if session.execute(select(func.pg_try_advisory_lock(self._key))).scalar():
                self._session = session
        finally:
            if self._session is not session:
                session.close()
        return self._session is session

    def confirm(self) -> None:
        """See that the session lives; where it has ended (a server restarted), lock again."""
        if self._lives():
            return
        self.release()
        if not self.acquire():
            raise StudyLocked(
                f"the database lost this process's lock, and meanwhile "
                f"{_holder(self._database, self._name)}"
            )
        _sign(self._database, self._name)

    def _lives(self) -> bool:
        if self._session is None:
            return False
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self.fileno(), selectors.EVENT_READ)
                if not selector.select(timeout=0):
                    return True  # a session that has ended has something to read: its end
            self._session.execute(select(1))
        except (DBAPIError, OSError, ValueError):
            return False
        return True

    def fileno(self) -> int:
        """Return the descriptor of the session's socket; -1 without a session."""
        driver: Any = self._session.connection.dbapi_connection if self._session else None
        return -1 if driver is None or driver.closed else int(driver.fileno())

    def release(self) -> None:
        """Unlock, and end the session; a session that has ended already took its lock along."""
        session, self._session = self._session, None
        if session is None:
            return
        if not session.invalidated:
            with suppress(DBAPIError):
                # unlocked first: a server may take its time to see that a session has ended
                session.execute(select(func.pg_advisory_unlock(self._key)))
        session.close()


_SESSIONS: WeakSet[_SessionLock] = WeakSet()


def _leave_to_parent() -> None:
    """In a forked child: close the sockets, or a lock would outlive a parent that is killed."""
    for lock in _SESSIONS:
        descriptor = lock.fileno()
        if descriptor >= 0:
            os.close(descriptor)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def _key_of(name: str) -> int:
    digest = hashlib.sha256(f"winnow/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _signed(database: Database, name: str) -> Row[Any] | None:
    with database.engine.connect() as connection:
        return connection.execute(select(DRIVERS).where(DRIVERS.c.study == name)).first()


def _sign(database: Database, name: str) -> None:
    row = {"study": name, "host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}
    with database.engine.begin() as connection:
        connection.execute(delete(DRIVERS).where(DRIVERS.c.study == name))
        connection.execute(insert(DRIVERS).values(**row))


def _holder(database: Database, name: str) -> str:
    found = _signed(database, name)
    if found is None:
        return f"study '{name}' is being opened by another process; try again in a moment"
    since = datetime.fromtimestamp(found.since).astimezone()
    return (
        f"study '{name}' is driven by process {found.pid} on {found.host} since "
        f"{since:%Y-%m-%d %H:%M:%S}; one study has one driver: wait for it, or stop it and run "
        "the command again"
    )

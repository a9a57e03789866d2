"""The study database: one SQLAlchemy engine for Optuna's tables and for ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import optuna
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from search.errors import StorageError
from search.storage.migrations import bring_up_to_date, stamp
from search.storage.retry import Retry, database_error
from search.storage.tables import SCHEMA_VERSION
from search.storage.url import parse_storage, redact, scrub, sqlite_path

BUSY_TIMEOUT_S = 60.0
OPENING_S = 15.0  # a wrong address is found out soon; a database in use is waited for longer
RIVALS = 10  # processes that may create the same tables at the same moment
# A peer that is gone without a word (its power, its network) is found out after a minute, on both
# sides: here, or a driver would wait for a quarter of an hour; at the server, or the lock of a
# driver that is gone would look alive for two hours.
SERVER = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "application_name": "winnow",
}
SESSION = {
    "tcp_keepalives_idle": 30,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
T = TypeVar("T")


class Database:
    """A study database, opened (and created where it does not exist).

    Parameters
    ----------
    storage
        SQLite or PostgreSQL URL.
    create
        Whether a missing file, or missing tables, are created, and those of an older winnow are
        brought up to date. Reports refuse to create, and read older tables as they are.
    retry
        How long a locked or lost database is waited for.
    busy_timeout_s
        How long the database itself waits for a lock, within every try.

    Raises
    ------
    OptionError
        If the URL is wrong.
    StorageError
        If the database cannot be reached, or was written by a newer winnow.
    """

    def __init__(
        self,
        storage: str,
        *,
        create: bool = True,
        retry: Retry | None = None,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self.url: URL = parse_storage(storage)
        self._retry = retry or Retry()
        self._busy_timeout_s = busy_timeout_s
        self._guards: list[Callable[[], None]] = []
        self.faults = 0
        self.schema = SCHEMA_VERSION
        self._check_file(create=create)
        opening = replace(self._retry, bound_s=min(self._retry.bound_s, OPENING_S))
        self.optuna = self._clearly(lambda: opening(lambda: self._open(create=create)))
        event.listen(self.engine, "handle_error", self._count)

    def __repr__(self) -> str:
        return f"Database({self.name})"

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine that Optuna's storage opened."""
        return self.optuna.engine

    @property
    def _is_file(self) -> bool:
        return sqlite_path(self.url) is not None

    @property
    def name(self) -> str:
        """The URL without its password."""
        return redact(self.url)

    def write(self, action: Callable[[], T]) -> T:
        """Return ``action()``, tried again while the database is locked or away.

        Raises
        ------
        StorageError
            If it stays so past the bound, or another database error occurs; without passwords.
        """

        def guarded() -> T:
            for guard in self._guards:
                guard()
            return action()

        return self._clearly(lambda: self._retry(guarded))

    @contextmanager
    def guarded(self, guard: Callable[[], None]) -> Iterator[None]:
        """Call `guard` before everything that is written or read while the block runs."""
        self._guards.append(guard)
        try:
            yield
        finally:
            self._guards.remove(guard)

    def close(self) -> None:
        """Close every connection."""
        self.optuna.remove_session()
        self.engine.dispose()

    def _clearly(self, action: Callable[[], T]) -> T:
        """Return ``action()``; a database's error becomes ours, in one line without passwords."""
        try:
            return action()
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            lines = str(database_error(error)).splitlines() or [type(error).__name__]
            reason = scrub(lines[0], self.url)
        raise StorageError(f"study database {self.name}: {reason}")

    def _count(self, _context: object) -> None:
        """Count errors: an answer may have been lost after the database had done its work."""
        self.faults += 1

    def _check_file(self, *, create: bool) -> None:
        path = sqlite_path(self.url)
        if path is None:
            return
        if not create and not path.exists():
            raise StorageError(f"there is no study database at {path}")
        if not path.absolute().parent.is_dir():
            raise StorageError(f"the folder of {path} does not exist")

    def _open(self, *, create: bool) -> optuna.storages.RDBStorage:
        self.schema = self._look(create=create)
        engine = self._engine()
        try:
            storage = self._open_optuna(engine, create=create)
            self._check_optuna(storage)
            if create:
                bring_up_to_date(storage.engine)
                self.schema = SCHEMA_VERSION
        except BaseException:
            engine.dispose()
            raise
        return storage

    def _open_optuna(self, engine: Engine, *, create: bool) -> optuna.storages.RDBStorage:
        """Open Optuna's storage on our pool, so that nothing stays open if it fails."""
        url = self.url.render_as_string(hide_password=False)
        return _despite_rivals(
            lambda: optuna.storages.RDBStorage(
                url,
                {"pool": engine.pool},
                skip_compatibility_check=True,
                skip_table_creation=not create,
            )
        )

    def _engine(self, **options: Any) -> Engine:
        engine = sqlalchemy.create_engine(self.url, **self._engine_options(), **options)
        event.listen(engine, "connect", self._prepare)
        return engine

    def _look(self, *, create: bool) -> int:
        """Return the schema of our tables before anything is changed, or refuse it.

        On a connection of its own: the first one that a pool makes tells the engine that asked for
        it what the server can do, and that is to be Optuna's.
        """
        engine = self._engine(poolclass=NullPool)
        if create and self._is_file:
            _journal_in_wal(engine)
        with engine.connect() as connection:
            found = stamp(connection)
        if found is None and not create:
            raise StorageError(f"{self.name} is no study database: nothing was run on it yet")
        if found is not None and found > SCHEMA_VERSION:
            raise StorageError(
                f"study database {self.name} has schema {found}, this winnow knows "
                f"{SCHEMA_VERSION}: a newer winnow has written it; upgrade winnow"
            )
        return found or SCHEMA_VERSION

    def _check_optuna(self, storage: optuna.storages.RDBStorage) -> None:
        theirs, known = storage.get_current_version(), storage.get_head_version()
        if theirs != known:
            older = theirs in storage.get_all_versions()
            remedy = "run `optuna storage upgrade` on it" if older else "upgrade Optuna"
            raise StorageError(
                f"study database {self.name} has Optuna's schema {theirs}, this Optuna "
                f"({optuna.__version__}) knows {known}: {remedy}"
            )

    def _prepare(self, connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        if self._is_file:
            # in WAL mode NORMAL loses nothing when a process dies, and saves an fsync per commit
            cursor.execute("PRAGMA synchronous=NORMAL")
        else:
            session = {"lock_timeout": round(1000 * self._busy_timeout_s), **SESSION}
            cursor.execute("; ".join(f"SET {name} = {value}" for name, value in session.items()))
        cursor.close()
        connection.commit()

    def _engine_options(self) -> dict[str, Any]:
        if self._is_file:
            return {"connect_args": {"timeout": self._busy_timeout_s}}
        asked = {key: value for key, value in SERVER.items() if key not in self.url.query}
        return {"pool_pre_ping": True, "connect_args": asked}


def insert_new(connection: Connection, table: sqlalchemy.Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows; those whose key is stored already stay as they are."""
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def _despite_rivals(action: Callable[[], T]) -> T:
    """Return ``action()``; where another process creates the same tables, it is tried again."""
    for _ in range(RIVALS):
        try:
            return action()
        except (IntegrityError, ProgrammingError):
            time.sleep(0.1)
    return action()


def _journal_in_wal(engine: Engine) -> None:
    """Switch the file to write-ahead logging; the mode stays with the file."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")

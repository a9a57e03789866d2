"""The study database: one SQLAlchemy engine for Optuna's tables and for ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import optuna
import sqlalchemy
from sqlalchemy import event, insert, select
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from search.errors import StorageError
from search.storage.retry import Retry
from search.storage.tables import METADATA, SCHEMA, SCHEMA_VERSION
from search.storage.url import parse_storage, redact, scrub, sqlite_path

BUSY_TIMEOUT_S = 60.0
T = TypeVar("T")


class Database:
    """A study database, opened (and created where it does not exist).

    Parameters
    ----------
    storage
        SQLite or PostgreSQL URL.
    create
        Whether a missing SQLite file is created; reports refuse instead.
    retry
        How long a locked or lost database is waited for.

    Raises
    ------
    OptionError
        If the URL is wrong.
    StorageError
        If the database cannot be reached, or was written by a newer winnow.
    """

    def __init__(self, storage: str, *, create: bool = True, retry: Retry | None = None) -> None:
        self.url: URL = parse_storage(storage)
        self._retry = retry or Retry()
        path = sqlite_path(self.url)
        if path is not None and not create and not path.exists():
            raise StorageError(f"there is no study database at {path}")
        if path is not None and not path.absolute().parent.is_dir():
            raise StorageError(f"the folder of {path} does not exist")
        self.optuna: optuna.storages.RDBStorage = self.write(self._open)
        self.write(self._create_tables)

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine that Optuna's storage opened."""
        return self.optuna.engine

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
        try:
            return self._retry(action)
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            cause = error.__cause__ or error
            reason = scrub(str(cause).splitlines()[0], self.url)
            raise StorageError(f"study database {self.name}: {reason}") from None

    def close(self) -> None:
        """Close every connection."""
        self.optuna.remove_session()
        self.engine.dispose()

    def _open(self) -> optuna.storages.RDBStorage:
        sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = (
            {"connect_args": {"timeout": BUSY_TIMEOUT_S}} if sqlite else {"pool_pre_ping": True}
        )
        if sqlite:
            _journal_in_wal(self.url)
        storage = optuna.storages.RDBStorage(
            self.url.render_as_string(hide_password=False), engine_kwargs=options
        )
        if sqlite:
            event.listen(storage.engine, "connect", _relax_sync)
            storage.remove_session()
            storage.engine.dispose()  # connections opened before the listener
        return storage

    def _create_tables(self) -> None:
        METADATA.create_all(self.engine)
        with self.engine.begin() as connection:
            found = connection.execute(select(SCHEMA.c.version)).scalar()
            if found is None:
                connection.execute(insert(SCHEMA).values(version=SCHEMA_VERSION))
            elif found > SCHEMA_VERSION:
                raise StorageError(
                    f"study database {self.name} has schema {found}, this winnow knows "
                    f"{SCHEMA_VERSION}: upgrade winnow"
                )


def _journal_in_wal(url: URL) -> None:
    """Switch the file to write-ahead logging; the mode stays with the file."""
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    engine.dispose()


def _relax_sync(connection: Any, _record: object) -> None:
    """In WAL mode NORMAL loses nothing when a process dies, and saves an fsync per commit."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()

"""Bounded retries for a database that is locked or away for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import optuna
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

HOPELESS = (
    "no such table",
    "no such column",
    "syntax error",
    "unable to open database file",
    "readonly database",
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "not a database",
)
T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retry:
    """Try again with growing pauses while a transient error lasts.

    Parameters
    ----------
    bound_s
        Seconds after which the last error is raised.
    first_pause_s, longest_pause_s
        The pause doubles from the first to the longest.
    """

    bound_s: float = 90.0
    first_pause_s: float = 0.1
    longest_pause_s: float = 5.0

    def __call__(self, action: Callable[[], T]) -> T:
        """Return ``action()``; actions must be idempotent."""
        started, pause = time.monotonic(), self.first_pause_s
        while True:
            try:
                return action()
            except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
                waited = time.monotonic() - started
                if waited + pause > self.bound_s or not is_transient(error):
                    raise
                logger.warning(
                    "the study database does not answer (%s); trying again for %.0f s",
                    type(database_error(error)).__name__,
                    self.bound_s - waited,
                )
            time.sleep(pause)
            pause = min(2 * pause, self.longest_pause_s)


def database_error(error: BaseException) -> BaseException:
    """Return the error that Optuna's storage has wrapped, or the error itself."""
    wrapped = isinstance(error, optuna.exceptions.StorageInternalError)
    return error.__cause__ if wrapped and error.__cause__ is not None else error


def is_transient(error: BaseException) -> bool:
    """Return whether a database error may pass: locked, full, or away for a while."""
    cause = database_error(error)
    if not isinstance(cause, OperationalError | InterfaceError):
        return False
    return not any(word in str(cause) for word in HOPELESS)

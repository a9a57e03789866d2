"""Bounded retries for a database that is locked or away for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import optuna
from sqlalchemy.exc import InterfaceError, OperationalError

TRANSIENT = (OperationalError, InterfaceError, optuna.exceptions.StorageInternalError)
HOPELESS = (
    "no such table",
    "unable to open database file",
    "readonly database",
    "password authentication failed",
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
            except TRANSIENT as error:
                text = f"{error} {error.__cause__}"
                waited = time.monotonic() - started
                if waited + pause > self.bound_s or any(word in text for word in HOPELESS):
                    raise
                logger.warning(
                    "the study database does not answer (%s); trying again for %.0f s",
                    type(error.__cause__ or error).__name__,
                    self.bound_s - waited,
                )
            time.sleep(pause)
            pause = min(2 * pause, self.longest_pause_s)

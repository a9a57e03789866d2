"""What a series of trials runs, and whom it stops: the protocol's side of the book-keeping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from optuna.trial import FrozenTrial

from search.storage.records import Asked, Result, TrialRecord


class Policy(Protocol):
    """What a series runs, and whom it stops."""

    @property
    def wanted(self) -> int:
        """Trials in all, those that exist included."""

    def propose(self, number: int) -> Asked | None:
        """Return what trial `number` is; None when no more are wanted (now)."""

    def halts(self, asked: Asked) -> tuple[int, ...] | None:
        """Return the steps after which `stops` is asked; None: after every step."""

    def predictions(self, number: int, asked: Asked) -> str | None:
        """Return where a completed trial's predictions are kept; None: nowhere."""

    def stops(self, number: int, asked: Asked, step: int, value: float) -> bool:
        """Return whether a trial is to be stopped after this step."""

    def told(self, number: int, asked: Asked, result: Result) -> None:
        """Take note of how a trial ended."""

    def restore(self, trial: FrozenTrial, record: TrialRecord) -> None:
        """Take over a trial from the database; called in the order of the numbers."""

    def foreign(self, trial: FrozenTrial) -> None:
        """Take note of a trial that somebody else put into the Optuna study."""

    def notes_on(self, number: int) -> Mapping[str, Any]:
        """Return what must be kept beside the trial just proposed; it got this number."""

"""A series whose runs are known beforehand: full length, unpruned, paired by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial

from search.storage.places import Place
from search.storage.records import Asked, Result, TrialRecord


class FixedRuns:
    """Proposes each of a list of runs once; runs that exist already count.

    Parameters
    ----------
    runs
        In the order in which they are wanted. A run is known by its arm and by what makes two
        runs the same: configuration, seed, code and data.
    predictions
        Where predictions are kept, for post-hoc techniques: a folder per run. None: they are not.
    """

    def __init__(self, runs: Sequence[Asked], *, predictions: Place | None = None) -> None:
        self._predictions = predictions
        self._existing = 0
        self._missing = {(run.arm, run.key): run for run in runs}
        self._known = set(self._missing)

    def extend(self, runs: Sequence[Asked]) -> bool:
        """Want further runs; return whether any of them is new."""
        new = {(run.arm, run.key): run for run in runs if (run.arm, run.key) not in self._known}
        self._missing |= new
        self._known |= new.keys()
        return bool(new)

    @property
    def wanted(self) -> int:
        """Runs in all, those that exist included."""
        return self._existing + len(self._missing)

    def propose(self, number: int) -> Asked | None:  # noqa: ARG002 - the interface
        """Return the next run that does not exist."""
        if not self._missing:
            return None
        self._existing += 1
        return self._missing.pop(next(iter(self._missing)))

    def halts(self, asked: Asked) -> tuple[int, ...] | None:
        """Return a third and two thirds of the length: only checkpoints are written there."""
        thirds = (asked.max_steps // 3, 2 * asked.max_steps // 3)
        return tuple(step for step in dict.fromkeys(thirds) if step > 0)

    def predictions(self, number: int, asked: Asked) -> str | None:  # noqa: ARG002 - interface
        """Return the folder of this run's predictions, where they are kept."""
        return None if self._predictions is None else str(self._predictions / asked.key)

    def stops(self, number: int, asked: Asked, step: int, value: float) -> bool:  # noqa: ARG002
        """Return False: measured runs are never pruned."""
        return False

    def told(self, number: int, asked: Asked, result: Result) -> None:
        """Need nothing."""

    def restore(self, trial: FrozenTrial, record: TrialRecord) -> None:  # noqa: ARG002
        """Count a run that exists."""
        self._existing += 1
        known = (record.asked.arm, record.asked.key)
        self._missing.pop(known, None)
        self._known.add(known)

    def foreign(self, trial: FrozenTrial) -> None:
        """Need nothing."""

    def notes_on(self, number: int) -> Mapping[str, Any]:  # noqa: ARG002 - the interface
        """Return nothing: no sampler takes part."""
        return {}

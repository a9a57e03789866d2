"""A series whose runs are known beforehand: full length, unpruned, paired by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial

from search.storage.records import Asked, Result, TrialRecord


class FixedRuns:
    """Proposes each of a list of runs once; runs that exist already count.

    Parameters
    ----------
    runs
        In the order in which they are wanted. A run is known by its arm and seed.
    """

    def __init__(self, runs: Sequence[Asked]) -> None:
        self._missing = {(run.arm, run.seed): run for run in runs}

    def propose(self, number: int) -> Asked | None:  # noqa: ARG002 - the interface
        """Return the next run that does not exist."""
        if not self._missing:
            return None
        return self._missing.pop(next(iter(self._missing)))

    def halts(self, asked: Asked) -> tuple[int, ...] | None:
        """Return a third and two thirds of the length: only checkpoints are written there."""
        thirds = (asked.max_steps // 3, 2 * asked.max_steps // 3)
        return tuple(step for step in dict.fromkeys(thirds) if step > 0)

    def stops(self, number: int, asked: Asked, step: int, value: float) -> bool:  # noqa: ARG002
        """Return False: measured runs are never pruned."""
        return False

    def told(self, number: int, asked: Asked, result: Result) -> None:
        """Need nothing."""

    def restore(self, trial: FrozenTrial, record: TrialRecord) -> None:  # noqa: ARG002
        """Count a run that exists."""
        self._missing.pop((record.asked.arm, record.asked.seed), None)

    def foreign(self, trial: FrozenTrial) -> None:
        """Need nothing."""

    def notes_on(self, number: int) -> Mapping[str, Any]:  # noqa: ARG002 - the interface
        """Return nothing: no sampler takes part."""
        return {}

"""Which trials that have ended keep a checkpoint: a series' best one, and the one that ended last.

A kept checkpoint is a row of the database. What an ended trial has on disk beside it is left over,
and deleted by whoever sees it next: this driver, the next one, or ``winnow gc``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from search.storage.records import Checkpoint, Result, TrialRecord


@dataclass(frozen=True)
class _Kept:
    value: float
    finished: float
    checkpoint: Checkpoint


class Retention:
    """The kept checkpoints of a series.

    Parameters
    ----------
    sign
        Of the first objective: 1 where larger values are better, else -1.
    trials
        What the database holds.
    """

    def __init__(self, sign: float, trials: Iterable[TrialRecord] = ()) -> None:
        self._sign = sign
        self._kept: dict[int, _Kept] = {}
        for trial in trials:
            result = trial.result
            if result is not None and result.outcome == "complete" and trial.checkpoints:
                self._add(trial.number, result, trial.checkpoints[-1])

    @property
    def best(self) -> int | None:
        """Number of the best trial that keeps one; the first of equals."""
        order = sorted(self._kept.items(), key=lambda item: item[1].finished)
        return max(order, key=lambda item: item[1].value, default=(None, None))[0]

    @property
    def last(self) -> int | None:
        """Number of the trial that keeps one and ended last."""
        order = self._kept.items()
        return max(order, key=lambda item: item[1].finished, default=(None, None))[0]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the trials that keep one."""
        return tuple(self._kept)

    def of(self, number: int) -> Checkpoint | None:
        """Return the checkpoint that a trial keeps, if it keeps one."""
        kept = self._kept.get(number)
        return None if kept is None else kept.checkpoint

    def take(self, number: int, result: Result, checkpoint: Checkpoint) -> tuple[int, ...]:
        """Keep the checkpoint of a trial that is complete; return the trials that lose theirs."""
        self._add(number, result, checkpoint)
        lost = tuple(other for other in self._kept if other not in (self.best, self.last))
        for other in lost:
            del self._kept[other]
        return lost

    def _add(self, number: int, result: Result, checkpoint: Checkpoint) -> None:
        value = self._sign * result.values[0]
        self._kept[number] = _Kept(value, result.finished, checkpoint)

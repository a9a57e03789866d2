"""A trial under way, and the counts of those that have ended."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.storage.records import Asked, Attempt, Outcome, Result, Step
from search.study import Objective

HANGS = 1  # a run that hangs is tried again so often
Point = tuple[int, tuple[float, ...]]


@dataclass
class Live:
    """A trial under way: the one record that fills up, and it never leaves its series.

    Parameters
    ----------
    asked, objectives, score_at
        What is run, and how it is scored.
    attempt
        The attempt under way.
    attempts, raised
        How many there have been, and how many of them raised.
    alone
        Whether it ran out of memory beside others, and gets an accelerator to itself.
    hangs
        Why attempts were ended that hung.
    values
        The objectives' values by step.
    host, gpu_s
        Where the newest attempt runs, and the GPU-seconds of those that have ended.
    seen
        When its worker was heard of last, in seconds since the epoch.
    noted
        What Optuna's trial has been given to show.
    """

    asked: Asked
    objectives: Sequence[Objective]
    score_at: str = "last"
    attempt: Attempt | None = None
    attempts: int = 0
    raised: int = 0
    alone: bool = False
    hangs: list[str] = field(default_factory=list)
    values: dict[int, tuple[float, ...]] = field(default_factory=dict)
    host: str = ""
    gpu_s: float = 0.0
    seen: float = 0.0
    noted: Mapping[str, Any] = field(default_factory=dict)

    def take(self, step: Step) -> tuple[float, ...] | None:
        """Take note of a step; return the objectives' values, or None if one is not finite."""
        self.rewind(step.step - 1)
        values = tuple(step.metrics[goal.metric] for goal in self.objectives)
        if not all(math.isfinite(value) for value in values):
            return None
        self.values[step.step] = values
        return values

    def rewind(self, start_step: int) -> None:
        """Forget the steps that a new attempt repeats."""
        if start_step + 1 in self.values:
            self.values = {step: v for step, v in self.values.items() if step <= start_step}

    def attributes(self, host: str) -> dict[str, Any]:
        """Return what a person wants to see beside the trial in Optuna's dashboard."""
        repeated = {"attempts": self.attempts} if self.attempts > 1 else {}
        return {"host": host, "gpu_s": round(self.gpu_s, 3), **repeated}

    @property
    def hopeless(self) -> str | None:
        """Why the trial is not to be tried again, if it is not."""
        return self.hangs[-1] if len(self.hangs) > HANGS else None

    @property
    def last(self) -> Point:
        """The newest step and its values; (0, ()) before the first."""
        return max(self.values.items(), default=(0, ()))

    @property
    def scored(self) -> Point:
        """The step that counts: the last, or the best, as the study says."""
        if self.score_at == "last":
            return self.last
        sign = self.objectives[0].sign
        return max(self.values.items(), key=lambda item: sign * item[1][0], default=(0, ()))

    def complete(self) -> Result:
        """Return the result of a run that has reached its end."""
        step, values = self.scored
        return Result("complete", values, step, None, time.time())

    def cut(self, outcome: Outcome, reason: str | None = None) -> Result:
        """Return the result of a run that ended before its end."""
        step, values = self.last
        scored = () if outcome in ("failed", "diverged") else values
        return Result(outcome, scored, step, reason, time.time())


@dataclass
class Counts:
    """How many trials ended how, and what they took."""

    outcomes: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    full_steps: int = 0
    gpu_s: float = 0.0

    def add(self, outcome: Outcome, steps: int, max_steps: int) -> None:
        """Count one ended trial; a failed one neither took nor saved steps."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if outcome != "failed":
            self.steps += steps
            self.full_steps += max_steps

    @property
    def finished(self) -> int:
        """Trials that have ended, in whatever way."""
        return sum(self.outcomes.values())

    @property
    def saved(self) -> float:
        """Share of the steps of full runs that stopping early has saved."""
        return 1 - self.steps / self.full_steps if self.full_steps else 0.0


def finite(metrics: Iterable[Step], metric: str) -> Mapping[int, float]:
    """Return a metric's finite values by step."""
    found = {step.step: step.metrics[metric] for step in metrics}
    return {step: value for step, value in found.items() if math.isfinite(value)}

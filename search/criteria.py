"""Criterion: what a model must reach before one goes with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from search.errors import StudyError, did_you_mean
from search.objective import Direction

SIGNS = {"maximize": "≥", "minimize": "≤"}


@dataclass(frozen=True)
class Criterion:
    """A go/no-go threshold on a metric of one arm by itself.

    The verdict is "go" when the worse one-sided 95 % bound of the arm's mean over seeds reaches the
    threshold, "no-go" when the better bound misses it, and "undecided" otherwise.

    Parameters
    ----------
    metric
        Usually a held-out one; taken at the step at which a run is scored.
    direction
        "maximize": at least the threshold; "minimize": at most.
    threshold
        In the metric's unit.
    name
        For people; by default the criterion itself.
    blocks
        Whether a miss alone means no-go; else it makes a "go" conditional.

    Raises
    ------
    StudyError
        With every problem found.

    Examples
    --------
    >>> Criterion("test_ece", "minimize", 0.05).label
    'test_ece ≤ 0.05'
    """

    metric: str
    direction: Direction
    threshold: float
    name: str = ""
    blocks: bool = True

    def __post_init__(self) -> None:
        if problems := list(_problems(self)):
            raise StudyError(problems)

    @property
    def label(self) -> str:
        """The name, or the criterion in signs."""
        return self.name or f"{self.metric} {SIGNS[self.direction]} {self.threshold:g}"

    def as_json(self) -> dict[str, Any]:
        """Return the criterion as a registration keeps it; what is usual is not said."""
        unusual = {} if self.blocks else {"blocks": False}
        return {
            "name": self.label,
            "metric": self.metric,
            "direction": self.direction,
            "threshold": float(self.threshold),
            **unusual,
        }


def _problems(criterion: Criterion) -> Iterator[str]:
    if not isinstance(criterion.metric, str) or not criterion.metric:
        yield f"Criterion.metric must be the name of a metric, got {criterion.metric!r}"
    name = f"Criterion('{criterion.metric}')"
    if criterion.direction not in SIGNS:
        meant = did_you_mean(str(criterion.direction), tuple(SIGNS))
        yield f"{name}.direction is 'maximize' or 'minimize', got {criterion.direction!r}{meant}"
    value = criterion.threshold
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):
        yield f"{name}.threshold must be a finite number, got {value!r}"
    if not isinstance(criterion.blocks, bool):
        yield f"{name}.blocks is True or False, got {criterion.blocks!r}"
    if not isinstance(criterion.name, str):
        yield f"{name}.name is a text, got {criterion.name!r}"

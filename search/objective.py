"""Objective: a metric, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from search.errors import StudyError, did_you_mean

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Objective:
    """A metric and the direction in which it is better.

    Examples
    --------
    >>> Objective("val_loss", "minimize").sign
    -1
    """

    metric: str
    direction: Direction

    def __post_init__(self) -> None:
        problems = []
        if not isinstance(self.metric, str) or not self.metric:
            problems.append(f"Objective.metric must be the name of a metric, got {self.metric!r}")
        if self.direction not in ("maximize", "minimize"):
            meant = did_you_mean(self.direction, ("maximize", "minimize"))
            problems.append(
                f"Objective('{self.metric}').direction is 'maximize' or 'minimize', "
                f"got {self.direction!r}{meant}"
            )
        if problems:
            raise StudyError(problems)

    @property
    def sign(self) -> int:
        """+1 when greater is better, -1 when smaller is."""
        return 1 if self.direction == "maximize" else -1

"""What is fixed before any run: the arms, the looks, the thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from search.statistics.errors import StatisticsError

PROFILES = {
    "scout": (3,),  # estimates without verdicts
    "quick": (3, 6, 12),
    "standard": (3, 5, 8, 12, 20),
    "deep": (5, 10, 20, 40),
}
"""Seeds at each look."""


def gain_weight(hours: float) -> float:
    """Weight w of the default delta: half the root of the working hours.

    At the hours that stand for Low, Medium and High effort (1, 4, 16) this is 0.5, 1 and 2; spans
    lie between.

    Examples
    --------
    >>> [gain_weight(hours) for hours in (1, 4, 16)]
    [0.5, 1.0, 2.0]
    """
    return math.sqrt(hours) / 2


@dataclass(frozen=True)
class Arm:
    """One registered technique, as the statistics see it.

    Parameters
    ----------
    name
        The technique's name, unique.
    smallest_gain
        Its own delta in the unit of the evaluation metric; None takes the study's.
    effort_hours
        Working hours that adopting it costs.
    effort_weight
        w of the default delta (`gain_weight` of the hours its effort stands for).
    levels
        Names of the columns of a technique measured at several values; empty: one column under
        the technique's own name.
    block
        m > 1 for a seed ensemble: its k-th run is paired with seeds (k-1)m .. km-1 of the baseline.
    as_good_but_cheaper
        Registered as a candidate for `free_win`: it keeps getting seeds after a plain `reject`
        until its lower bound lies above -delta.
    withdrawn
        No longer in the study file; it keeps its place in Holm's K and its frozen numbers.
    planned
        Listed but never run; outside K, because nothing is tested.
    not_comparable
        Why its runs may not be compared (other budget, split, metric, seeds or code).
    """

    name: str
    smallest_gain: float | None = None
    effort_hours: float = 4.0
    effort_weight: float = 1.0
    levels: tuple[str, ...] = ()
    block: int = 1
    as_good_but_cheaper: bool = False
    withdrawn: bool = False
    planned: bool = False
    not_comparable: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of scores that belong to this technique."""
        return self.levels or (self.name,)

    @property
    def compared(self) -> bool:
        """Whether its runs enter any number."""
        return not self.planned and self.not_comparable is None


@dataclass(frozen=True)
class Registration:
    """The rules of one priority table.

    Parameters
    ----------
    arms
        Every technique ever registered under the study's name.
    direction
        Of the evaluation metric.
    smallest_gain
        Delta for arms without one of their own. None: ``effort_weight × sigma_b``, with sigma_b
        frozen at the first look.
    looks
        Seeds at each look, increasing. No verdict is given on fewer than three.
    alpha
        Familywise rate of false adoptions.
    max_fail
        Highest failure rate with which a technique may be adopted.
    test_train_ratio
        n_test / n_train under resplit replication, otherwise 0 (Nadeau and Bengio 2003,
        doi:10.1023/A:1024068626366).
    also_registered
        Techniques in K of which no trace is left but the count.
    open_ended
        Decide by e-values, valid at any number of looks, instead of by spending alpha.

    Raises
    ------
    StatisticsError
        With every problem found.
    """

    arms: tuple[Arm, ...]
    direction: Literal["maximize", "minimize"] = "maximize"
    smallest_gain: float | None = None
    looks: tuple[int, ...] = PROFILES["standard"]
    alpha: float = 0.05
    max_fail: float = 0.10
    test_train_ratio: float = 0.0
    also_registered: int = 0
    open_ended: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", tuple(self.arms))
        object.__setattr__(self, "looks", tuple(self.looks))
        if problems := [*self._rule_problems(), *self._arm_problems()]:
            raise StatisticsError("; ".join(problems))

    @property
    def sign(self) -> int:
        """+1 when greater is better, -1 when smaller is."""
        return 1 if self.direction == "maximize" else -1

    @property
    def n_registered(self) -> int:
        """Holm's K."""
        return sum(not arm.planned for arm in self.arms) + self.also_registered

    def _rule_problems(self) -> Iterator[str]:
        looks = self.looks
        if not looks or looks[0] < 1 or any(a >= b for a, b in pairwise(looks)):
            yield f"looks must be increasing numbers of seeds, got {looks!r}"
        if self.direction not in ("maximize", "minimize"):
            yield f"direction is 'maximize' or 'minimize', got {self.direction!r}"
        if not 0 < self.alpha < 1:
            yield f"alpha must lie between 0 and 1, got {self.alpha!r}"
        if not 0 <= self.max_fail < 1:
            yield f"max_fail must lie in [0, 1), got {self.max_fail!r}"
        if not 0 <= self.test_train_ratio < math.inf:
            yield f"test_train_ratio must be finite, 0 or more, got {self.test_train_ratio!r}"
        if self.also_registered < 0:
            yield f"also_registered must be 0 or more, got {self.also_registered!r}"
        if self.smallest_gain is not None and not 0 < self.smallest_gain < math.inf:
            yield f"smallest_gain must be positive, got {self.smallest_gain!r}"

    def _arm_problems(self) -> Iterator[str]:
        names = [name for arm in self.arms for name in (arm.name, *arm.levels)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            yield f"each arm needs a name of its own; twice: {', '.join(twice)}"
        for arm in self.arms:
            for label in ("smallest_gain", "effort_hours", "effort_weight"):
                value = getattr(arm, label)
                if value is not None and not 0 < value < math.inf:
                    yield f"arm '{arm.name}': {label} must be positive, got {value!r}"
            if arm.block < 1:
                yield f"arm '{arm.name}': block must be 1 or more, got {arm.block!r}"

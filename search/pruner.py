"""Pruners, as a study names them: ASHA, median stopping, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from search.errors import StudyError


@dataclass(frozen=True)
class ASHA:
    """Asynchronous successive halving (Li et al. 2020, arXiv:1810.05934), stopping variant.

    Parameters
    ----------
    reduction_factor
        *eta* in the paper: one in `reduction_factor` arrivals passes a rung.
    grace_steps
        *r* in the paper: the first rung, in steps. None: such that `rungs` rungs fit.
    rungs
        Number of rungs at most; None: as many as fit below the full length.
    brackets
        Hyperband-style: bracket *s* starts at ``grace_steps * eta**s``; a trial's bracket is
        drawn from the study's seed and the trial's number.

    Examples
    --------
    >>> ASHA().steps(27)
    (1, 3, 9)
    >>> ASHA(reduction_factor=2, grace_steps=5).steps(40)
    (5, 10, 20)
    >>> ASHA(brackets=2).steps(27, bracket=1)
    (3, 9)
    """

    reduction_factor: int = 3
    grace_steps: int | None = None
    rungs: int | None = None
    brackets: int = 1

    def __post_init__(self) -> None:
        problems = []
        if not _is_whole(self.reduction_factor, 2):
            problems.append(
                "ASHA.reduction_factor must be a whole number from 2, "
                f"got {self.reduction_factor!r}"
            )
        for name in ("grace_steps", "rungs", "brackets"):
            value = getattr(self, name)
            optional = value is None and name != "brackets"
            if not optional and not _is_whole(value, 1):
                problems.append(f"ASHA.{name} must be a whole number from 1, got {value!r}")
        if problems:
            raise StudyError(problems)

    def steps(self, max_steps: int, *, bracket: int = 0) -> tuple[int, ...]:
        """Return the steps of a bracket's rungs, all below the full length."""
        eta, wanted = self.reduction_factor, self.rungs or 3
        grace = self.grace_steps or max(1, round(max_steps / eta**wanted))
        steps = []
        step = grace * eta**bracket
        while step < max_steps:
            steps.append(step)
            step *= eta
        return tuple(steps[: self.rungs])


@dataclass(frozen=True)
class MedianStopping:
    """Stop a trial whose best is worse than the median of the others' running means.

    The rule of Google Vizier (Golovin et al. 2017, doi:10.1145/3097983.3098043).

    Parameters
    ----------
    grace_steps
        No trial is stopped before this step.
    min_trials
        Nor before this many other trials have reached the same step.
    """

    grace_steps: int = 1
    min_trials: int = 3

    def __post_init__(self) -> None:
        problems = [
            f"MedianStopping.{name} must be a whole number from 1, got {getattr(self, name)!r}"
            for name in ("grace_steps", "min_trials")
            if not _is_whole(getattr(self, name), 1)
        ]
        if problems:
            raise StudyError(problems)


@dataclass(frozen=True)
class NoPruning:
    """Every trial runs to its full length."""


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


Pruner: TypeAlias = ASHA | MedianStopping | NoPruning

"""Deciders: which trials go on. Pure objects, rebuilt from the database, shared by both engines.

Asynchronous successive halving in its stopping variant (Li et al. 2020, arXiv:1810.05934): a trial
that reaches a rung goes on if it is among the best one in *eta* that have reached it so far; the
first arrival always is.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Protocol

import numpy as np

from search.pruner import ASHA, MedianStopping, NoPruning, Pruner

Curve = Iterable[tuple[int, float]]


class Decider(Protocol):
    """What an engine asks after a step."""

    def halts(self, bracket: int) -> tuple[int, ...] | None:
        """Return the steps after which it decides; None: after every step."""

    def stops(self, trial: int, bracket: int, step: int, value: float) -> bool:
        """Return whether the trial is to be stopped after this step."""

    def restore(self, trial: int, bracket: int, curve: Curve) -> None:
        """Take over what a trial reported earlier."""

    def diverged(self, trial: int, bracket: int, step: int) -> None:
        """Take note that a trial broke down after `step`, its last finite one."""


class Rungs:
    """The rungs of an ASHA, by bracket.

    Parameters
    ----------
    asha
        Reduction factor (*eta*), grace steps (*r*) and number of rungs.
    max_steps
        The full length (*R* in the paper).
    sign
        +1 when greater is better, -1 when smaller is.

    Examples
    --------
    Three trials reach the first rung; the first always passes, then one in three does:

    >>> rungs = Rungs(ASHA(grace_steps=1), max_steps=9, sign=1)
    >>> rungs.halts(0)
    (1, 3)
    >>> [rungs.stops(trial, 0, 1, value) for trial, value in enumerate([0.5, 0.4, 0.6])]
    [False, True, False]
    """

    def __init__(self, asha: ASHA, max_steps: int, sign: int) -> None:
        self._eta, self._sign = asha.reduction_factor, sign
        self._steps = {b: asha.steps(max_steps, bracket=b) for b in range(asha.brackets)}
        self._rungs = {
            (bracket, step): _Rung() for bracket, steps in self._steps.items() for step in steps
        }

    def halts(self, bracket: int) -> tuple[int, ...] | None:
        """Return the steps of the bracket's rungs."""
        return self._steps[bracket]

    def stops(self, trial: int, bracket: int, step: int, value: float) -> bool:
        """Return whether a trial fails at this rung; asked again, it passes: it went on before."""
        rung = self._rungs.get((bracket, step))
        if rung is None or trial in rung.values:
            return False
        rung.book(trial, self._sign * value)
        passing = max(1, len(rung.values) // self._eta)
        return rung.better(trial) >= passing

    def restore(self, trial: int, bracket: int, curve: Curve) -> None:
        """Book a trial's earlier values at the rungs it reached."""
        for step, value in curve:
            rung = self._rungs.get((bracket, step))
            if rung is not None and math.isfinite(value):
                rung.book(trial, self._sign * value)

    def diverged(self, trial: int, bracket: int, step: int) -> None:
        """Book the trial as the worst of the rung it was on its way to."""
        ahead = [rung for rung in self._steps[bracket] if rung > step]
        if ahead:
            self._rungs[bracket, ahead[0]].book(trial, -math.inf)

    @property
    def values(self) -> Mapping[tuple[int, int], Mapping[int, float]]:
        """What is booked: (bracket, step) to trial to value, greater is better."""
        return {place: rung.values for place, rung in self._rungs.items()}


class _Rung:
    """The values at one rung; sorted too, since each is compared with all that came before."""

    def __init__(self) -> None:
        self.values: dict[int, float] = {}
        self._sorted: list[float] = []

    def book(self, trial: int, value: float) -> None:
        """Book a trial's value; a later one replaces it."""
        if trial in self.values:
            self._sorted.pop(bisect_left(self._sorted, self.values[trial]))
        self.values[trial] = value
        insort(self._sorted, value)

    def better(self, trial: int) -> int:
        """Return how many values are greater than a trial's."""
        return len(self._sorted) - bisect_right(self._sorted, self.values[trial])


class Medians:
    """Median stopping (Golovin et al. 2017): compares a trial's best with running means.

    Examples
    --------
    >>> medians = Medians(MedianStopping(min_trials=1), sign=1)
    >>> medians.stops(0, 0, 1, 0.8), medians.stops(1, 0, 1, 0.2)
    (False, True)
    """

    def __init__(self, rule: MedianStopping, sign: int) -> None:
        self._rule, self._sign = rule, sign
        self._curves: dict[int, _Curve] = {}

    def halts(self, bracket: int) -> tuple[int, ...] | None:  # noqa: ARG002 - the interface
        """Return None: it decides after every step."""
        return None

    def stops(self, trial: int, bracket: int, step: int, value: float) -> bool:  # noqa: ARG002
        """Return whether the trial's best is below the median of the others' running means.

        Asked again about a step, the trial passes: it went on before.
        """
        mine = self._curves.setdefault(trial, _Curve())
        if step in mine.means:
            return False
        mine.add(step, self._sign * value)
        if step < self._rule.grace_steps:
            return False
        means = [
            curve.means[step]
            for other, curve in self._curves.items()
            if other != trial and step in curve.means
        ]
        return len(means) >= self._rule.min_trials and mine.best < median(means)

    def restore(self, trial: int, bracket: int, curve: Curve) -> None:  # noqa: ARG002
        """Take over a trial's earlier values; the later of two values of a step counts."""
        for step, value in sorted(dict(curve).items()):
            if math.isfinite(value):
                self._curves.setdefault(trial, _Curve()).add(step, self._sign * value)

    def diverged(self, trial: int, bracket: int, step: int) -> None:
        """Need nothing: a trial has no mean beyond its last step."""


class _Curve:
    """A trial's running means by step, and its best value."""

    def __init__(self) -> None:
        self.means: dict[int, float] = {}
        self.best = -math.inf
        self._total = 0.0

    def add(self, step: int, value: float) -> None:
        self._total += value
        self.means[step] = self._total / (len(self.means) + 1)
        self.best = max(self.best, value)


class Never:
    """Every trial runs to its full length."""

    def halts(self, bracket: int) -> tuple[int, ...] | None:  # noqa: ARG002 - the interface
        """Return no step: it never decides."""
        return ()

    def stops(self, trial: int, bracket: int, step: int, value: float) -> bool:  # noqa: ARG002
        """Return False."""
        return False

    def restore(self, trial: int, bracket: int, curve: Curve) -> None:
        """Need nothing."""

    def diverged(self, trial: int, bracket: int, step: int) -> None:
        """Need nothing."""


def make_decider(pruner: Pruner, max_steps: int, sign: int) -> Decider:
    """Return the decider that a pruner names."""
    match pruner:
        case ASHA():
            return Rungs(pruner, max_steps, sign)
        case MedianStopping():
            return Medians(pruner, sign)
        case NoPruning():
            return Never()


def draw_bracket(pruner: Pruner, max_steps: int, rng: np.random.Generator) -> int:
    """Return a trial's bracket, Hyperband-style: those that start later get fewer trials.

    Bracket *s* is drawn in proportion to the trials Hyperband gives it for equal budgets
    (Li et al. 2018, arXiv:1603.06560): about ``eta**(s_max - s) * (s_max + 1)/(s_max - s + 1)``.
    """
    if not isinstance(pruner, ASHA) or pruner.brackets == 1:
        return 0
    rungs = [len(pruner.steps(max_steps, bracket=b)) for b in range(pruner.brackets)]
    weights = np.array([pruner.reduction_factor**n / (n + 1) for n in rungs], dtype=float)
    return int(rng.choice(pruner.brackets, p=weights / weights.sum()))

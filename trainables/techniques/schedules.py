"""Learning rates: pure functions of the optimizer step, and one that follows a metric.

References
----------
Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts",
arXiv:1608.03983 (cosine, and its restarts).
Smith and Topin 2019, "Super-convergence", arXiv:1708.07120 (one cycle).
Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization",
arXiv:1803.05407 (constant and cyclic rates while averaging).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Shape = Literal["cosine", "constant"]
AveragingShape = Literal["constant", "cyclic"]
CYCLE_FLOOR = 0.1  # a cycle falls from the rate to this share of it: the paper's range is 5 to 100


@dataclass(frozen=True)
class WarmupSchedule:
    """Linear warm-up, then a cosine or a constant; a factor on each group's own rate.

    Parameters
    ----------
    total
        Optimizer steps of the whole run.
    warmup
        Share of them that warms up.
    shape
        What follows.
    start
        Factor that the warm-up rises from; its first step is above it.
    floor
        Factor that the cosine falls to.
    """

    total: int
    warmup: float
    shape: Shape
    start: float = 0.0
    floor: float = 0.0

    def factor(self, step: int) -> float:
        """Return the factor for the optimizer step of this index, the first being 0.

        Examples
        --------
        >>> schedule = WarmupSchedule(total=10, warmup=0.2, shape="cosine")
        >>> [round(schedule.factor(step), 3) for step in (0, 1, 2, 6, 9)]
        [0.5, 1.0, 1.0, 0.5, 0.038]
        """
        warm = round(self.warmup * self.total)
        if step < warm:
            return self.start + (1 - self.start) * (step + 1) / warm
        if self.shape == "constant":
            return 1.0
        progress = (step - warm) / max(1, self.total - warm)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
        return self.floor + (1 - self.floor) * cosine


@dataclass(frozen=True)
class RestartSchedule:
    """A cosine that begins again and again; a factor on each group's own rate.

    That of `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`.

    Parameters
    ----------
    period
        Optimizer steps of the first cosine: T_0 in the paper.
    multiplier
        How many times as long as its predecessor each further one is: T_mult.
    floor
        Factor that each cosine falls to.
    """

    period: float
    multiplier: int = 1
    floor: float = 0.0

    def factor(self, step: int) -> float:
        """Return the factor for the optimizer step of this index, the first being 0.

        Examples
        --------
        >>> schedule = RestartSchedule(period=2, multiplier=2)
        >>> [round(schedule.factor(step), 3) for step in range(7)]
        [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
        """
        since, length = float(step), self.period
        while since >= length:
            since, length = since - length, length * self.multiplier
        cosine = 0.5 * (1 + math.cos(math.pi * since / length))
        return self.floor + (1 - self.floor) * cosine


@dataclass(frozen=True)
class OneCycleSchedule:
    """A rate that rises and falls once, along cosines; a factor on each group's own rate.

    That of `torch.optim.lr_scheduler.OneCycleLR`, without its cycle of the momentum.

    Parameters
    ----------
    total
        Optimizer steps of the whole run.
    rise
        Share of them that rises.
    start
        Factor that it rises from.
    floor
        Factor that it falls to.
    """

    total: int
    rise: float = 0.3
    start: float = 1 / 25
    floor: float = 1 / 25e4

    def factor(self, step: int) -> float:
        """Return the factor for the optimizer step of this index, the first being 0.

        Examples
        --------
        >>> schedule = OneCycleSchedule(total=11, rise=0.3, start=0.1, floor=0.0)
        >>> [round(schedule.factor(step), 3) for step in (0, 1, 2, 3, 6, 10)]
        [0.1, 0.458, 0.963, 0.98, 0.531, 0.0]
        """
        top = self.rise * self.total - 1
        if step <= top:
            return _between(self.start, 1.0, step / top if top > 0 else 1.0)
        return _between(1.0, self.floor, min(1.0, (step - top) / max(1.0, self.total - 1 - top)))


def _between(first: float, last: float, progress: float) -> float:
    """Return what a half cosine from one value to another has come to."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class AveragingSchedule:
    """The rate while weights are averaged: annealed to a rate, then constant or cyclic.

    The constant one is that of `torch.optim.swa_utils.SWALR` with its cosine annealing.

    Parameters
    ----------
    rate
        The rate to average at.
    anneal
        Optimizer steps to get there from the rate before.
    shape
        "constant", or "cyclic": linear from `rate` down to a tenth of it, again and again.
    cycle
        Optimizer steps of a cycle.
    """

    rate: float
    anneal: int
    shape: AveragingShape
    cycle: int

    def value(self, step: int, before: float) -> float:
        """Return the rate `step` optimizer steps after averaging began, `before` being the last."""
        if self.shape == "cyclic":
            progress = (step % self.cycle + 1) / self.cycle
            return self.rate * (1 - progress * (1 - CYCLE_FLOOR))
        progress = min(1.0, (step + 1) / max(1, self.anneal))
        share = 0.5 * (1 - math.cos(math.pi * progress))
        return share * self.rate + (1 - share) * before


class PlateauSchedule:
    """A factor on each group's own rate that falls whenever a metric stops rising.

    The only schedule with a past: it follows what is measured, and so has a state.

    Parameters
    ----------
    patience
        Epochs without a new best that are waited for.
    decay
        What the factor is multiplied by then.

    Examples
    --------
    >>> schedule = PlateauSchedule(patience=1, decay=0.5)
    >>> for value in (0.6, 0.7, 0.7, 0.7):
    ...     schedule.observe(value)
    >>> schedule.factor
    0.5
    """

    def __init__(self, patience: int, decay: float) -> None:
        self._patience, self._decay = patience, decay
        self._best, self._since = -math.inf, 0
        self.factor = 1.0

    def observe(self, value: float) -> None:
        """Take note of an epoch's metric; greater is better."""
        self._since += 1
        if value > self._best:
            self._best, self._since = value, 0
        elif self._since > self._patience:
            self.factor, self._since = self.factor * self._decay, 0

    def state_dict(self) -> dict[str, float]:
        """Return what `load_state_dict` needs to continue."""
        return {"best": self._best, "since": self._since, "factor": self.factor}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Continue from what `state_dict` returned."""
        self._best, self._since = state["best"], int(state["since"])
        self.factor = state["factor"]

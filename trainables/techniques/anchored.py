"""A3DRO: weights by how badly each task does against its own beginning.

Every task has a baseline b, what its loss was in the first epochs. Its regret r = log(L / b) has no
unit, so that a loss of 1e5 competes with one of 1e-5; tasks of high regret gain weight, but within
a budget; tasks whose targets are rarely known lose it. The name stands for "availability-aware
anchored distributionally robust objective", and comes from the source document.

References
----------
Sagawa et al. 2020, arXiv:1911.08731 (worst-group weights); Agarwal and Zhang 2022, arXiv:2202.05436
(regret instead of risk); Li et al. 2021, arXiv:2007.01162 (tilted losses).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from trainables.techniques.limits import at_least, one_of, positive, within
from trainables.techniques.weighting import Weighting

ClipMode = Literal["hard", "soft"]
Aggregation = Literal["linear", "lse"]
BaselineKind = Literal["ema", "median"]
Anchoring = Literal["first_step", "warm_up"]

TINY: Final = 1e-8  # added to losses before their logarithm is taken


@dataclass(frozen=True)
class A3droConfig:
    """Weights by regret."""

    temperature: float = 1.0  # λ: the lower, the more the worst task gets
    beta: float = 0.35  # budget shared out whatever the regrets
    clip: float = 3.0  # |regret| at most; 0 for no limit
    clip_mode: ClipMode = "soft"  # c tanh(r / c); "hard" has no gradient beyond the limit
    detach_q: bool = True  # weights are constants; else a task's weight has a gradient of its own
    aggregation: Aggregation = "linear"  # Σ q r; "lse": λ log Σ q exp(r / λ)
    baseline: BaselineKind = "ema"  # of the losses of the warm-up
    ema_rate: float = 0.1
    anchoring: Anchoring = "first_step"  # "warm_up": the baseline is 1 until the warm-up ends
    warmup_epochs: int = 3
    kappa: float = 20.0  # steepness of the gate
    min_availability: float = 0.2  # where the gate is half open


def a3dro_problems(config: A3droConfig, *, prefix: str) -> Iterator[str]:
    """Yield what is wrong with a configuration."""
    yield from positive(config, "temperature", "ema_rate", prefix=prefix)
    yield from within(config, 0, 1, "beta", "ema_rate", "min_availability", prefix=prefix)
    yield from at_least(config, 0, "clip", "kappa", prefix=prefix)
    yield from at_least(config, 1, "warmup_epochs", prefix=prefix)
    for name, kinds in (
        ("clip_mode", ClipMode),
        ("aggregation", Aggregation),
        ("baseline", BaselineKind),
        ("anchoring", Anchoring),
    ):
        yield from one_of(config, name, get_args(kinds), prefix=prefix)


class Anchored(Weighting):
    """Σ q r over the tasks of a batch; with n tasks, β/n ≤ q ≤ 1 - β + β/n.

    q = (1 - β) softmax(log g + r/λ) + β g/Σg, with gates g = σ(κ (availability - a_min)): a task
    that the gate excludes counts for nothing in the budget either.

    Each task's loss returned is its term of the total, with the *whole* total's derivative by its
    own regret, as a constant, for slope: their gradients add up to the total's in all modes, and
    each reaches its own task only. ("lse" of constant weights tilts twice, by weight and by
    exponential, so that it may exceed the budget.)

    Parameters
    ----------
    tasks
        Their names.
    config : A3droConfig
    """

    def __init__(self, tasks: Sequence[str], config: A3droConfig) -> None:
        super().__init__(tasks)
        self.config = config
        self.epochs = 0
        self._running: dict[str, float] = {}
        self._seen: dict[str, list[float]] = {task: [] for task in self.tasks}

    @property
    def baselines(self) -> dict[str, float]:
        """What losses are compared with; a task that was not seen yet is left out."""
        if self.config.baseline == "ema":
            return dict(self._running)
        return {task: statistics.median(seen) for task, seen in self._seen.items() if seen}

    def end_epoch(self) -> None:
        """Count an epoch; baselines stay as they are after the warm-up's last."""
        self.epochs += 1

    def regrets(self, losses: Tensor, places: list[int]) -> Tensor:
        """Return the clipped log ratios of losses to their baselines."""
        known = self.baselines
        if self.config.anchoring == "warm_up" and self.epochs < self.config.warmup_epochs:
            known = {}
        anchors = losses.new_tensor([known.get(self.tasks[place], 1.0) for place in places])
        regret = torch.log(losses.clamp_min(0.0) + TINY) - torch.log(anchors + TINY)
        return clipped(regret, self.config.clip, self.config.clip_mode)

    def get_extra_state(self) -> dict[str, Any]:
        """Return what was seen so far."""
        seen = {task: list(values) for task, values in self._seen.items()}
        return {"epochs": self.epochs, "running": dict(self._running), "seen": seen}

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what `get_extra_state` returned."""
        self.epochs, self._running = int(state["epochs"]), dict(state["running"])
        self._seen = {task: list(values) for task, values in state["seen"].items()}

    def _weigh(self, losses: Tensor, places: list[int], availability: Tensor) -> Tensor:
        if self.training and self.epochs < self.config.warmup_epochs:
            self._witness(losses.detach(), places)
        regret = self.regrets(losses, places)
        openness = self.config.kappa * (availability - self.config.min_availability)
        gates = functional.logsigmoid(openness)  # log g
        with torch.enable_grad():
            free = regret.detach().requires_grad_()
            weights = self._weights(free, gates)
            value = self._aggregate(free, weights)
            (slopes,) = torch.autograd.grad(value.sum(), free)
        self._remember(places, weights)
        return value.detach() + slopes * (regret - regret.detach())

    def _weights(self, regret: Tensor, gates: Tensor) -> Tensor:
        settings = self.config
        worst = torch.softmax(gates + regret / settings.temperature, dim=0)
        weights = (1 - settings.beta) * worst + settings.beta * torch.softmax(gates, dim=0)
        return weights.detach() if settings.detach_q else weights

    def _aggregate(self, regret: Tensor, weights: Tensor) -> Tensor:
        """Return the terms of the total."""
        if self.config.aggregation == "linear":
            return weights * regret
        temperature = self.config.temperature
        value = temperature * torch.logsumexp(torch.log(weights) + regret / temperature, dim=0)
        return value / len(regret) * torch.ones_like(regret)

    def _witness(self, losses: Tensor, places: list[int]) -> None:
        rate = self.config.ema_rate
        for place, loss in zip(places, losses.tolist(), strict=True):
            task = self.tasks[place]
            if not math.isfinite(loss):
                continue
            before = self._running.get(task, loss)
            self._running[task] = (1 - rate) * before + rate * loss
            self._seen[task].append(loss)


def clipped(regret: Tensor, clip: float, mode: ClipMode) -> Tensor:
    """Return a regret kept within ±clip, by a clamp or a tanh; 0 for no limit."""
    if not clip:
        return regret
    return clip * torch.tanh(regret / clip) if mode == "soft" else regret.clamp(-clip, clip)


def anchored_value(
    losses: Mapping[str, float], baselines: Mapping[str, float], *, clip: float
) -> float:
    """Return the mean over tasks of log(L / b), clipped to ±clip (0 for no limit).

    It compares the epochs of one run. It compares no two runs: each has baselines of its own.

    Parameters
    ----------
    losses
        Validation losses; a task without a baseline is left out.
    baselines
        From `Anchored.baselines`.
    clip
        Limit of each log ratio.

    Returns
    -------
    float
        NaN if no task has a baseline, or if a loss is not finite.

    Examples
    --------
    >>> anchored_value({"a": 1.0, "b": 1e9}, {"a": 1.0, "b": 1.0}, clip=3.0)
    1.5
    """
    ratios = []
    for task in losses.keys() & baselines.keys():
        if not math.isfinite(losses[task]):
            return math.nan
        ratio = math.log(max(losses[task], 0.0) + TINY) - math.log(baselines[task] + TINY)
        ratios.append(max(-clip, min(clip, ratio)) if clip else ratio)
    return math.fsum(ratios) / len(ratios) if ratios else math.nan

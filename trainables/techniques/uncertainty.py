"""Weights of tasks' losses that are learnt as the tasks' uncertainty.

References
----------
Kendall, Gal and Cipolla 2018, "Multi-task learning using uncertainty to weigh losses",
arXiv:1705.07115.
Liebel and Körner 2018, "Auxiliary tasks in multi-task learning", arXiv:1805.06334.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.techniques.limits import at_least, positive
from trainables.techniques.weighting import Weighting


@dataclass(frozen=True)
class KendallConfig:
    """Learnt uncertainty; s is log σ², or what the softplus is taken of."""

    initial: float = 0.0  # of s; 1.05 to 1.9 in the source document
    lr_multiplier: float = 1.0  # s is one number a task: the network's rate may be slow for it
    clamp: float = 2.0  # |s| at most, in Kendall's; 0 for no limit
    regularisation: float = 0.01  # times s², in Kendall's


def kendall_problems(config: KendallConfig, *, prefix: str) -> Iterator[str]:
    """Yield what is wrong with a configuration."""
    yield from positive(config, "lr_multiplier", prefix=prefix)
    yield from at_least(config, 0, "clamp", "regularisation", prefix=prefix)
    if 0 < config.clamp < abs(config.initial):
        yield (
            f"{prefix}initial must lie within {prefix}clamp={config.clamp}: beyond it, s has no "
            f"gradient; got {config.initial}"
        )


class Learnt(Weighting):
    """Weights that descend the loss together with the network.

    Parameters
    ----------
    tasks
        Their names.
    config : KendallConfig
    """

    def __init__(self, tasks: Sequence[str], config: KendallConfig) -> None:
        super().__init__(tasks, lr_multiplier=config.lr_multiplier)
        self.config = config
        self.scales = nn.Parameter(torch.full((len(self.tasks),), config.initial))

    def _weigh(self, losses: Tensor, places: list[int], availability: Tensor) -> Tensor:  # noqa: ARG002  # the interface
        weights, extra = self._terms(self.scales[places])
        self._remember(places, weights)
        return weights.to(losses) * losses + extra.to(losses)

    @abstractmethod
    def _terms(self, scales: Tensor) -> tuple[Tensor, Tensor]:
        """Return the losses' weights, and what keeps these from vanishing."""


class Kendall(Learnt):
    """½ e^{-s} L + ½ s + r s², the form for regression, for every task, as the source has it.

    Without r and limits, the best s gives e^{-s} = 1 / L, and a total of ½ (1 + log L): below zero
    where L < 1 / e.
    """

    def _terms(self, scales: Tensor) -> tuple[Tensor, Tensor]:
        limit = self.config.clamp or math.inf
        s = scales.clamp(-limit, limit)
        pull = self.config.regularisation * scales.square()  # it brings s back from its limit
        return 0.5 * torch.exp(-s), 0.5 * s + pull


class SoftplusKendall(Learnt):
    """e^{-σ} L + σ, with σ = softplus(s) above 0: never negative.

    The best weight is min(1, 1 / L): a task whose loss is below 1 cannot be weighed up.
    """

    def _terms(self, scales: Tensor) -> tuple[Tensor, Tensor]:
        sigma = functional.softplus(scales)
        return torch.exp(-sigma), sigma


class Liebel(Learnt):
    """L / (2 σ²) + log(1 + σ²), with s = log σ²: never negative."""

    def _terms(self, scales: Tensor) -> tuple[Tensor, Tensor]:
        return 0.5 * torch.exp(-scales), functional.softplus(scales)

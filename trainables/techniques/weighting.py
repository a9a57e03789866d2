"""Weights of several tasks' losses: the interface, equal weights, and worst-group weights.

A weighting returns one loss per task, whose sum is what is minimised, so that gradient surgery can
still tell the tasks apart.

References
----------
Sagawa et al. 2020, "Distributionally robust neural networks for group shifts", arXiv:1911.08731.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class Weighting(nn.Module, ABC):
    """Turns losses of tasks into weighted losses of tasks.

    What it learns by gradient are its parameters; what it remembers is in its state too. In
    training mode a call updates its memory; in evaluation mode it does not.

    Parameters
    ----------
    tasks
        Names of all tasks that a loss may be given for.
    lr_multiplier
        Learning rate of its parameters, relative to the network's.
    """

    shares: Tensor

    def __init__(self, tasks: Sequence[str], *, lr_multiplier: float = 1.0) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.lr_multiplier = lr_multiplier
        self._place = {task: place for place, task in enumerate(self.tasks)}
        self.register_buffer("shares", torch.ones(len(self.tasks)))

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each task when it was last seen."""
        return dict(zip(self.tasks, self.shares.tolist(), strict=True))

    def forward(
        self, losses: Mapping[str, Tensor], availability: Mapping[str, float]
    ) -> dict[str, Tensor]:
        """Return the weighted loss of each task that has one.

        Parameters
        ----------
        losses
            A scalar for each task that is to learn from this batch, 0 or more.
        availability
            Share of each one's targets that is known; a task that is left out counts as fully
            known.
        """
        if not losses:
            return {}
        places = [self._place[task] for task in losses]
        stacked = torch.stack(list(losses.values()))
        shares = [availability.get(task, 1.0) for task in losses]
        weighted = self._weigh(stacked, places, stacked.new_tensor(shares))
        return dict(zip(losses, weighted.unbind(), strict=True))

    def end_epoch(self) -> None:
        """Tell that an epoch of training has ended; most weightings do not count them."""

    def _remember(self, places: list[int], weights: Tensor) -> None:
        self.shares[places] = weights.detach().to(self.shares)

    @abstractmethod
    def _weigh(self, losses: Tensor, places: list[int], availability: Tensor) -> Tensor:
        """Return the weighted losses of the tasks at some places, shape (n_present,)."""


def total(losses: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of losses; without any, a zero that can be differentiated."""
    if not losses:
        return torch.zeros((), requires_grad=True)
    return torch.stack(list(losses.values())).sum()


class Uniform(Weighting):
    """The plain sum."""

    def _weigh(self, losses: Tensor, places: list[int], availability: Tensor) -> Tensor:  # noqa: ARG002  # the interface
        return losses


@dataclass(frozen=True)
class GroupDroConfig:
    """Worst-group weights."""

    rate: float = 0.01  # η, the paper's step size of the weights


class GroupDro(Weighting):
    """Σ q L, with q ← q exp(η L) after every batch: the worst task gains weight.

    The weights of the tasks that a batch has sum to 1. Tasks whose losses have different units
    compete all the same: the one with the largest unit wins.

    Parameters
    ----------
    tasks
        Their names.
    config : GroupDroConfig
    """

    log_odds: Tensor

    def __init__(self, tasks: Sequence[str], config: GroupDroConfig) -> None:
        super().__init__(tasks)
        self.rate = config.rate
        self.register_buffer("log_odds", torch.zeros(len(self.tasks)))

    def _weigh(self, losses: Tensor, places: list[int], availability: Tensor) -> Tensor:  # noqa: ARG002  # the interface
        if self.training:
            risen = self.log_odds[places] + self.rate * losses.detach().to(self.log_odds)
            self.log_odds[places] = risen
            self.log_odds -= self.log_odds.max()  # only differences count; none may overflow
        weights = torch.softmax(self.log_odds[places], dim=0).to(losses)
        self._remember(places, weights)
        return weights * losses

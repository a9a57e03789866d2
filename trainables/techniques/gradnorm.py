"""GradNorm: loss weights such that no task's gradient dwarfs the others', and slow tasks get more.

References
----------
Chen et al. 2018, "GradNorm: gradient normalization for adaptive loss balancing in deep multitask
networks", arXiv:1711.02257.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchjd.aggregation import Aggregator

RATE = 0.025  # step size of the weights, relative: the paper's, where they train beside the network
SMALLEST = 0.01  # a weight of zero would never come back: its gradient's norm is zero too
TINY = 1e-12


class GradNorm(Aggregator):
    """Loss weights such that no task's gradient dwarfs the others', and slow tasks get more.

    The target of task i's gradient norm is Ḡ rᵢ^α: Ḡ the mean norm, rᵢ its loss relative to its
    first one, over the tasks' mean of that. A task that was absent since the last update, its
    losses zero, is left out, and its weight stays; its first loss is that of its first update. The
    norm is taken on all shared parameters (the paper takes the last shared layer, to save time that
    the Jacobian has already cost here). Losses are 0 or more: those below have no pace.

    Parameters
    ----------
    tasks
        Number of tasks; their weights sum to it.
    alpha
        α, how strongly slow tasks are favoured; 0 for equal norms.
    """

    weights: Tensor
    first: Tensor
    seen: Tensor

    def __init__(self, tasks: int, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.register_buffer("weights", torch.ones(tasks))
        self.register_buffer("first", torch.zeros(tasks))  # losses of each one's first update
        self.register_buffer("seen", torch.zeros(tasks))  # losses since the last update

    def weigh(self, losses: Sequence[Tensor]) -> list[Tensor]:
        """Return the losses times their weights, and remember them for the next update."""
        stacked = torch.stack([loss.detach() for loss in losses])
        self.weights, self.first = self.weights.to(stacked), self.first.to(stacked)
        self.seen = self.seen.to(stacked) + stacked
        return [weight * loss for weight, loss in zip(self.weights, losses, strict=True)]

    def forward(self, matrix: Tensor, /) -> Tensor:
        """Return the sum of the rows of the Jacobian of weighted losses; adapt the weights."""
        norms = matrix.norm(dim=1)  # Gᵢ, weights included
        self.first = torch.where(self.first == 0, self.seen, self.first)
        there = (self.seen != 0) & (self.first != 0)
        if bool(there.any()):
            self.weights = self._moved(norms, there)
        self.seen = torch.zeros_like(self.seen)
        return matrix.sum(dim=0)

    def _moved(self, norms: Tensor, there: Tensor) -> Tensor:
        """Return the next weights, whose sum over the tasks that are there stays."""
        norms, weights = norms[there], self.weights[there]
        pace = (self.seen[there] / self.first[there].clamp_min(TINY)).clamp_min(0.0)
        pace = pace / pace.mean().clamp_min(TINY)  # rᵢ
        target = norms.mean() * pace.pow(self.alpha)
        slope = torch.sign(norms - target) * norms / weights  # ∂|Gᵢ - target| / ∂wᵢ
        moved = (weights - RATE * slope).clamp_min(SMALLEST)
        found = self.weights.clone()
        found[there] = moved * weights.sum() / moved.sum()
        return found

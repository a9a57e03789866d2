"""Gradients of tasks, made one: noisy tasks give way to stable ones; tasks that are silent.

References
----------
Yu et al. 2020, "Gradient surgery for multi-task learning", arXiv:2001.06782 (the projection).
Chaudhry et al. 2019, "Efficient lifelong learning with A-GEM", arXiv:1812.00420 (one way only).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchjd.aggregation import Aggregator


class OneWay(Aggregator):
    """Σ g, the noisy tasks' without what points against an anchor's.

    Anchors stay as they are. From each other task's gradient, for each anchor in random order, its
    part along that anchor's own gradient is taken away if it points against it.

    Parameters
    ----------
    anchors
        Rows of the Jacobian that belong to anchors.
    """

    def __init__(self, anchors: Sequence[int]) -> None:
        super().__init__()
        self._anchors = sorted(set(anchors))

    def forward(self, matrix: Tensor, /) -> Tensor:
        """Return the update for a Jacobian of shape (n_tasks, n_parameters)."""
        noisy = [row for row in range(len(matrix)) if row not in self._anchors]
        kept = matrix[noisy]
        for place in torch.randperm(len(self._anchors)).tolist():
            anchor = matrix[self._anchors[place]]
            length = anchor @ anchor
            if bool(length > 0):
                against = (kept @ anchor).clamp_max(0.0) / length
                kept = kept - against.unsqueeze(1) * anchor
        return matrix[self._anchors].sum(dim=0) + kept.sum(dim=0)


class Audible(Aggregator):
    """Another aggregator, of the tasks that have a gradient, in double precision.

    A task that is absent from a batch has a gradient of zero. To MGDA, zero would be the one update
    that harms nobody; to others, a number to divide by.

    Parameters
    ----------
    inner
        The other aggregator, without memory of single tasks.
    """

    def __init__(self, inner: Aggregator) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, matrix: Tensor, /) -> Tensor:
        """Return the update for a Jacobian of shape (n_tasks, n_parameters)."""
        heard = matrix[matrix.abs().amax(dim=1) > 0]
        if len(heard) < 2:
            return heard.sum(dim=0)
        combined: Tensor = self.inner(heard.double())
        return combined.to(matrix)

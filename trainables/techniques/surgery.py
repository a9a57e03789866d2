"""Gradient surgery: how the gradients of several tasks become one on what they share.

Sum, mean, PCGrad and GradVac come from torchjd; CAGrad and GradNorm are our own.

References
----------
Yu et al. 2020, "Gradient surgery for multi-task learning", arXiv:2001.06782 (PCGrad).
Wang et al. 2021, "Gradient vaccine", arXiv:2010.05874 (GradVac).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torchjd.aggregation import Aggregator, GradVac, Mean, PCGrad, Sum
from torchjd.autojac import jac_to_grad, mtl_backward

from trainables.techniques.conflict_averse import ConflictAverse
from trainables.techniques.gradnorm import GradNorm

Kind = Literal["sum", "mean", "pcgrad", "gradvac", "cagrad", "gradnorm"]


class GradientSurgery:
    """Backward passes of several tasks, and one gradient from them.

    Parameters
    ----------
    kind
        How the tasks' gradients on the shared parameters become one.
    shared
        Parameters that all tasks share.
    heads
        Per task, the parameters of its head; tasks may share heads, whose gradients add up.
    cagrad_c
        CAGrad's c in [0, 1): radius around the mean gradient, in its norm.
    gradnorm_alpha
        GradNorm's α: how strongly slow tasks are favoured.
    """

    def __init__(
        self,
        kind: Kind,
        shared: Sequence[nn.Parameter],
        heads: Sequence[Sequence[nn.Parameter]],
        *,
        cagrad_c: float,
        gradnorm_alpha: float,
    ) -> None:
        self._shared, self._heads = list(shared), [list(head) for head in heads]
        self._plain = kind == "sum" or len(heads) == 1
        self._balance = GradNorm(len(heads), gradnorm_alpha) if kind == "gradnorm" else None
        self._aggregator = self._balance or _aggregator(kind, cagrad_c)

    @property
    def weights(self) -> Tensor:
        """Weight that each task's loss has at present, shape (n_tasks,)."""
        return torch.ones(len(self._heads)) if self._balance is None else self._balance.weights

    def backward(self, losses: Sequence[Tensor], features: Tensor) -> None:
        """Accumulate one batch's gradients.

        Parameters
        ----------
        losses
            One scalar per task, already weighted.
        features
            The last tensor that all tasks share.
        """
        if self._plain:
            torch.stack(list(losses)).sum().backward()  # type: ignore[no-untyped-call]  # torch's stub
            return
        if self._balance is not None:
            losses = self._balance.weigh(losses)
        mtl_backward(
            list(losses),
            features=features,
            tasks_params=self._heads,
            shared_params=self._shared,
            retain_graph=True,  # tasks that share a head go through its graph once each
            parallel_chunk_size=1,  # one pass per task is faster on a CPU than torch.vmap
        )

    def combine(self) -> None:
        """Turn what was accumulated into one gradient."""
        if not self._plain:
            jac_to_grad(self._shared, self._aggregator)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue."""
        return dict(self._aggregator.state_dict())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        if isinstance(self._aggregator, GradVac) and state:
            tasks = len(self._heads)
            self._aggregator(torch.zeros(tasks, tasks))  # its memory exists from the first use on
        self._aggregator.load_state_dict(state)


def _aggregator(kind: Kind, cagrad_c: float) -> Aggregator:
    if kind == "cagrad":
        return ConflictAverse(cagrad_c)
    simple = {"sum": Sum, "mean": Mean, "pcgrad": PCGrad, "gradvac": GradVac}
    return simple[kind]()

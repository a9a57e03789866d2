"""Gradient surgery: how the gradients of several tasks become one on what they share.

CAGrad, GradNorm and the hierarchical kind are our own; the others come from torchjd.

References
----------
Yu et al. 2020, "Gradient surgery for multi-task learning", arXiv:2001.06782 (PCGrad).
Wang et al. 2021, "Gradient vaccine", arXiv:2010.05874 (GradVac).
Désidéri 2012, doi:10.1016/j.crma.2012.03.014; Sener and Koltun 2018, arXiv:1810.04650 (MGDA).
Senushkin et al. 2023, "Independent component alignment", arXiv:2305.19000 (Aligned-MTL).
Liu et al. 2021, "Towards impartial multi-task learning" (IMTL-G).
Liu et al. 2024, "ConFIG: towards conflict-free training", arXiv:2408.11104.
Chen et al. 2020, "Just pick a sign", arXiv:2010.06808 (GradDrop).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torchjd.aggregation import (
    IMTLG,
    MGDA,
    Aggregator,
    AlignedMTL,
    ConFIG,
    GradDrop,
    GradVac,
    Mean,
    PCGrad,
    Sum,
)
from torchjd.autojac import jac_to_grad, mtl_backward

from trainables.techniques.conflict_averse import ConflictAverse
from trainables.techniques.gradnorm import GradNorm
from trainables.techniques.projection import Audible, OneWay

Kind = Literal[
    "sum",
    "mean",
    "pcgrad",
    "gradvac",
    "cagrad",
    "gradnorm",
    "mgda",
    "aligned_mtl",
    "imtl_g",
    "config",
    "graddrop",
    "hierarchical",
]


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
    anchors
        Of the hierarchical kind: places of the stable tasks, whose gradients stay as they are;
        those of the others are projected off them.
    """

    def __init__(
        self,
        kind: Kind,
        shared: Sequence[nn.Parameter],
        heads: Sequence[Sequence[nn.Parameter]],
        *,
        cagrad_c: float,
        gradnorm_alpha: float,
        anchors: Sequence[int] = (0,),
    ) -> None:
        self._shared, self._heads = list(shared), [list(head) for head in heads]
        self._plain = kind == "sum" or len(heads) == 1
        self._balance = GradNorm(len(heads), gradnorm_alpha) if kind == "gradnorm" else None
        self._aggregator = self._balance or _aggregator(kind, cagrad_c, anchors)

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
            with torch.random.fork_rng(devices=()):  # it draws an order
                self._aggregator(torch.zeros(tasks, tasks))  # its memory exists from the first use
        self._aggregator.load_state_dict(state)


def _aggregator(kind: Kind, cagrad_c: float, anchors: Sequence[int]) -> Aggregator:
    if kind == "cagrad":
        return ConflictAverse(cagrad_c)
    if kind == "hierarchical":
        return OneWay(anchors)
    simple = {"sum": Sum, "mean": Mean, "pcgrad": PCGrad, "gradvac": GradVac}
    if kind in simple:
        return simple[kind]()
    sensitive = {
        "mgda": MGDA,
        "aligned_mtl": AlignedMTL,
        "imtl_g": IMTLG,
        "config": ConFIG,
        "graddrop": GradDrop,
    }
    return Audible(sensitive[kind]())

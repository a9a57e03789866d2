"""Fine-tuning: which parts are trained when, at which rates, on which loss.

Modes: "full" trains everything from the first epoch; "probe" trains the head alone; "two_stage"
the head alone for some epochs, then everything (Kumar et al.'s LP-FT); "gradual" the head, then one
more block every epoch, the last block first, the patch embedding last.

References
----------
Ruan et al. 2024, arXiv:2411.15240 (Adam, class weights, early stopping on validation AUC).
Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform
out-of-distribution", arXiv:2202.10054 (LP-FT).
Howard and Ruder 2018, "Universal language model fine-tuning", arXiv:1801.06146 (gradual unfreezing,
rates by layer).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trainables.pat.config import ClassWeight, LossConfig, OptimConfig
from trainables.pat.heads import PatClassifier
from trainables.pat.inputs import Rows
from trainables.techniques.devices import precision
from trainables.techniques.focal import cross_entropy
from trainables.techniques.randomness import RandomStream
from trainables.techniques.schedules import PlateauSchedule, WarmupSchedule

ADAM_EPS = 1e-7  # Keras's, ten times torch's


class Trainer:
    """Fine-tunes a classifier, epoch by epoch; everything it needs to continue is in its state.

    Parameters
    ----------
    network : PatClassifier
    train : Rows
    optim : OptimConfig
    loss : LossConfig
    epochs
        Length of the whole run, which schedules are laid out for.
    order_seed
        Draws the order of the windows, from a generator of its own: dropout never moves it.
    """

    def __init__(
        self,
        network: PatClassifier,
        train: Rows,
        optim: OptimConfig,
        loss: LossConfig,
        *,
        epochs: int,
        order_seed: int,
    ) -> None:
        self._network, self._train = network, train
        self._optim, self._loss = optim, loss
        self._order = torch.Generator().manual_seed(order_seed)
        self._optimizer = _optimizer(network, optim)
        self._weights = class_weights(train.label, loss.class_weight)
        self._epoch, self._updates = 0, 0
        self._schedule = _schedule(optim, epochs * math.ceil(len(train) / optim.batch_size))
        self._plateau = PlateauSchedule(optim.plateau_patience, optim.plateau_factor)

    def epoch(self, noise: RandomStream) -> dict[str, float]:
        """Train one epoch and return means over its windows.

        Returns
        -------
        dict
            ``train_loss`` (as weighted), ``train_nll`` (plain cross-entropy), ``grad_norm`` (mean
            over updates, before clipping), ``lr`` (of the head, at the end).
        """
        self._unfreeze()
        self._network.train()
        order = torch.randperm(len(self._train), generator=self._order)
        totals = torch.zeros(3, device=self._train.label.device)
        with noise.active():
            for rows in torch.split(order, self._optim.batch_size):
                totals = totals + self._update(rows.to(self._train.label.device))
        self._epoch += 1
        loss, nll, norm = (totals / len(order)).tolist()
        rate = float(self._optimizer.param_groups[-1]["lr"])
        return {"train_loss": loss, "train_nll": nll, "grad_norm": norm, "lr": rate}

    def observe(self, value: float) -> None:
        """Take note of an epoch's validation AUC, which a plateau schedule follows."""
        self._plateau.observe(value)

    def _unfreeze(self) -> None:
        """Let the parts be trained whose turn it is; what is frozen keeps no gradient."""
        stages = self._network.encoder.stages()
        trained = trained_stages(self._optim, self._epoch, len(stages))
        for place, stage in enumerate(stages):
            stage.requires_grad_(place >= len(stages) - trained)

    def _update(self, rows: Tensor) -> Tensor:
        """Make one optimizer step; return sums over its windows: loss, nll, gradient norm."""
        label = self._train.label.index_select(0, rows)
        self._set_rates()
        self._optimizer.zero_grad()
        with precision(label.device, mixed=self._optim.mixed):
            logits = self._network(self._train.activity.index_select(0, rows))
        logits = logits.float()
        smoothing = self._loss.label_smoothing
        target = label * (1 - smoothing) + smoothing / 2
        losses = cross_entropy(logits, target) * self._weights.index_select(0, rows)
        losses.mean().backward()  # type: ignore[no-untyped-call]  # torch's stub
        limit = self._optim.clip or math.inf
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), limit)
        self._optimizer.step()
        self._updates += 1
        nll = cross_entropy(logits.detach(), label).sum()
        return torch.stack([losses.detach().sum(), nll, norm * len(rows)])

    def _set_rates(self) -> None:
        factor = self._schedule.factor(self._updates)
        if self._optim.schedule == "plateau":
            factor = self._plateau.factor
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * factor

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue, the network's weights included."""
        return {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "plateau": self._plateau.state_dict(),
            "order": self._order.get_state(),
            "epoch": self._epoch,
            "updates": self._updates,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._plateau.load_state_dict(state["plateau"])
        self._order.set_state(state["order"].cpu())
        self._epoch, self._updates = state["epoch"], state["updates"]


def trained_stages(optim: OptimConfig, epoch: int, stages: int) -> int:
    """Return how many of the encoder's stages are trained in an epoch, the first being 0.

    Examples
    --------
    >>> gradual = OptimConfig(mode="gradual", layers_per_stage=2)
    >>> [trained_stages(gradual, epoch, stages=5) for epoch in range(4)]
    [0, 2, 4, 5]
    """
    match optim.mode:
        case "probe":
            return 0
        case "two_stage":
            return 0 if epoch < optim.unfreeze_epoch else stages
        case "gradual":
            return min(stages, epoch * optim.layers_per_stage)
    return stages


def class_weights(label: Tensor, kind: ClassWeight) -> Tensor:
    """Return a weight per window, of mean 1; "balanced" gives both classes the same total.

    The official weights, the other class's share, are these up to a factor, which Adam ignores.
    """
    if kind == "none":
        return torch.ones_like(label)
    share = label.mean()
    weights = torch.where(label > 0.5, 1 - share, share)
    weights = weights.sqrt() if kind == "sqrt" else weights
    return weights / weights.mean()


def _optimizer(network: PatClassifier, optim: OptimConfig) -> torch.optim.AdamW:
    rates = (optim.encoder_lr, optim.head_lr) if optim.differential else (optim.lr, optim.lr)
    groups = [
        {"params": list(part.parameters()), "peak": rate}
        for part, rate in zip((network.encoder, network.head), rates, strict=True)
    ]
    decay = optim.weight_decay
    return torch.optim.AdamW(groups, weight_decay=decay, eps=ADAM_EPS, fused=True)


def _schedule(optim: OptimConfig, total: int) -> WarmupSchedule:
    warmup = optim.warmup if optim.schedule == "warmup_cosine" else 0.0
    falls = optim.schedule in ("cosine", "warmup_cosine")
    return WarmupSchedule(total, warmup, "cosine" if falls else "constant")

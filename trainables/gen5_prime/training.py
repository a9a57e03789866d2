"""Training on pairs of stamps, epoch by epoch.

References
----------
Kingma and Ba 2015, arXiv:1412.6980 (Adam); Loshchilov and Hutter 2019, arXiv:1711.05101 (AdamW).
Loshchilov and Hutter 2017, arXiv:1608.03983 (warm restarts); Smith and Topin 2019, arXiv:1708.07120
(one cycle).
Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063 (clipping the gradient's norm).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, get_args

import torch
from torch import Tensor, nn

from search.trainable import ProcessGroup
from trainables.gen5_prime.losses import LossConfig, loss_of
from trainables.gen5_prime.network import LensNetwork
from trainables.gen5_prime.rows import Batch, Prepared, Rows
from trainables.techniques.devices import precision
from trainables.techniques.focal import cross_entropy
from trainables.techniques.limits import at_least, below_one, one_of, positive
from trainables.techniques.process_group import Replicas
from trainables.techniques.randomness import RandomStream
from trainables.techniques.schedules import OneCycleSchedule, RestartSchedule, WarmupSchedule

Algorithm = Literal["adam", "adamw", "sgd"]
Kind = Literal["constant", "cosine", "warm_restarts", "one_cycle"]
SECTION: Final = "optim."


@dataclass(frozen=True)
class OptimConfig:
    """Optimisation."""

    algorithm: Algorithm = "adamw"
    lr: float = 1e-3
    weight_decay: float = 1e-4
    momentum: float = 0.9  # of SGD
    batch_size: int = 32  # pairs; 256 in the source document, of millions
    clip: float = 0.0  # of the gradient's norm; 0 for none
    schedule: Kind = "cosine"
    floor: float = 1e-3  # share of the rate that cosines fall to: 1e-6 of 1e-3
    restart_epochs: int = 2  # of the first cosine with restarts; 10 of 50 in the source document
    restart_factor: int = 2  # how many times as long each further one is
    mixed: bool = True  # bfloat16 where there is an accelerator; a CPU computes in float32


class Schedule(Protocol):
    """A factor on the rate, by the optimizer step."""

    def factor(self, step: int) -> float:
        """Return the factor for the optimizer step of this index, the first being 0."""


def optim_problems(optim: OptimConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from one_of(optim, "algorithm", get_args(Algorithm), prefix=SECTION)
    yield from one_of(optim, "schedule", get_args(Kind), prefix=SECTION)
    yield from positive(optim, "lr", prefix=SECTION)
    yield from at_least(optim, 0, "weight_decay", "clip", prefix=SECTION)
    counts = ("batch_size", "restart_epochs", "restart_factor")
    yield from at_least(optim, 1, *counts, prefix=SECTION)
    yield from below_one(optim, "momentum", "floor", prefix=SECTION)


class Trainer:
    """Trains a network; everything it needs to continue is in its state.

    Parameters
    ----------
    network : LensNetwork
    train : Rows
    prepared : Prepared
        What becomes of a batch before the network sees it.
    loss : LossConfig
    config : OptimConfig
    epochs
        Length of the whole run, which schedules are laid out for.
    order_seed
        Draws the order of the pairs, from a generator of its own: no augmentation ever moves it.
    group : ProcessGroup or None
        Processes that train together; each computes its part of every batch.
    """

    def __init__(
        self,
        network: LensNetwork,
        train: Rows,
        prepared: Prepared,
        loss: LossConfig,
        config: OptimConfig,
        *,
        epochs: int,
        order_seed: int,
        group: ProcessGroup | None = None,
    ) -> None:
        self._network, self._train, self._prepared = network, train, prepared
        self._loss, self._config = loss, config
        self._order = torch.Generator().manual_seed(order_seed)
        self._optimizer = _optimizer(network, config)
        per_epoch = math.ceil(len(train) / config.batch_size)
        self._schedule = make_schedule(config, epochs=epochs, per_epoch=per_epoch)
        self._updates = 0
        self._replicas = Replicas(network, group)

    def epoch(self, noise: RandomStream) -> dict[str, float]:
        """Train one epoch.

        Returns
        -------
        dict
            Means over updates: ``train_loss`` (as trained), ``train_nll`` (plain cross-entropy),
            ``grad_norm`` (before clipping), ``stem_grad_norm`` (of the first convolution).
            ``grad_norm_max``, the largest; ``lr`` at the end, and ``lr_off_schedule``: by which
            share it is not what the schedule says.
        """
        self._network.train()
        order = torch.randperm(len(self._train), generator=self._order).to(self._train.device)
        with noise.active():
            measured = torch.stack(
                [
                    self._update(self._prepared(self._train.batch(rows)))
                    for rows in torch.split(order, self._config.batch_size)
                ]
            )
        self._replicas.agree()
        loss, nll, norm, stem = measured.mean(dim=0).tolist()
        rate = float(self._optimizer.param_groups[0]["lr"])
        due = self._config.lr * self._schedule.factor(self._updates - 1)
        return {
            "train_loss": loss,
            "train_nll": nll,
            "grad_norm": norm,
            "grad_norm_max": float(measured[:, 2].max()),
            "stem_grad_norm": stem,
            "lr": rate,
            "lr_off_schedule": abs(rate / due - 1),
        }

    def _update(self, batch: Batch) -> Tensor:
        """Make one optimizer step; return loss, nll, gradient norm and that of the stem."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.lr * self._schedule.factor(self._updates)
        self._optimizer.zero_grad()
        n, batch = len(batch.label), batch.part(self._replicas)
        weight = self._replicas.weight(len(batch.label), n)
        with precision(batch.label.device, mixed=self._config.mixed):
            outputs = self._replicas.forward(batch.images)
            ctrl = None if batch.ctrl is None else self._replicas.forward(batch.ctrl).embedding
        loss = weight * loss_of(self._loss, outputs, ctrl, batch.label)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's stub
        stem = nn.utils.get_total_norm([p.grad for p in self._network.first if p.grad is not None])
        limit = self._config.clip or math.inf
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), limit)
        self._optimizer.step()
        self._updates += 1
        nll = weight * cross_entropy(outputs.logits.detach(), batch.label).mean()
        return self._replicas.mean(torch.stack([loss.detach(), nll, norm, stem]))

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue, the network's weights included."""
        return {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "order": self._order.get_state(),
            "updates": self._updates,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._order.set_state(state["order"].cpu())
        self._updates = state["updates"]


def make_schedule(config: OptimConfig, *, epochs: int, per_epoch: int) -> Schedule:
    """Return the schedule of a run.

    Parameters
    ----------
    config : OptimConfig
    epochs
        Of the whole run.
    per_epoch
        Optimizer steps of an epoch.
    """
    total = epochs * per_epoch
    match config.schedule:
        case "warm_restarts":
            period = config.restart_epochs * per_epoch
            return RestartSchedule(period, config.restart_factor, config.floor)
        case "one_cycle":
            return OneCycleSchedule(total)
        case "cosine":
            return WarmupSchedule(total, 0.0, "cosine", floor=config.floor)
    return WarmupSchedule(total, 0.0, "constant")


def _optimizer(network: LensNetwork, config: OptimConfig) -> torch.optim.Optimizer:
    parameters, decay = network.parameters(), config.weight_decay
    match config.algorithm:
        case "adam":
            return torch.optim.Adam(parameters, lr=config.lr, weight_decay=decay, fused=True)
        case "sgd":
            momentum, lr = config.momentum, config.lr
            return torch.optim.SGD(
                parameters, lr=lr, momentum=momentum, weight_decay=decay, fused=True
            )
    return torch.optim.AdamW(parameters, lr=config.lr, weight_decay=decay, fused=True)

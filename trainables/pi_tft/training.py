"""One epoch of training: windows, gradients of the tasks, optimizer steps, averages of weights.

References
----------
Goyal et al. 2017, "Accurate, large minibatch SGD", arXiv:1706.02677 (accumulation, warm-up).
Loshchilov and Hutter 2019, "Decoupled weight decay regularization", arXiv:1711.05101 (AdamW).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from trainables.pi_tft.batches import Batch
from trainables.pi_tft.config import OptimConfig
from trainables.pi_tft.losses import Criterion
from trainables.pi_tft.model import PiTftNetwork
from trainables.techniques.averaging import WeightAverages
from trainables.techniques.randomness import RandomStream
from trainables.techniques.schedules import AveragingSchedule, WarmupSchedule
from trainables.techniques.surgery import GradientSurgery


class Trainer:
    """Trains a network, epoch by epoch; everything it needs to continue is in its state.

    Parameters
    ----------
    network : PiTftNetwork
    train : Batch
        All training events.
    criterion : Criterion
    surgery : GradientSurgery
        Makes one gradient of the tasks'.
    config : OptimConfig
    epochs
        Length of the whole run.
    order_seed
        Draws the order of the events, from a generator of its own: dropout never moves it.
    """

    def __init__(
        self,
        network: PiTftNetwork,
        train: Batch,
        criterion: Criterion,
        surgery: GradientSurgery,
        config: OptimConfig,
        *,
        epochs: int,
        order_seed: int,
    ) -> None:
        self._network, self._train = network, train
        self._criterion, self._surgery, self._config = criterion, surgery, config
        self._order = torch.Generator().manual_seed(order_seed)
        self._optimizer = _optimizer(network, config)
        self.averages = WeightAverages(
            network, swa=config.swa, ema_decay=config.ema_decay if config.ema else None
        )
        self.averaging_from = _averaging_start(config, epochs)
        self._epochs, self._epoch, self._updates = epochs, 0, 0
        self._window = config.batch_size * config.accum_steps
        self._per_epoch = math.ceil(len(train) / self._window)
        self._warmup = WarmupSchedule(epochs * self._per_epoch, config.warmup, config.schedule)
        self._averaging = AveragingSchedule(
            config.swa_lr,
            config.swa_anneal * self._per_epoch,
            config.swa_schedule,
            self._cycle_epochs * self._per_epoch,
        )

    @property
    def _cycle_epochs(self) -> int:
        """Length of a cycle, short enough that at least one completes."""
        return min(self._config.cycle_len, max(1, self._epochs - self.averaging_from))

    def epoch(self, noise: RandomStream) -> dict[str, float]:
        """Train one epoch and return means over its events.

        Returns
        -------
        dict
            ``train_loss`` and its parts per task as weighted (``train_loss_risk``, …),
            ``train_nll`` (plain cross-entropy),
            ``grad_norm`` (mean over updates, before clipping), ``lr`` (of the encoder, at the end).
        """
        order = torch.randperm(len(self._train), generator=self._order)
        self._network.train()
        totals: dict[str, Tensor] = {}
        with noise.active():
            for start in range(0, len(order), self._window):
                for name, value in self._update(order, start).items():
                    totals[name] = totals.get(name, torch.zeros_like(value)) + value
        self._epoch += 1
        if self._ends_snapshot():
            self.averages.snapshot(self._network)
        return self._report({name: float(value) for name, value in totals.items()})

    def _update(self, order: Tensor, start: int) -> dict[str, Tensor]:
        """Make one optimizer step from one window, and return sums over its events."""
        window = order[start : start + self._window]
        self._optimizer.zero_grad()
        totals: dict[str, Tensor] = {}
        place = start
        for rows in torch.split(window, self._config.batch_size):
            batch = self._train.take(rows.to(self._train.label.device))
            losses = self._criterion(self._network, batch, window=len(window), start=place)
            self._surgery.backward(list(losses.values.values()), losses.features)
            for name, value in (*losses.values.items(), ("nll", losses.nll)):
                totals[name] = totals.get(name, 0) + value.detach() * len(window)
            place += len(rows)
        self._surgery.combine()
        totals["grad_norm"] = torch.nn.utils.clip_grad_norm_(
            self._network.parameters(), self._config.clip
        )
        self._set_rates()
        self._optimizer.step()
        self._updates += 1
        self.averages.after_update(self._network)
        return totals

    def _set_rates(self) -> None:
        first = self.averaging_from * self._per_epoch
        averaging = self._config.swa and self._updates >= first
        for group in self._optimizer.param_groups:
            if averaging:
                before = group["peak"] * self._warmup.factor(max(0, first - 1))
                group["lr"] = self._averaging.value(self._updates - first, before)
            else:
                group["lr"] = group["peak"] * self._warmup.factor(self._updates)

    def _ends_snapshot(self) -> bool:
        since = self._epoch - self.averaging_from
        if not self._config.swa or since <= 0:
            return False
        return self._config.swa_schedule == "constant" or since % self._cycle_epochs == 0

    def _report(self, totals: dict[str, float]) -> dict[str, float]:
        norm, nll = totals.pop("grad_norm"), totals.pop("nll")
        size = len(self._train)
        tasks = {f"train_loss_{task}": total / size for task, total in totals.items()}
        finite = all(map(math.isfinite, tasks.values()))
        return {
            "train_loss": math.fsum(tasks.values()) if finite else math.nan,
            **tasks,
            "train_nll": nll / size,
            "grad_norm": norm / self._per_epoch,
            "lr": float(self._optimizer.param_groups[0]["lr"]),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue, the network's weights included."""
        return {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "surgery": self._surgery.state_dict(),
            "averages": self.averages.state_dict(),
            "order": self._order.get_state(),
            "epoch": self._epoch,
            "updates": self._updates,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._surgery.load_state_dict(state["surgery"])
        self.averages.load_state_dict(state["averages"])
        self._order.set_state(state["order"].cpu())
        self._epoch, self._updates = state["epoch"], state["updates"]


def _optimizer(network: PiTftNetwork, config: OptimConfig) -> torch.optim.AdamW:
    heads = [*network.risk_head.parameters(), *network.miss_head.parameters()]
    groups = [
        {"params": list(network.encoder.parameters()), "peak": config.encoder_lr},
        {"params": heads, "peak": config.head_lr},
    ]
    return torch.optim.AdamW(groups, weight_decay=config.weight_decay, fused=True)


def _averaging_start(config: OptimConfig, epochs: int) -> int:
    """Return how many epochs come before averaging: at least one is always averaged."""
    return min(round(config.swa_start * epochs), epochs - 1)

"""One epoch of training: tasks' losses, their weights, one gradient from them, optimizer steps.

References
----------
Goyal et al. 2017, "Accurate, large minibatch SGD", arXiv:1706.02677 (accumulation, warm-up).
Loshchilov and Hutter 2019, "Decoupled weight decay regularization", arXiv:1711.05101 (AdamW).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from trainables.han.augmentation import AugmentConfig, augmented
from trainables.han.balance import Balance
from trainables.han.batch import AHEAD, TASKS, Task
from trainables.han.consistency import Teacher
from trainables.han.losses import TaskLosses
from trainables.han.network import HanNetwork
from trainables.han.series import Series
from trainables.techniques.devices import precision
from trainables.techniques.limits import at_least, one_of, positive, within
from trainables.techniques.randomness import RandomStream
from trainables.techniques.schedules import WarmupSchedule

Schedule = Literal["constant", "cosine"]
SECTION = "optim."


@dataclass(frozen=True)
class OptimConfig:
    """Optimisation: AdamW."""

    lr: float = 3e-3  # at this width, in 200 updates; 1e-4 in the source document
    weight_decay: float = 1e-2
    batch_size: int = 32  # 8 in the source document
    accum_steps: int = 1  # batches whose mean gradient is one step; 4 in the source document
    clip: float = 1.0  # of the gradient's norm
    warmup: float = 0.0  # share of the optimizer steps
    warmup_start: float = 0.0  # share of the rate that the warm-up rises from
    schedule: Schedule = "constant"
    floor: float = 0.0  # share of the rate that the cosine falls to
    mixed: bool = True  # bfloat16 where there is an accelerator; a CPU computes in float32


def optim_problems(optim: OptimConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from positive(optim, "lr", "clip", prefix=SECTION)
    yield from at_least(optim, 0, "weight_decay", prefix=SECTION)
    yield from at_least(optim, 1, "batch_size", "accum_steps", prefix=SECTION)
    yield from within(optim, 0, 1, "warmup", "warmup_start", "floor", prefix=SECTION)
    yield from one_of(optim, "schedule", ("constant", "cosine"), prefix=SECTION)


class Trainer:
    """Trains a network, epoch by epoch; everything it needs to continue is in its state.

    Parameters
    ----------
    network : HanNetwork
    series : Series
    balance : Balance
        Turns the tasks' losses into one gradient.
    augment : AugmentConfig
    config : OptimConfig
    epochs
        Length of the whole run, which the schedule is laid out for.
    order_seed
        Draws the order of the windows, from a generator of its own: dropout never moves it.
    """

    def __init__(
        self,
        network: HanNetwork,
        series: Series,
        balance: Balance,
        augment: AugmentConfig,
        config: OptimConfig,
        *,
        epochs: int,
        order_seed: int,
    ) -> None:
        self._network, self._series = network, series
        self._balance, self._augment, self._config = balance, augment, config
        self._anchors = series.anchors("train")
        self._order = torch.Generator().manual_seed(order_seed)
        self._optimizer = _optimizer(network, balance, config)
        self._window = config.batch_size * config.accum_steps
        self._per_epoch = math.ceil(len(self._anchors) / self._window)
        self._schedule = WarmupSchedule(
            epochs * self._per_epoch,
            config.warmup,
            config.schedule,
            start=config.warmup_start,
            floor=config.floor,
        )
        self._updates = 0

    def epoch(self, noise: RandomStream) -> dict[str, float]:
        """Train one epoch and return means over its windows.

        Returns
        -------
        dict
            ``train_loss`` (as weighted), ``train_loss_<task>`` (as it is, without
            floor or cap: see `Tally`),
            ``gradient_share_<task>`` (at a batch amid the epoch: see `Balance.describe`),
            ``weight_<task>``, ``grad_norm`` (mean over updates, before clipping), ``lr``.
        """
        order = torch.randperm(len(self._anchors), generator=self._order)
        self._network.train()
        seen = Tally()
        with noise.active():
            windows = torch.split(order, self._window)
            amid = len(windows) // 2  # not the first: forecasts begin as constants
            norms = [
                self._update(window, seen, watched=place == amid)
                for place, window in enumerate(windows)
            ]
        self._balance.end_epoch()
        return {
            **seen.means("train_"),
            **self._balance.describe(),
            "grad_norm": float(torch.stack(norms).mean()),
            "lr": float(self._optimizer.param_groups[0]["lr"]),
        }

    def _update(self, window: Tensor, seen: Tally, *, watched: bool) -> Tensor:
        """Make one optimizer step from one window of rows, and return its gradient's norm.

        Where it is watched, the tasks' shares of the gradient are taken, too.
        """
        self._optimizer.zero_grad()
        for rows in torch.split(window, self._config.batch_size):
            anchors = self._anchors[rows.to(self._anchors.device)]
            batch = augmented(self._series.batch(anchors), self._augment, self._series.suspect)
            with precision(anchors.device, mixed=self._config.mixed):
                outputs = self._network(batch)
            losses = self._balance.criterion(outputs, batch, self._teacher(anchors))
            share = len(rows) / len(window)
            total = self._balance.backward(losses, outputs.state, share=share, watched=watched)
            if self._balance.shaped:
                with torch.no_grad():
                    losses = self._balance.told(outputs, batch)
            seen.add(losses, total, len(rows))
        self._balance.combine()
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), self._config.clip)
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * self._schedule.factor(self._updates)
        self._optimizer.step()
        self._updates += 1
        return norm

    def _teacher(self, anchors: Tensor) -> Teacher | None:
        """Return the states that the days to come really had, where a loss compares with them.

        The states are those of this network now, without dropout, and carry no gradient: else the
        cheapest agreement is a constant (Grill et al. 2020, arXiv:2006.07733). No day after the
        training period is read: where the days to come end later, there is no teacher.
        """
        if not self._balance.wants_teacher:
            return None
        later = anchors + AHEAD
        over = later < self._series.fitted_days
        self._network.eval()
        with torch.no_grad(), precision(anchors.device, mixed=self._config.mixed):
            encoded = self._network.encoder(self._series.batch(torch.where(over, later, anchors)))
        self._network.train()
        days, month = encoded.days[:, -AHEAD:].float(), encoded.months[:, -1].float()
        return Teacher(
            torch.where(over[:, None, None], days, math.nan),
            torch.where(over[:, None], month, math.nan),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue, the network's weights included."""
        return {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "balance": self._balance.state_dict(),
            "order": self._order.get_state(),
            "updates": self._updates,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._balance.load_state_dict(state["balance"])
        self._order.set_state(state["order"].cpu())
        self._updates = state["updates"]


class Tally:
    """Means of losses over batches: a task counts where, and as much as, it was observed.

    Of a task that was never observed, the mean is that of the fallback's loss, where it has one.
    """

    def __init__(self) -> None:
        self._observed: dict[Task, tuple[Tensor, float]] = {}  # sums, and how much they are of
        self._fallback: dict[Task, tuple[Tensor, float]] = {}
        self._total: tuple[Tensor, float] | None = None

    def add(self, losses: TaskLosses, total: Tensor | None, size: int) -> None:
        """Take note of a batch of some windows; `total` is its loss as weighted, if it has one."""
        for task, value in losses.values.items():
            share = losses.availability[task]
            sums, count = (self._observed, share * size) if share else (self._fallback, size)
            sums[task] = _summed(sums.get(task), value, count)
        if total is not None:
            self._total = _summed(self._total, total, size)

    def means(self, prefix: str) -> dict[str, float]:
        """Return the mean loss of each task, and of all as they are weighted."""
        sums = self._fallback | self._observed
        means = {f"{prefix}loss_{task}": _mean(sums[task]) for task in TASKS if task in sums}
        return means if self._total is None else {f"{prefix}loss": _mean(self._total), **means}


def _summed(
    before: tuple[Tensor, float] | None, value: Tensor, count: float
) -> tuple[Tensor, float]:
    added = value.detach() * count
    return (added, count) if before is None else (before[0] + added, before[1] + count)


def _mean(sums: tuple[Tensor, float]) -> float:
    return float(sums[0]) / sums[1]


def _optimizer(network: HanNetwork, balance: Balance, config: OptimConfig) -> torch.optim.AdamW:
    """Return AdamW; biases do not decay, as those of the forecasts hold the targets' means."""
    parameters = list(network.parameters())
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.ndim > 1], "peak": config.lr},
        {"params": [p for p in parameters if p.ndim <= 1], "peak": config.lr, "weight_decay": 0.0},
    ]
    if learned := balance.parameters():
        peak = config.lr * balance.lr_multiplier
        groups.append({"params": learned, "peak": peak, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=config.lr, weight_decay=config.weight_decay, fused=True)

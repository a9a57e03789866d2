"""Training on pairs, epoch by epoch.

References
----------
Kingma and Ba 2015, arXiv:1412.6980 (Adam); Loshchilov and Hutter 2019, arXiv:1711.05101 (AdamW).
Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
arXiv:1211.5063 (clipping the gradient's norm).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor, nn

from trainables.esm2_pair.batches import Batch, PairRows, shuffled
from trainables.esm2_pair.losses import Criterion
from trainables.esm2_pair.network import PairNetwork
from trainables.techniques.devices import precision
from trainables.techniques.focal import cross_entropy
from trainables.techniques.limits import at_least, below_one, one_of, positive
from trainables.techniques.randomness import RandomStream
from trainables.techniques.schedules import PlateauSchedule, WarmupSchedule

Algorithm = Literal["adam", "adamw", "sgd"]
Schedule = Literal["none", "plateau", "cosine", "step"]
SECTION: Final = "optim."


@dataclass(frozen=True)
class OptimConfig:
    """Optimisation."""

    algorithm: Algorithm = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    momentum: float = 0.9  # of SGD
    batch_size: int = 32  # pairs; 16 in the source document
    clip: float = 0.0  # of the gradient's norm; 0 for none
    schedule: Schedule = "none"
    plateau_patience: int = 1  # epochs without a better watched metric before the rate falls
    plateau_factor: float = 0.5
    step_size: int = 2  # epochs at one rate
    step_factor: float = 0.5
    mixed: bool = True  # bfloat16 where there is an accelerator; a CPU computes in float32


def optim_problems(optim: OptimConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from one_of(optim, "algorithm", get_args(Algorithm), prefix=SECTION)
    yield from one_of(optim, "schedule", get_args(Schedule), prefix=SECTION)
    factors = ("plateau_factor", "step_factor")
    yield from positive(optim, "lr", *factors, prefix=SECTION)
    yield from at_least(optim, 0, "weight_decay", "clip", prefix=SECTION)
    counts = ("batch_size", "plateau_patience", "step_size")
    yield from at_least(optim, 1, *counts, prefix=SECTION)
    yield from below_one(optim, "momentum", *factors, prefix=SECTION)


class Trainer:
    """Trains a network; everything it needs to continue is in its state.

    Parameters
    ----------
    network : PairNetwork
    train : PairRows
    criterion : Criterion
    config : OptimConfig
    epochs
        Length of the whole run, which a cosine is laid out for.
    order_seed
        Draws the order of the pairs, from a generator of its own: dropout never moves it.
    """

    def __init__(
        self,
        network: PairNetwork,
        train: PairRows,
        criterion: Criterion,
        config: OptimConfig,
        *,
        epochs: int,
        order_seed: int,
    ) -> None:
        self._network, self._train = network, train
        self._criterion, self._config = criterion, config
        self._order = torch.Generator().manual_seed(order_seed)
        self._optimizer = _optimizer(network, config)
        self._epoch, self._updates = 0, 0
        total = epochs * math.ceil(len(train) / config.batch_size)
        self._cosine = WarmupSchedule(total, 0.0, "cosine")
        self._plateau = PlateauSchedule(config.plateau_patience, config.plateau_factor)

    def epoch(self, noise: RandomStream) -> dict[str, float]:
        """Train one epoch and return means over its pairs.

        Returns
        -------
        dict
            ``train_loss`` (as trained), ``grad_norm`` (mean over updates, before clipping), ``lr``
            (at the end), and ``train_nll`` (plain cross-entropy) unless logits have no scale.
        """
        self._network.train()
        device = next(self._network.parameters()).device
        totals = torch.zeros(3, device=device)
        batches = shuffled(len(self._train), self._config.batch_size, self._order)
        with noise.active():
            for rows in batches:
                totals = totals + self._update(self._train.batch(rows))
        self._epoch += 1
        loss, nll, norm = (totals / len(self._train)).tolist()
        rate = float(self._optimizer.param_groups[0]["lr"])
        found = {"train_loss": loss, "grad_norm": norm, "lr": rate}
        return found if self._criterion.of_distances else found | {"train_nll": nll}

    def observe(self, value: float) -> None:
        """Take note of an epoch's watched metric, greater being better, for a plateau schedule."""
        self._plateau.observe(value)

    def _update(self, batch: Batch) -> Tensor:
        """Make one optimizer step; return sums over its pairs: loss, nll, gradient norm."""
        factor = self._factor()
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.lr * factor
        self._optimizer.zero_grad()
        with precision(batch.label.device, mixed=self._config.mixed):
            outputs = self._network(batch.tokens, batch.slots)
            loss = self._criterion(outputs, batch)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's stub
        limit = self._config.clip or math.inf
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), limit)
        self._optimizer.step()
        self._updates += 1
        nll = cross_entropy(outputs.logits.detach().float(), batch.label).mean()
        return torch.stack([loss.detach().float(), nll, norm]) * len(batch)

    def _factor(self) -> float:
        """Return what the rate is multiplied by at the next update."""
        match self._config.schedule:
            case "cosine":
                return self._cosine.factor(self._updates)
            case "step":
                power = self._epoch // self._config.step_size
                return float(self._config.step_factor**power)
            case "plateau":
                return self._plateau.factor
        return 1.0

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


def _optimizer(network: PairNetwork, config: OptimConfig) -> torch.optim.Optimizer:
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

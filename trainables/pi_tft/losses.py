"""The losses of PI-TFT's three tasks: risk, miss distance, physics.

Every term is a sum over a batch's events, divided by the size of the window that the batch is part
of; an event that a term does not apply to adds zero. The micro-batches of an accumulation window
hence add up to the loss of the whole window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.pi_tft import physics_terms
from trainables.pi_tft.batches import Batch
from trainables.pi_tft.config import LossConfig, MtlConfig
from trainables.pi_tft.model import PiTftNetwork
from trainables.techniques.focal import cross_entropy, focal_loss

SHIFT = (
    0.25  # of the scaled log miss: a finite difference well above rounding, well inside the data
)
SHIFTED_EVERY = 8  # one event in eight carries the monotone term: a copy of it costs a row more


@dataclass(frozen=True)
class MissScale:
    """Mean and standard deviation of the training events' log1p miss distance.

    The head forecasts the standardised value, so that its loss is of order 1.
    """

    mean: float
    deviation: float

    @classmethod
    def of(cls, batch: Batch) -> MissScale:
        """Return the scale of a batch's events."""
        deviation = float(batch.log_miss.std(correction=0))
        return cls(float(batch.log_miss.mean()), deviation if deviation > 0 else 1.0)


@dataclass(frozen=True)
class TaskLosses:
    """What a batch costs.

    Attributes
    ----------
    values : dict of str to scalar Tensor
        Loss of each active task, weighted: "risk" and, where active, "miss" and "physics".
    features : Tensor
        The encoder's output, which all tasks share.
    nll : Tensor
        Plain cross-entropy of the risk head, whatever its loss; detached.
    """

    values: dict[str, Tensor]
    features: Tensor
    nll: Tensor


def active_tasks(loss: LossConfig, mtl: MtlConfig) -> tuple[str, ...]:
    """Return the tasks that a configuration trains: grouped in, and of non-zero weight."""
    terms = (loss.bound, loss.consistency, loss.monotone, loss.martingale)
    miss = loss.miss_weight > 0 and mtl.groups in ("joint", "risk+miss")
    physics = loss.physics_weight > 0 and any(terms) and mtl.groups in ("joint", "risk+physics")
    return ("risk", *(("miss",) if miss else ()), *(("physics",) if physics else ()))


def risk_loss(config: LossConfig) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss per event of logits and labels."""
    if config.kind == "focal":
        return lambda logits, labels: focal_loss(
            logits, labels, gamma=config.gamma, alpha=config.alpha
        )
    weight = config.pos_weight if config.kind == "wbce" else 1.0
    return lambda logits, labels: cross_entropy(logits, labels, pos_weight=weight)


class Criterion:
    """Computes the losses of the active tasks.

    The monotone term compares an event with its own copy at a longer miss, in one forward pass and
    under one dropout mask: with two masks, their difference would swamp that of a small step.

    Parameters
    ----------
    config : LossConfig
    tasks
        From `active_tasks`. Without the miss task, the consistency term takes the latest measured
        miss for the forecast one: an untrained head would satisfy it for free.
    miss_scale : MissScale
        From the training events.
    miss_index
        Column of the temporal features that holds the scaled log miss.
    """

    def __init__(
        self, config: LossConfig, tasks: tuple[str, ...], miss_scale: MissScale, miss_index: int
    ) -> None:
        self._config, self._tasks = config, tasks
        self._scale, self._miss_index = miss_scale, miss_index
        self._risk_loss = risk_loss(config)

    def __call__(
        self, network: PiTftNetwork, batch: Batch, *, window: int, start: int = 0
    ) -> TaskLosses:
        """Return the losses of a batch.

        Parameters
        ----------
        network : PiTftNetwork
        batch : Batch
        window
            Number of events in the accumulation window.
        start
            Place of the batch's first event in the epoch; it decides which events carry the
            monotone term, so that the choice does not depend on how windows are cut up.
        """
        shifted = self._shifted(len(batch), start).to(batch.label.device)
        everything = network.encoder(*self._with_shifted(batch, shifted))  # (rows, length, width)
        summaries = everything[: len(batch)]
        logits = network.risk_logits(summaries)  # (batch, length)
        final = logits[:, -1]
        values = {"risk": self._risk_loss(final, batch.label).sum() / window}
        miss = network.miss(summaries) if "miss" in self._tasks else None
        if miss is not None:
            target = (batch.log_miss - self._scale.mean) / self._scale.deviation
            values["miss"] = self._config.miss_weight * (miss - target).square().sum() / window
        if "physics" in self._tasks:
            total = self._plain_terms(logits, miss, batch).sum()
            if len(shifted):
                further = network.risk_logits(everything[len(batch) :, -1:]).squeeze(1)
                total = total + self._monotone_term(final[shifted], further).sum()
            values["physics"] = self._config.physics_weight * total / window
        nll = cross_entropy(final.detach(), batch.label).sum() / window
        return TaskLosses(values, everything, nll)

    def _shifted(self, size: int, start: int) -> Tensor:
        """Return which events of a batch carry the monotone term."""
        if "physics" not in self._tasks or not self._config.monotone:
            return torch.empty(0, dtype=torch.long)
        return torch.arange(-start % SHIFTED_EVERY, size, SHIFTED_EVERY)

    def _with_shifted(self, batch: Batch, shifted: Tensor) -> tuple[Tensor, ...]:
        """Return the network's inputs, with copies at a longer miss behind the batch's own rows."""
        temporal, mask, time_to_tca, static = batch.inputs
        if not len(shifted):
            return batch.inputs
        column = torch.zeros(temporal.shape[-1], device=temporal.device)
        column[self._miss_index] = SHIFT
        real = mask[shifted]
        further = temporal[shifted] + column * real.unsqueeze(-1)
        owners = torch.cat([torch.arange(len(batch), device=shifted.device), shifted])
        return (
            torch.cat([temporal, further]),
            torch.cat([mask, real]),
            torch.cat([time_to_tca, time_to_tca[shifted]]),
            static,
            owners,
        )

    def _monotone_term(self, logits: Tensor, further: Tensor) -> Tensor:
        scale = self._config.dex_per_logit
        term = physics_terms.monotone(
            physics_terms.log10_risk(logits, scale), physics_terms.log10_risk(further, scale), SHIFT
        )
        return self._config.monotone * SHIFTED_EVERY * term

    def _plain_terms(self, logits: Tensor, miss: Tensor | None, batch: Batch) -> Tensor:
        """Return the weighted sum per event of the terms that need no other forward pass."""
        config = self._config
        risk = physics_terms.log10_risk(logits[:, -1], config.dex_per_logit)
        total = torch.zeros_like(risk)
        if config.bound:
            over = physics_terms.bound(risk, batch.max_risk_estimate)
            total = total + config.bound * over * batch.physical
        if config.consistency:
            stretch = 1.0 if miss is None else self._stretch(miss, batch)
            implied = physics_terms.log10_probability(
                batch.max_risk_estimate, batch.mahalanobis, stretch
            )
            gap = physics_terms.consistency(risk, implied)
            total = total + config.consistency * gap * batch.physical
        if config.martingale:
            total = total + config.martingale * physics_terms.martingale(logits, batch.mask)
        return total

    def _stretch(self, miss: Tensor, batch: Batch) -> Tensor:
        forecast = self._scale.mean + self._scale.deviation * miss
        return physics_terms.miss_ratio(forecast, batch.log_miss_latest)

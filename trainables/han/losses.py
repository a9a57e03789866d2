"""The losses of the six tasks, each over what is known of its targets.

A target that is not known reaches no gradient, and neither does the output that stands for it.

References
----------
Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002.
Bardes et al. 2022, "VICReg", arXiv:2105.04906 (variance as a hinge).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trainables.han.batch import TASKS, Batch, Outputs, Task
from trainables.han.consistency import Teacher, likeness, physical
from trainables.han.loss_config import LossConfig, TransitionLoss
from trainables.han.regimes import class_weights, frequencies, regime_loss
from trainables.han.scaling import TargetStatistics
from trainables.han.units import LEAST_DEVIATION, Floats, ForecastUnit, Units
from trainables.techniques.focal import cross_entropy, focal_loss
from trainables.techniques.shaping import capped, flooded, floored
from trainables.techniques.zero_inflated import log_normal_nll, zinb_focal_loss, zinb_nll

FALLBACK: float = 0.01  # the source document's weight of what pulls outputs to constants


@dataclass(frozen=True, eq=False)
class TaskLosses:
    """What a batch costs.

    Parameters
    ----------
    values : dict of task to scalar Tensor
        Of the tasks that have a target in the batch, and, with the fallback, of the others too.
    zeros : dict of task to scalar Tensor
        Zero, with a gradient of zero, for every task.
    availability : dict of task to float
        Share of targets that are known in the batch.
    auxiliary : dict of str to scalar Tensor
        "latent", "cycle" and "physical", weighted; those that are asked for.
    """

    values: dict[Task, Tensor]
    zeros: dict[Task, Tensor]
    availability: dict[Task, float]
    auxiliary: dict[str, Tensor]


class Criterion:
    """Computes the losses of a batch.

    Parameters
    ----------
    config : LossConfig
    statistics : TargetStatistics
        Of the training targets.
    tasks
        Those that are trained.
    fallback
        Whether a task without any target in a batch has its outputs pulled to constants, as in the
        source document, where it made tasks collapse.
    """

    def __init__(
        self,
        config: LossConfig,
        statistics: TargetStatistics,
        tasks: Sequence[Task] = TASKS,
        *,
        fallback: bool = False,
    ) -> None:
        self._config, self._tasks, self._fallback = config, tuple(tasks), fallback
        self._units = Units(config, statistics)
        self._prior = frequencies(statistics.regime_counts)
        self._balance = class_weights(statistics.regime_counts, config.regime.class_balance)
        self._losses: dict[Task, Callable[[Outputs, Tensor, Tensor], Tensor]] = {
            "regime": self._regime,
            "casualty": self._casualty,
            "anomaly": self._anomaly,
            "transition": self._transition,
            "forecast": self._forecast,
            "daily_forecast": self._daily_forecast,
        }

    def __call__(
        self, outputs: Outputs, batch: Batch, teacher: Teacher | None = None
    ) -> TaskLosses:
        """Return the losses of a batch.

        Parameters
        ----------
        outputs : Outputs
        batch : Batch
        teacher : Teacher, optional
            For the latent and the cycle term; where it lacks one, that term is left out.
        """
        values: dict[Task, Tensor] = {}
        shares: dict[Task, float] = {}
        for task in self._tasks:
            known = ~torch.isnan(batch.targets[task])
            shares[task] = float(known.float().mean())
            if shares[task] > 0:
                values[task] = self._floored(
                    self._losses[task](outputs, batch.targets[task], known)
                )
            elif self._fallback:
                values[task] = self.fallback(outputs, task)
        zeros = {task: outputs.of(task).float().flatten()[:0].sum() for task in self._tasks}
        return TaskLosses(values, zeros, shares, self._auxiliary(outputs, teacher))

    def to_scores(self, outputs: Outputs) -> Floats:
        """Return predictions in the columns of `trainables.han.columns.score_columns`.

        Forecasts are in the features' own unit, casualties are quantiles of the count.

        Returns
        -------
        ndarray of shape (n, 15 + 8 n_forecast)
        """
        return self._units.scores(outputs)

    @staticmethod
    def fallback(outputs: Outputs, task: Task) -> Tensor:
        """Return the source document's pull of a task's outputs to constants.

        Casualties to π = 1/2 and to μ and θ of their raw outputs' zero, all else to zero.
        """
        said = outputs.of(task)
        if task == "casualty":
            inflated = (torch.sigmoid(said[:, 0]) - 0.5).square().mean()
            return FALLBACK * (inflated + FALLBACK * said[:, 1:].square().sum(dim=1).mean())
        said = said[:, 0] if task == "anomaly" else said  # its deviation is no forecast
        return FALLBACK * said.square().mean()

    def _floored(self, loss: Tensor) -> Tensor:
        if not self._config.floor:
            return loss
        shape = floored if self._config.floor_kind == "max" else flooded
        return shape(loss, self._config.floor)

    def _regime(self, outputs: Outputs, targets: Tensor, known: Tensor) -> Tensor:
        logits, labels = outputs.regime[known].float(), targets[known].long()
        return regime_loss(
            self._config.regime, logits, labels, balance=self._balance, prior=self._prior
        )

    def _casualty(self, outputs: Outputs, targets: Tensor, known: Tensor) -> Tensor:
        settings, counts = self._config.casualty, targets[known].double()
        parameters = self._units.casualty.of(outputs.casualty[known])
        if settings.kind == "log1p":
            each = log_normal_nll(counts, *parameters[1:], least=LEAST_DEVIATION)
        elif settings.kind == "focal":
            each = zinb_focal_loss(
                counts, *parameters, gamma=settings.focal_gamma, alpha=settings.focal_alpha
            )
        else:
            each = zinb_nll(counts, *parameters)
        loss = each.mean().float()
        return capped(loss, settings.cap) if settings.cap else loss

    def _anomaly(self, outputs: Outputs, targets: Tensor, known: Tensor) -> Tensor:
        settings, truth = self._config.anomaly, self._units.anomaly(targets[known])
        said, deviation = outputs.anomaly[known].float().unbind(dim=-1)
        error = (said - truth).square()
        if settings.kind == "nll":
            deviation = deviation.clamp_min(LEAST_DEVIATION)
            error = 0.5 * error / deviation.square() + torch.log(deviation / LEAST_DEVIATION)
        loss = error.mean()
        if settings.variance_weight and len(truth) > 1:
            loss = loss + settings.variance_weight * too_constant(
                said, truth, settings.target_ratio
            )
        return loss

    def _transition(self, outputs: Outputs, targets: Tensor, known: Tensor) -> Tensor:
        logits = outputs.transition[known].float()
        return transition_loss(self._config.transition, logits, targets[known]).mean()

    def _forecast(self, outputs: Outputs, targets: Tensor, known: Tensor) -> Tensor:
        return self._squares(outputs.forecast, targets, known, self._units.forecast)

    def _daily_forecast(self, outputs: Outputs, targets: Tensor, known: Tensor) -> Tensor:
        said = outputs.daily_forecast
        loss = self._squares(said, targets, known, self._units.daily)
        if weight := self._config.forecast.smooth_weight:
            loss = loss + weight * said.float().diff(dim=1).square().mean()
        return loss

    def _squares(self, said: Tensor, targets: Tensor, known: Tensor, unit: ForecastUnit) -> Tensor:
        settings, said = self._config.forecast, said.float()
        truth = torch.where(known, unit.of(targets), said.detach())  # no NaN goes further than this
        error = torch.where(known, said - truth, 0.0)
        loss = error.square().sum() / known.sum()
        loss = capped(loss, settings.cap) if settings.cap else loss
        return loss + settings.l2_weight * said.square().mean() if settings.l2_weight else loss

    def _auxiliary(self, outputs: Outputs, teacher: Teacher | None) -> dict[str, Tensor]:
        settings, teacher = self._config.consistency, teacher or Teacher()
        terms: dict[str, Tensor] = {}
        if settings.latent_weight and outputs.latents is not None and teacher.latents is not None:
            distance = likeness(outputs.latents, teacher.latents, settings.latent_kind)
            terms["latent"] = settings.latent_weight * distance
        if settings.cycle_weight and outputs.cycle is not None and teacher.month is not None:
            distance = likeness(outputs.cycle, teacher.month, settings.cycle_kind)
            terms["cycle"] = settings.cycle_weight * distance
        if settings.physical_weight:
            daily = self._units.daily.back(outputs.daily_forecast.float())
            monthly = self._units.forecast.back(outputs.forecast.float())
            gap = physical(daily, monthly, self._units.forecast.deviation)
            terms["physical"] = settings.physical_weight * gap
        return terms


def transition_loss(config: TransitionLoss, logits: Tensor, labels: Tensor) -> Tensor:
    """Return the loss per example."""
    if config.kind == "focal":
        return focal_loss(logits, labels, gamma=config.focal_gamma, alpha=config.focal_alpha)
    weight = config.pos_weight if config.kind == "weighted" else 1.0
    return cross_entropy(logits, labels, pos_weight=weight)


def too_constant(said: Tensor, truth: Tensor, ratio: float) -> Tensor:
    """Return max(0, ratio - var(said) / var(truth)); 0 where the truth is constant."""
    spread = truth.var(correction=0)
    if not bool(spread > 0):
        return said[:0].sum()
    return functional.relu(ratio - said.var(correction=0) / spread)

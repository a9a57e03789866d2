"""What heads say before they have learned anything: the training period's averages."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainables.han.batch import Task
from trainables.han.loss_config import LossConfig
from trainables.han.scaling import TargetStatistics
from trainables.han.units import Units

ONE_MORE = 0.5  # of each class: none is impossible
UNIT = math.log(math.e - 1)  # whose softplus is 1


def priors(statistics: TargetStatistics, loss: LossConfig) -> dict[Task, Tensor]:
    """Return the outputs that say the training averages, in the form of `Outputs`.

    Without them, the first steps of a forecast in a unit of thousands are about nothing but its
    mean, and drown every other task.
    """
    units = Units(loss, statistics)
    counts = statistics.regime_counts + ONE_MORE
    rate = min(max(statistics.transition_rate, 1e-3), 1 - 1e-3)
    casualty = math.log1p(statistics.casualty_mean) if units.casualty.normal else UNIT
    device = counts.device
    return {
        "regime": (counts / counts.sum()).log().float(),
        "casualty": torch.tensor([0.0, casualty, UNIT], device=device),
        "anomaly": torch.zeros(1, device=device),
        "transition": torch.tensor([math.log(rate / (1 - rate))], device=device),
        "forecast": units.forecast.of(statistics.forecast_mean).float(),
        "daily_forecast": units.daily.of(statistics.daily_mean).float(),
    }

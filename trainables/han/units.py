"""Units of the network's outputs: what they mean, and back from what they are trained in."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from trainables.han.batch import Outputs
from trainables.han.columns import LEVELS
from trainables.han.loss_config import CasualtyKind, LossConfig, TargetUnit
from trainables.han.scaling import TargetStatistics
from trainables.techniques.zero_inflated import log_normal_quantiles, zinb_quantiles

LEAST_MEAN: Final = 1e-6  # μ of the negative binomial, relative to the training mean
LEAST_DEVIATION: Final = 0.05  # of normal likelihoods: below it, an outlier's loss explodes
LARGEST_LOG: Final = 50.0  # of forecasts made in logarithms: e^50 is finite in float32 and bfloat16

Floats = NDArray[np.float64]


class ForecastUnit:
    """The unit that a forecast is trained in.

    Parameters
    ----------
    unit
        "raw"; "standardised" by the training targets' mean and deviation; or "log1p", the signed
        logarithm sign(x) log(1 + |x|), which is not standardised after.
    mean, deviation : Tensor of shape (n_forecast,)
        Of the training targets.
    """

    def __init__(self, unit: TargetUnit, mean: Tensor, deviation: Tensor) -> None:
        self.deviation = deviation
        self._unit, self._mean = unit, mean

    def of(self, raw: Tensor) -> Tensor:
        """Return features in this unit."""
        if self._unit == "raw":
            return raw
        if self._unit == "log1p":
            return raw.sign() * raw.abs().log1p()
        return (raw - self._mean) / self.deviation

    def back(self, values: Tensor) -> Tensor:
        """Return the features' own unit; the inverse of `of`."""
        if self._unit == "raw":
            return values
        if self._unit == "log1p":
            return values.sign() * values.abs().clamp_max(LARGEST_LOG).expm1()
        return values * self.deviation + self._mean


class CountParameters:
    """The three outputs for casualties, as parameters of a distribution.

    Parameters
    ----------
    kind
        Of the loss: zero-inflated negative binomial, or normal in log(1 + count).
    scale
        Mean of the training counts, which μ is a multiple of.
    theta_min
        Least θ.
    """

    def __init__(self, kind: CasualtyKind, scale: float, theta_min: float) -> None:
        self.normal = kind == "log1p"
        self._scale, self._least = scale if scale > 0 else 1.0, theta_min

    def of(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logit of π, μ, θ; or zeros, mean, standard deviation. Each has shape (n,)."""
        first, second, third = outputs.double().unbind(dim=-1)
        spread = functional.softplus(third)
        if self.normal:
            return torch.zeros_like(first), second, spread + LEAST_DEVIATION
        mean = self._scale * (functional.softplus(second) + LEAST_MEAN)
        return first, mean, spread + self._least

    def quantiles(self, outputs: Tensor) -> Floats:
        """Return the count's quantiles at `LEVELS`, shape (n, n_levels)."""
        first, mean, spread = (each.cpu().numpy() for each in self.of(outputs.detach()))
        if self.normal:
            return log_normal_quantiles(LEVELS, mean, spread)
        return zinb_quantiles(LEVELS, first, mean, spread)


class Units:
    """All units of a configuration.

    Parameters
    ----------
    config : LossConfig
    statistics : TargetStatistics
    """

    def __init__(self, config: LossConfig, statistics: TargetStatistics) -> None:
        unit, casualty = config.forecast.unit, config.casualty
        month = (statistics.forecast_mean, statistics.forecast_deviation)
        self.forecast = ForecastUnit(unit, *month)
        self.daily = ForecastUnit(unit, statistics.daily_mean, statistics.daily_deviation)
        self.casualty = CountParameters(casualty.kind, statistics.casualty_mean, casualty.theta_min)
        self._anomaly = (statistics.anomaly_mean, statistics.anomaly_deviation)

    def anomaly(self, raw: Tensor) -> Tensor:
        """Return anomalies in the unit that they are trained in: standardised."""
        mean, deviation = self._anomaly
        return (raw - mean) / deviation

    def scores(self, outputs: Outputs) -> Floats:
        """Return the columns of `trainables.han.columns.score_columns`."""
        mean, deviation = self._anomaly
        daily = self.daily.back(outputs.daily_forecast.detach().double())
        return np.hstack(
            [
                _array(outputs.regime),
                self.casualty.quantiles(outputs.casualty),
                _array(outputs.anomaly[:, :1]) * deviation + mean,
                _array(outputs.transition[:, None]),
                _array(self.forecast.back(outputs.forecast.detach().double())),
                _array(daily.flatten(start_dim=1)),
            ]
        )


def _array(values: Tensor) -> Floats:
    return np.asarray(values.detach().double().cpu().numpy(), np.float64)

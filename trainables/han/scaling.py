"""Scales of inputs and of targets, fitted to what was known at the end of the training period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor

from trainables.han.batch import REGIMES, TASKS, Task
from trainables.han.panel import Doubles, Flags, Floats

Scale = Literal["standard", "log", "none"]
HEAVY: Final = 100.0  # the source document's border of extreme values


@dataclass(frozen=True, eq=False)
class Scaler:
    """Means and deviations of the columns of a source; see `fit_scaler`.

    Parameters
    ----------
    heavy : ndarray of bool, shape (n_features,)
        Columns whose logarithm is scaled.
    mean, deviation : ndarray of shape (n_features,)
    """

    heavy: Flags
    mean: Doubles
    deviation: Doubles

    def apply(self, values: Floats) -> Floats:
        """Scale values; what was not observed stays NaN."""
        logs = _compressed(values.astype(np.float64), self.heavy)
        return ((logs - self.mean) / self.deviation).astype(np.float32)


def fit_scaler(values: Floats, scale: Scale) -> Scaler:
    """Fit a scaler to the observed values of a source in the training period.

    "standard" gives every column mean 0 and deviation 1. "log" takes sign(x) log(1 + |x|) first,
    in columns that exceed 100 in the training period: a fat tail does not set their unit then.
    "none" leaves raw values to the network, whose own compression acts above 100; scaled columns
    reach that only where the days to come are without precedent.

    Parameters
    ----------
    values : ndarray of shape (..., n_features)
        NaN where not observed. A column that is constant, or was observed less than twice, keeps
        its unit.
    """
    columns = values.reshape(-1, values.shape[-1]).astype(np.float64)
    width = columns.shape[1]
    if scale == "none":
        return Scaler(np.zeros(width, np.bool_), np.zeros(width), np.ones(width))
    heavy = np.where(np.isnan(columns), 0.0, np.abs(columns)).max(axis=0, initial=0.0) > HEAVY
    if scale == "standard":
        heavy = np.zeros_like(heavy)
    return Scaler(heavy, *moments(_compressed(columns, heavy)))


def moments(values: Doubles) -> tuple[Doubles, Doubles]:
    """Return mean and standard deviation of the observed values of each column.

    A column without a value has mean 0; without two different ones, deviation 1.
    """
    observed = ~np.isnan(values)
    count = np.maximum(observed.sum(axis=0), 1)
    mean = np.where(observed, values, 0.0).sum(axis=0) / count
    deviation = np.sqrt(np.square(np.where(observed, values - mean, 0.0)).sum(axis=0) / count)
    tiny = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)  # rounding errors of a constant
    return mean, np.where(tiny, 1.0, deviation)


def _compressed(values: Doubles, heavy: Flags) -> Doubles:
    return np.where(heavy, np.sign(values) * np.log1p(np.abs(values)), values)


@dataclass(frozen=True, eq=False)
class TargetStatistics:
    """What the targets of the training windows are like, for losses to be scaled and weighed by.

    Parameters
    ----------
    forecast_mean, forecast_deviation : Tensor of shape (n_forecast,)
    daily_mean, daily_deviation : Tensor of shape (n_forecast,)
        Of the daily forecast's targets, over all its days.
    casualty_mean : float
    anomaly_mean, anomaly_deviation : float
    regime_counts : Tensor of shape (REGIMES,)
        How many training windows are of each class.
    transition_rate : float
        Share of positive ones among the known.
    availability : mapping of task to float
        Share of targets that are known, elements of vectors counted one by one.
    """

    forecast_mean: Tensor
    forecast_deviation: Tensor
    daily_mean: Tensor
    daily_deviation: Tensor
    casualty_mean: float
    anomaly_mean: float
    anomaly_deviation: float
    regime_counts: Tensor
    transition_rate: float
    availability: Mapping[Task, float]


def target_statistics(targets: Mapping[Task, Floats], device: torch.device) -> TargetStatistics:
    """Describe the targets of the training windows.

    Parameters
    ----------
    targets : mapping of task to ndarray
        Rows are windows; see `windows.targets_of`.
    """
    wide = {name: targets[name].astype(np.float64) for name in TASKS}
    n_forecast = wide["forecast"].shape[-1]
    month, month_deviation = moments(wide["forecast"])
    day, day_deviation = moments(wide["daily_forecast"].reshape(-1, n_forecast))
    anomaly, anomaly_deviation = moments(wide["anomaly"][:, None])
    regime = wide["regime"][~np.isnan(wide["regime"])].astype(np.int64)

    def tensor(values: Doubles) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=device)

    return TargetStatistics(
        tensor(month),
        tensor(month_deviation),
        tensor(day),
        tensor(day_deviation),
        casualty_mean=float(moments(wide["casualty"][:, None])[0][0]),
        anomaly_mean=float(anomaly[0]),
        anomaly_deviation=float(anomaly_deviation[0]),
        regime_counts=tensor(np.bincount(regime, minlength=REGIMES).astype(np.float64)),
        transition_rate=float(moments(wide["transition"][:, None])[0][0]),
        availability={name: float((~np.isnan(wide[name])).mean()) for name in TASKS},
    )

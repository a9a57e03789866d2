"""A batch of windows: what the network reads, and what it is to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Task = Literal["regime", "casualty", "anomaly", "transition", "forecast", "daily_forecast"]
TASKS: Final[tuple[Task, ...]] = (
    "regime",
    "casualty",
    "anomaly",
    "transition",
    "forecast",
    "daily_forecast",
)
REGIMES: Final = 4  # low intensity, medium, high, major offensive
AHEAD: Final = 7  # days of the daily forecast
MONTH: Final = 30  # days after a window's last one that the monthly forecast is the mean of


class Observed(NamedTuple):
    """Values with what is known of them.

    Parameters
    ----------
    values : Tensor of float32
        Any number where nothing was observed: nothing may depend on it.
    mask : Tensor of bool, of the same shape
        Where a value was observed.
    """

    values: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Batch:
    """Windows of days, each ending at its anchor day, and of months, ending at the anchor's.

    Parameters
    ----------
    daily : mapping of source to Observed, shape (n, n_days, n_features)
    regional : mapping of source to Observed, shape (n, n_days, n_regions, n_features)
    monthly : mapping of source to Observed, shape (n, n_months, n_features)
        The last month is the anchor's own: it is not over, so that nothing of it is observed.
    month : Tensor of int64, shape (n, n_days)
        The place among the n_months of the month that a day belongs to; -1 before the first.
    weekday, season : Tensor of int64, shape (n, n_days)
        Day of the week, 0 to 6, and month of the year, 0 to 11.
    month_season : Tensor of int64, shape (n, n_months)
        Month of the year, 0 to 11, of each month.
    targets : mapping of task to Tensor of float32
        NaN where the truth is not known. "regime", "casualty", "anomaly", "transition" have shape
        (n,); "forecast" (n, n_forecast), the means over the month to come; "daily_forecast"
        (n, AHEAD, n_forecast).
    """

    daily: Mapping[str, Observed]
    regional: Mapping[str, Observed]
    monthly: Mapping[str, Observed]
    month: Tensor
    weekday: Tensor
    season: Tensor
    month_season: Tensor
    targets: Mapping[Task, Tensor]

    def __len__(self) -> int:
        return len(self.month)


def flat_targets(targets: Mapping[Task, Tensor]) -> NDArray[np.float64]:
    """Return the targets of a batch side by side, task by task, shape (n, n_columns)."""
    columns = [
        targets[task].flatten(start_dim=1) if targets[task].ndim > 1 else targets[task][:, None]
        for task in TASKS
    ]
    return np.asarray(torch.cat(columns, dim=1).double().cpu().numpy())


@dataclass(frozen=True)
class Outputs:
    """What the network says about a batch.

    Parameters
    ----------
    state : Tensor of shape (n, n_state)
        What all heads read.
    regime : Tensor of shape (n, REGIMES)
        Logits.
    casualty : Tensor of shape (n, 3)
        Of a zero-inflated negative binomial: logit of the share of extra zeros, and μ and θ before
        their softplus. Of a normal distribution of log(1 + count): unused, mean, and standard
        deviation before its softplus.
    anomaly : Tensor of shape (n, 2)
        Mean, and standard deviation (positive; 1 without a head for uncertainty).
    transition : Tensor of shape (n,)
        Logit.
    forecast : Tensor of shape (n, n_forecast)
        In the unit that it is trained in.
    daily_forecast : Tensor of shape (n, AHEAD, n_forecast)
        In the unit that it is trained in.
    latents : Tensor of shape (n, AHEAD, width) or None
        Predicted states of the days to come, where the daily forecast is made from them.
    cycle : Tensor of shape (n, width) or None
        Their weighted mean over the days: what the month to come should look like.
    weights : mapping of str to Tensor
        Attention and gates, detached: "fusion" (n, n_days, n_sources), where there is a gate, and
        "aggregation" (n, n_months, n_days), where it is attention.
    """

    state: Tensor
    regime: Tensor
    casualty: Tensor
    anomaly: Tensor
    transition: Tensor
    forecast: Tensor
    daily_forecast: Tensor
    latents: Tensor | None
    cycle: Tensor | None
    weights: Mapping[str, Tensor]

    def of(self, task: Task) -> Tensor:
        """Return what is said for one task."""
        return getattr(self, task)  # type: ignore[no-any-return]  # one field per task

"""A prepared series on a device, and batches of windows gathered from it.

Windows overlap: 644 of a year each hold 160 times the values of the series, which is therefore
stored once. A batch is gathered by the days of its anchors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainables.han.batch import Batch, Observed, Task
from trainables.han.panel import WEEK, Floats, Panel, Whole, month_of_day, season, weekday
from trainables.han.scaling import TargetStatistics, target_statistics
from trainables.han.shape import DataShape
from trainables.han.windows import Splits, WindowConfig, targets_of


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the network reads, as arrays, NaN where not observed; shapes as in `Panel`."""

    daily: Mapping[str, Floats]
    regional: Mapping[str, Floats]
    monthly: Mapping[str, Floats]


class Series:
    """A series on a device.

    Parameters
    ----------
    splits : Splits
        Dates, targets and anchors.
    inputs : Inputs
        The panel's sources, prepared.
    windows : WindowConfig
        Length of a window.
    device

    Attributes
    ----------
    shape : DataShape
        What the network must know of the data.
    suspect : tuple of str
        Sources that are suspected to mislead.
    statistics : TargetStatistics
        Of the training windows.
    fitted_days : int
        How many days were over at the end of the training period.
    """

    def __init__(
        self, splits: Splits, inputs: Inputs, windows: WindowConfig, device: torch.device
    ) -> None:
        self.device = device
        self.suspect = splits.panel.suspect
        self.fitted_days = splits.fitted_days
        self.shape = _shape(splits.panel, inputs, windows, device)
        self._daily = {name: _stored(values, device) for name, values in inputs.daily.items()}
        self._regional = {name: _stored(values, device) for name, values in inputs.regional.items()}
        self._monthly = {name: _stored(values, device) for name, values in inputs.monthly.items()}
        targets = targets_of(splits, windows)
        train = {name: values[splits.train] for name, values in targets.items()}
        self.statistics: TargetStatistics = target_statistics(train, device)
        self._targets = {
            name: torch.as_tensor(values, device=device) for name, values in targets.items()
        }
        self._anchors = {
            name: torch.as_tensor(splits.anchors(name), device=device) for name in splits.periods
        }
        days = splits.panel.days()
        self._month = _integers(month_of_day(days), device)
        self._weekday = int(weekday(days[:1])[0])
        self._season = _integers(season(days), device)
        self._first_season = int(season(days[:1])[0])

    def anchors(self, split: str) -> Tensor:
        """Return the anchor days of a split: "train", "validation" or "test"."""
        return self._anchors[split]

    def targets(self, anchors: Tensor) -> dict[Task, Tensor]:
        """Return the targets of some anchors, by task."""
        return {name: values[anchors] for name, values in self._targets.items()}

    def batch(self, anchors: Tensor) -> Batch:
        """Gather the windows that end at some days.

        Parameters
        ----------
        anchors : Tensor of int64, shape (n,)
        """
        day = anchors[:, None] + torch.arange(1 - self.shape.days, 1, device=self.device)
        own = self._month[anchors][:, None]
        month = own + torch.arange(1 - self.shape.months, 1, device=self.device)
        there = day >= 0
        over = (month >= 0) & (month < own)  # the anchor's own month is not
        day_index, month_index = day.clamp(min=0), month.clamp(min=0)
        place = self._month[day_index] - month[:, :1]
        return Batch(
            daily={k: _gathered(v, day_index, there) for k, v in self._daily.items()},
            regional={k: _gathered(v, day_index, there) for k, v in self._regional.items()},
            monthly={k: _gathered(v, month_index, over) for k, v in self._monthly.items()},
            month=torch.where(there & (place >= 0), place, -1),
            weekday=torch.remainder(day + self._weekday, WEEK),
            season=self._season[day_index],
            month_season=torch.remainder(month + self._first_season, 12),
            targets=self.targets(anchors),
        )


def _stored(values: Floats, device: torch.device) -> Observed:
    known = ~np.isnan(values)
    filled = np.where(known, values, np.float32(0.0))
    return Observed(torch.as_tensor(filled, device=device), torch.as_tensor(known, device=device))


def _integers(values: Whole, device: torch.device) -> Tensor:
    return torch.as_tensor(values, device=device)


def _gathered(stored: Observed, rows: Tensor, there: Tensor) -> Observed:
    """Take rows of a source; those that are not there were not observed.

    Shapes: (n_rows, …) of the source, (n, steps) of rows and there, (n, steps, …) of the result.
    """
    values, mask = stored.values[rows], stored.mask[rows]
    there = there.reshape(there.shape + (1,) * (mask.ndim - 2))
    return Observed(torch.where(there, values, 0.0), mask & there)


def _shape(panel: Panel, inputs: Inputs, windows: WindowConfig, device: torch.device) -> DataShape:
    return DataShape(
        daily={name: values.shape[1] for name, values in inputs.daily.items()},
        regional={
            name: (values.shape[1], values.shape[2]) for name, values in inputs.regional.items()
        },
        monthly={name: values.shape[1] for name, values in inputs.monthly.items()},
        distances=torch.as_tensor(panel.distances, dtype=torch.float32, device=device),
        days=windows.days,
        months=windows.months,
        forecast=len(panel.forecast_features),
    )

"""Where a day or a month stands: in its window, in the week, and in the year.

References
----------
Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762, section 3.5.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from trainables.han.blocks import token
from trainables.han.shape import Positions

WEEKDAYS = 7
SEASONS = 12  # months of the year
SLOWEST = 10_000.0  # the longest wave length is 2π times this many positions


def sinusoids(length: int, width: int) -> Tensor:
    """Return sines and cosines of each position, side by side, shape (length, width).

    Examples
    --------
    >>> sinusoids(2, 2)[0].tolist()
    [0.0, 1.0]
    """
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(SLOWEST) / width))
    angles = torch.arange(length).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]


class DayPositions(nn.Module):
    """What is added to the vectors of a window's days.

    Parameters
    ----------
    kind
        "none"; "sinusoidal", by the place in the window; with the day of the week; with the month
        of the year as well.
    width
        Size of the vectors.
    days
        Length of a window.
    """

    def __init__(self, kind: Positions, width: int, days: int) -> None:
        super().__init__()
        self.waves: Tensor
        waves = sinusoids(days, width) if kind != "none" else torch.zeros(days, width)
        self.register_buffer("waves", waves, persistent=False)
        self.weekday = token(WEEKDAYS, width) if kind in {"weekday", "weekday_month"} else None
        self.season = token(SEASONS, width) if kind == "weekday_month" else None

    def forward(self, weekday: Tensor, season: Tensor) -> Tensor:
        """Return what to add, shape (width, n, n_days), for weekday and season (n, n_days)."""
        where = self.waves.expand(len(weekday), -1, -1)
        if self.weekday is not None:
            where = where + nn.functional.embedding(weekday, self.weekday)
        if self.season is not None:
            where = where + nn.functional.embedding(season, self.season)
        return where.permute(2, 0, 1).contiguous()


class MonthPositions(nn.Module):
    """What is added to the vectors of a window's months; arguments as for `DayPositions`."""

    def __init__(self, kind: Positions, width: int, months: int) -> None:
        super().__init__()
        self.waves: Tensor
        waves = sinusoids(months, width) if kind != "none" else torch.zeros(months, width)
        self.register_buffer("waves", waves, persistent=False)
        self.season = token(SEASONS, width) if kind == "weekday_month" else None

    def forward(self, season: Tensor) -> Tensor:
        """Return what to add, shape (width, n, n_months), for season (n, n_months)."""
        where = self.waves.expand(len(season), -1, -1)
        if self.season is not None:
            where = where + nn.functional.embedding(season, self.season)
        return where.permute(2, 0, 1).contiguous()

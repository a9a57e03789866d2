"""Batches of random numbers, in the shape of the data, without any data behind them."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Generator

from trainables.han.batch import AHEAD, Batch, Observed
from trainables.han.shape import DataShape

SIX_MONTHS = 6


def drawn_shape(days: int = 32, months: int = SIX_MONTHS, regions: int = 4) -> DataShape:
    """Return a shape with three daily sources, a regional one, and two monthly ones."""
    places = 300 * torch.rand(regions, 2, generator=Generator().manual_seed(7))
    return DataShape(
        daily={"losses": 3, "fires": 5, "events": 2},
        regional={"districts": (regions, 4)},
        monthly={"rain": 3, "prices": 4},
        distances=torch.cdist(places, places),
        days=days,
        months=months,
        forecast=10,
    )


def drawn_batch(shape: DataShape, n: int = 3, seed: int = 0, scale: float = 1.0) -> Batch:
    """Return windows of noise, 70 % of it observed, the last of its months never."""
    rng = Generator().manual_seed(seed)

    def observed(*size: int) -> Observed:
        values = scale * torch.randn(n, *size, generator=rng)
        return Observed(values, torch.rand(n, *size, generator=rng) > 0.3)

    def over(source: Observed) -> Observed:
        last = torch.arange(shape.months).view(1, -1, 1) == shape.months - 1
        return Observed(source.values, source.mask & ~last)

    day = torch.arange(shape.days).expand(n, -1)
    months_back = (shape.days - 1 - day + 10) // 30  # the anchor's month is 20 days old
    season = torch.arange(shape.months).expand(n, -1) % 12
    return Batch(
        daily={name: observed(shape.days, f) for name, f in shape.daily.items()},
        regional={name: observed(shape.days, r, f) for name, (r, f) in shape.regional.items()},
        monthly={name: over(observed(shape.months, f)) for name, f in shape.monthly.items()},
        month=(shape.months - 1 - months_back).clamp(min=-1),
        weekday=day % 7,
        season=(shape.months - 1 - months_back) % 12,
        month_season=season,
        targets={
            "regime": torch.zeros(n),
            "daily_forecast": torch.zeros(n, AHEAD, shape.forecast),
        },
    )


def changed(batch: Batch, change: Callable[[Observed], Observed]) -> Batch:
    """Return a batch whose sources have all been changed."""
    return replace(
        batch,
        daily={name: change(source) for name, source in batch.daily.items()},
        regional={name: change(source) for name, source in batch.regional.items()},
        monthly={name: change(source) for name, source in batch.monthly.items()},
    )

"""Drawing a generated panel, and its splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from trainables.han.batch import MONTH, REGIMES
from trainables.han.generator import SHORTCUT, GeneratorConfig
from trainables.han.latents import Dates, Latents, draw_latents, season_of
from trainables.han.observation import (
    AREA_FEATURES,
    DAILY,
    MONTHLY,
    REGIONAL,
    World,
    draw_world,
    observe_daily,
    observe_monthly,
    observe_regional,
    observe_spare,
)
from trainables.han.panel import Doubles, Floats, Panel, month_of_day
from trainables.han.windows import Period, Splits, WindowConfig, split
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling

FIRST_DAY: Final = np.datetime64("2001-01-01")
LEAD_IN: Final = 200  # days: six months, and what a lag needs
DISPERSION: Final = 2.0  # θ of the negative binomial
DRIFT: Final = 0.25  # of a year, by which rainfall's phase moves after the training period


@dataclass(frozen=True, eq=False)
class _Stretch:
    """Consecutive days drawn from one stream."""

    daily: dict[str, Floats]
    regional: dict[str, Floats]
    monthly: dict[str, Floats]
    targets: dict[str, Doubles]


def generate(
    config: GeneratorConfig,
    windows: WindowConfig,
    *,
    seed: int,
    sampling: Sampling = EVERY_SEED_AFRESH,
) -> Splits:
    """Draw a panel, and split it.

    Parameters
    ----------
    config : GeneratorConfig
        Sizes are those of the default embargo; another one adds or takes windows of training and
        validation.
    windows : WindowConfig
    seed
        Drives everything random but the world.
    sampling : Sampling
        "fixed": days from the second lead-in on are those of `split_seed`. A window longer than a
        lead-in reads earlier days, too, which `seed` draws.

    Raises
    ------
    TrainableError
        If the replication is "resplit": days have an order.
    """
    periods = generated_periods(config, windows)
    second = periods["validation"][1]
    days: Dates = FIRST_DAY + np.arange(periods["test"][1])
    shift = _phases(periods)
    world = draw_world(config)
    test_seed = seed if sampling.test_seed is None else sampling.test_seed
    streams = [
        np.random.default_rng([number, place]) for place, number in enumerate((seed, test_seed))
    ]
    first = _draw(config, world, days[:second], shift[:second], streams[0])
    last = _draw(config, world, days[second:], shift[second:], streams[1])
    return split(_joined(first, last, world, days, second), windows, periods)


def generated_periods(config: GeneratorConfig, windows: WindowConfig) -> dict[str, Period]:
    """Return the periods that hold as many windows as a configuration says."""
    found = {}
    begin = LEAD_IN
    for name, size in (("train", config.n_train), ("validation", config.n_validation)):
        end = begin + size * windows.stride + MONTH
        found[name] = (begin, end)
        begin = end
    begin += LEAD_IN
    return found | {"test": (begin, begin + config.n_test * windows.stride + MONTH)}


def _phases(periods: dict[str, Period]) -> Doubles:
    """Return by how much of a year rainfall's season is late, for each day."""
    shift = np.zeros(periods["test"][1])
    shift[periods["train"][1] :] = DRIFT
    shift[periods["validation"][1] :] = 2 * DRIFT
    return shift


def _draw(
    config: GeneratorConfig, world: World, days: Dates, shift: Doubles, rng: np.random.Generator
) -> _Stretch:
    """Draw a stretch of days, and what its columns need of the days before it."""
    lead = config.lags
    latents = draw_latents(config, days[0] + np.arange(-lead, len(days)), rng)
    month = month_of_day(days)
    count = np.bincount(month)[:, None]
    drivers = latents.drivers(config)[lead:]
    means = np.stack([np.bincount(month, column) for column in drivers.T], axis=1) / count
    wave = np.bincount(month, season_of(days, shift)) / count[:, 0]
    stretch = _Stretch(
        observe_daily(config, world, latents, lead, rng),
        {REGIONAL: observe_regional(config, world, latents, lead, rng)},
        observe_monthly(config, world, means, wave, rng),
        _targets(config, latents, lead, rng),
    )
    # last, so that further sources leave everything else as it is
    stretch.regional.update(observe_spare(config, world, latents, lead, rng))
    return _shuffled(stretch, rng) if config.independent else stretch


def _targets(
    config: GeneratorConfig, latents: Latents, lead: int, rng: np.random.Generator
) -> dict[str, Doubles]:
    intensity = latents.intensity[lead:]
    size = len(intensity)
    wrong = rng.random(size) < config.label_noise
    other = (latents.regime[lead:] + rng.integers(1, REGIMES, size)) % REGIMES
    mean = np.exp(1.5 + intensity)
    count = rng.poisson(mean * rng.gamma(DISPERSION, 1 / DISPERSION, size)).astype(np.float64)
    count[rng.random(size) < config.zeros] = 0.0
    anomaly = 0.8 * latents.shock[lead:] + 0.6 * rng.standard_normal(size)
    count[rng.random(size) >= config.casualty_known] = np.nan
    anomaly[rng.random(size) >= config.anomaly_known] = np.nan
    return {
        "regime": np.where(wrong, other, latents.regime[lead:]).astype(np.float64),
        "casualty": count,
        "anomaly": anomaly,
        "transition": latents.change[lead:].astype(np.float64),
    }


def _shuffled(stretch: _Stretch, rng: np.random.Generator) -> _Stretch:
    """Put days of sources, months, and days of targets into orders that have nothing in common."""
    size = len(stretch.targets["regime"])
    day, other = rng.permutation(size), rng.permutation(size)
    month = rng.permutation(len(next(iter(stretch.monthly.values()))))
    return _Stretch(
        {name: values[day] for name, values in stretch.daily.items()},
        {name: values[day] for name, values in stretch.regional.items()},
        {name: values[month] for name, values in stretch.monthly.items()},
        {name: values[other] for name, values in stretch.targets.items()},
    )


def _joined(first: _Stretch, last: _Stretch, world: World, days: Dates, second: int) -> Panel:
    """Join two stretches; a month of both keeps the first one's values."""
    shared = int(days[second].astype("datetime64[M]") == days[second - 1].astype("datetime64[M]"))
    widths = {**DAILY, **dict.fromkeys(first.regional, AREA_FEATURES), **MONTHLY}
    return Panel(
        first_day=days[0],
        daily={k: np.concatenate([first.daily[k], last.daily[k]]) for k in DAILY},
        regional={k: np.concatenate([v, last.regional[k]]) for k, v in first.regional.items()},
        monthly={k: np.concatenate([first.monthly[k], last.monthly[k][shared:]]) for k in MONTHLY},
        distances=world.distances,
        targets={k: np.concatenate([v, last.targets[k]]) for k, v in first.targets.items()},
        features={k: tuple(str(column) for column in range(v)) for k, v in widths.items()},
        suspect=(SHORTCUT,),
    )

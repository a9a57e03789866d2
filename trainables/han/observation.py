"""What the sources of a generated conflict show of its drivers, with lags, noise and gaps."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from trainables.han.generator import SHORTCUT, GeneratorConfig
from trainables.han.latents import FACTORS, Latents, autoregressive
from trainables.han.panel import Doubles, Flags, Floats, Whole

DAILY: Final = MappingProxyType({"losses": 8, "strikes": 6, "reports": 8, "signals": 6})
REGIONAL: Final = "areas"
REGIONS: Final = 12
AREA_FEATURES: Final = 10
ORIGINALS: Final = 6  # of these; the other four repeat the first four
MONTHLY: Final = MappingProxyType(
    {"economy": 6, "displacement": 8, "prices": 6, SHORTCUT: 6}  # columns
)
FREE: Final = MappingProxyType({"losses": 2, "reports": 6})  # first columns without a factor
GAP_MEMORY: Final = 0.7  # gaps last some days
HEAVY_LEVEL: Final = 150.0  # of the columns with a fat tail
OFTEN: Final = MappingProxyType(  # how often a source is silent, as a multiple of the rate
    {"losses": 0.5, "strikes": 1.0, "reports": 0.5, "signals": 2.0, REGIONAL: 1.0}
)
EXTENT_KM: Final = (500.0, 300.0)


@dataclass(frozen=True, eq=False)
class World:
    """Which column sees what.

    Parameters
    ----------
    loads : dict of source to ndarray of shape (n_drivers, n_features)
        For daily sources, the regional one and monthly ones; drivers as in `Latents.drivers`.
    lags : dict of source to ndarray of int64, shape (n_features,)
    units, levels : dict of source to ndarray of shape (n_features,)
        Of daily sources.
    distances : ndarray of shape (REGIONS, REGIONS)
        Kilometres.
    """

    loads: dict[str, Doubles]
    lags: dict[str, Whole]
    units: dict[str, Doubles]
    levels: dict[str, Doubles]
    distances: Doubles


def draw_world(config: GeneratorConfig) -> World:
    """Draw the world that a configuration names: no run's seed changes it."""
    rng = np.random.default_rng(config.world)
    loads = {name: _loads(name, width, rng) for name, width in DAILY.items()}
    loads |= {REGIONAL: _loads(REGIONAL, AREA_FEATURES, rng)}
    loads |= {name: _loads(name, width, rng) for name, width in MONTHLY.items()}
    widths = {**DAILY, REGIONAL: AREA_FEATURES}
    shares = {name: rng.random(width) for name, width in widths.items()}
    lags = {k: np.floor(v * (config.lags + 0.999)).astype(np.int64) for k, v in shares.items()}
    for name in ("losses", "reports", REGIONAL):
        lags[name] //= 4  # what is counted every day is reported soon
    lags["reports"][:3] = 0  # the precursor's columns
    decades = {name: rng.permutation(width) / (width - 1) for name, width in DAILY.items()}
    units = {name: 10.0 ** (config.scale * share) for name, share in decades.items()}
    levels = {name: 2.0 * unit for name, unit in units.items()}
    places = rng.random((REGIONS, 2)) * EXTENT_KM
    distances = np.sqrt(np.square(places[:, None] - places[None]).sum(axis=-1))
    return World(loads, lags, units, levels, distances)


def _loads(name: str, width: int, rng: np.random.Generator) -> Doubles:
    """Draw what the columns of a source see."""
    intensity = np.zeros(width)
    shock, warning = np.zeros(width), np.zeros(width)
    factors = np.zeros((FACTORS, width))
    if name in ("losses", "signals", "displacement", REGIONAL):
        intensity = rng.uniform(0.4, 1.0, width) * rng.choice((-1.0, 1.0), width, p=(0.3, 0.7))
    if name == "strikes":
        intensity = rng.uniform(0.2, 0.6, width)
    if name == "reports":
        warning[:3] = 1.0
        shock[2:6] = rng.uniform(0.6, 1.0, 4)
    if name not in (REGIONAL, SHORTCUT, "displacement"):
        seen = rng.integers(FACTORS, size=width)
        factors[seen, np.arange(width)] = rng.choice((-1.0, 1.0), width)
        factors[:, : FREE.get(name, 0)] = 0.0
    return np.vstack([intensity, shock, warning, factors])


def observe_daily(
    config: GeneratorConfig,
    world: World,
    latents: Latents,
    lead: int,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Return the daily sources, from day `lead` of the latents on."""
    drivers = latents.drivers(config)
    found = {}
    for name in DAILY:
        seen = _lagged(drivers @ world.loads[name], world.lags[name], lead)
        values = seen + config.noise * rng.standard_normal(seen.shape)
        unit, level = world.units[name], world.levels[name]
        if name == "strikes" and config.heavy > 0:
            values = unit * HEAVY_LEVEL / unit.min() * np.exp(config.heavy * (values - 1.0))
        else:
            values = level + unit * values
        gone = silent(config, name, latents.intensity[lead:], 1, rng)
        found[name] = np.where(gone, np.nan, values).astype(np.float32)
    return found


def observe_regional(
    config: GeneratorConfig,
    world: World,
    latents: Latents,
    lead: int,
    rng: np.random.Generator,
) -> Floats:
    """Return the regional source, from day `lead` on: (n_days, REGIONS, AREA_FEATURES)."""
    own = _field(config, world, len(latents.intensity), rng)
    field = latents.intensity[:, None] + 0.7 * own  # (n_days + lead, REGIONS)
    loads, lags = world.loads[REGIONAL][0], world.lags[REGIONAL]
    days = len(field) - lead
    values = np.empty((days, REGIONS, AREA_FEATURES), np.float32)
    for column in range(ORIGINALS):
        start = lead - int(lags[column])
        values[..., column] = loads[column] * field[start : start + days]
    values[..., :ORIGINALS] += config.noise * rng.standard_normal(
        (days, REGIONS, ORIGINALS), dtype=np.float32
    )
    extra = AREA_FEATURES - ORIGINALS
    fresh = rng.standard_normal((days, REGIONS, extra), dtype=np.float32)
    original = values[..., :extra]
    scale = original.std(axis=(0, 1))
    same = config.duplicates
    values[..., ORIGINALS:] = same * original + np.sqrt(1 - same**2) * scale * fresh
    gone = silent(config, REGIONAL, latents.intensity[lead:], REGIONS, rng)
    values[gone] = np.nan
    return values


def observe_spare(
    config: GeneratorConfig, world: World, latents: Latents, lead: int, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return regional sources that have the form of the first, and see fields of their own."""
    found = {}
    days = len(latents.intensity) - lead
    for place in range(config.spare):
        field = _field(config, world, days, rng)
        noise = rng.standard_normal((days, REGIONS, AREA_FEATURES), dtype=np.float32)
        loads = rng.uniform(0.4, 1.0, AREA_FEATURES)
        values = (loads * field[..., None] + config.noise * noise).astype(np.float32)
        values[silent(config, REGIONAL, latents.intensity[lead:], REGIONS, rng)] = np.nan
        found[f"spare_{place + 1}"] = values
    return found


def _field(config: GeneratorConfig, world: World, days: int, rng: np.random.Generator) -> Doubles:
    """Return a slow field in which near regions resemble one another, (n_days, REGIONS)."""
    kernel = np.exp(-world.distances / config.spatial_km)
    root = np.linalg.cholesky(kernel + 1e-9 * np.eye(REGIONS))
    return autoregressive(rng.standard_normal((days, REGIONS)) @ root.T, 0.95)


def observe_monthly(
    config: GeneratorConfig,
    world: World,
    means: Doubles,
    wave: Doubles,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Return the monthly sources.

    Parameters
    ----------
    means : ndarray of shape (n_months, n_drivers)
        Monthly means of the drivers.
    wave : ndarray of shape (n_months,)
        The season that rainfall follows.
    """
    found = {}
    for name, width in MONTHLY.items():
        noise = rng.standard_normal((len(means), width))
        if name == SHORTCUT:
            signs = np.where(np.arange(width) % 2, -1.0, 1.0)
            seen = 1.5 * config.shortcut * wave[:, None] * signs
        else:
            seen = means @ world.loads[name]
        values = seen + 0.5 * config.noise * noise
        gone = rng.random((len(means), 1)) < 0.5 * config.missing
        found[name] = np.where(gone, np.nan, values).astype(np.float32)
    return found


def silent(
    config: GeneratorConfig, name: str, intensity: Doubles, units: int, rng: np.random.Generator
) -> Flags:
    """Draw on which days a source says nothing: shape (n_days, units)."""
    rate = min(0.95, OFTEN[name] * config.missing)
    noise = autoregressive(rng.standard_normal((len(intensity), units)), GAP_MEMORY)
    if rate == 0:
        return np.zeros(noise.shape, np.bool_)
    chance = expit(logit(rate) + config.informative * intensity)
    return np.asarray(norm.cdf(noise) < chance[:, None], np.bool_)


def _lagged(values: Doubles, lags: Whole, lead: int) -> Doubles:
    """Take each column some days late: shape (n_days - lead, n_features)."""
    days = np.arange(lead, len(values))
    late: Doubles = values[days[:, None] - lags, np.arange(values.shape[1])]
    return late

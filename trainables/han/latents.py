"""What drives a generated conflict, day by day: regime, intensity, season, factors and shocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from trainables.han.batch import REGIMES
from trainables.han.generator import GeneratorConfig
from trainables.han.panel import Doubles, Flags, Whole

FACTORS: Final = 6  # of no matter for the regime; six of the eight directions of a narrow state
FACTOR_MEMORY: Final = 0.97  # per day: they last for a month, as the forecast needs
INTENSITY_MEMORY: Final = 0.9
SHOCK_MEMORY: Final = 0.85
PRECURSOR_DAYS: Final = 5
STEP: Final = 1.6  # between the levels of two regimes
PHASE: Final = 30.0  # day of the year when the season's intensity is highest
YEAR_DAYS: Final = 365.25

Dates = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Latents:
    """The drivers of each day.

    Parameters
    ----------
    regime : ndarray of int64, shape (n_days,)
    change : ndarray of bool, shape (n_days,)
        Whether the regime differs from the day before.
    intensity, shock, warning : ndarray of shape (n_days,)
        Intensity and shock have a deviation of about 1. Warning is 1 before changes, and in false
        alarms.
    season : ndarray of shape (n_days,)
        Between -1 and 1.
    factors : ndarray of shape (n_days, FACTORS)
        With a deviation of 1.
    """

    regime: Whole
    change: Flags
    intensity: Doubles
    shock: Doubles
    warning: Doubles
    season: Doubles
    factors: Doubles

    def drivers(self, config: GeneratorConfig) -> Doubles:
        """Return what columns may see: intensity, shock, warning, factors: 3 + FACTORS."""
        first = (self.intensity, self.shock, config.precursor * self.warning)
        return np.column_stack([*first, config.conflict * self.factors])


def season_of(days: Dates, shift: Doubles | float = 0.0) -> Doubles:
    """Return the season of dates, late by a share of a year."""
    since = days.astype("datetime64[D]").astype(np.float64)
    wave: Doubles = np.cos(2 * np.pi * ((since - PHASE) / YEAR_DAYS - shift))
    return wave


def draw_latents(
    config: GeneratorConfig,
    days: Dates,
    rng: np.random.Generator,
) -> Latents:
    """Draw the drivers of consecutive days, from their stationary state on."""
    size = len(days)
    wave = season_of(days)
    regime = _chain(config, wave, rng)
    change = np.diff(regime, prepend=regime[:1]) != 0
    level = STEP * (regime - (REGIMES - 1) / 2)
    own = autoregressive(rng.standard_normal(size), INTENSITY_MEMORY)
    intensity = (level + 0.6 * config.season * wave + 0.5 * own) / 1.8
    factors = autoregressive(rng.standard_normal((size, FACTORS)), FACTOR_MEMORY)
    shock = autoregressive(rng.standard_normal(size), SHOCK_MEMORY)
    false = rng.random(size) < config.change
    warning = np.maximum(_before(change), _before(false))
    return Latents(regime, change, intensity, shock, warning, wave, factors)


def autoregressive(noise: Doubles, memory: float) -> Doubles:
    """Return a stationary process of variance 1, made from standard normal noise, along axis 0."""
    scaled = noise * np.sqrt(1 - memory**2)
    scaled[:1] = noise[:1]
    found: Doubles = lfilter([1.0], [1.0, -memory], scaled, axis=0)
    return found


def _chain(config: GeneratorConfig, wave: Doubles, rng: np.random.Generator) -> Whole:
    """Walk one step up or down now and then: up rather in the season, down rather out of it."""
    moves = np.flatnonzero(rng.random(len(wave)) < config.change)
    moves = moves[moves > 0]
    rises = rng.random(len(moves)) < 1 / (1 + np.exp(-2.0 * config.season * wave[moves]))
    regime = np.empty(len(wave), np.int64)
    now, start = int(rng.integers(REGIMES)), 0
    for day, rise in zip(moves.tolist(), rises.tolist(), strict=True):
        regime[start:day] = now
        start = day
        up = (rise and now < REGIMES - 1) or now == 0
        now += 1 if up else -1
    regime[start:] = now
    return regime


def _before(event: Flags) -> Doubles:
    """Rise to 1 in the days before events; the event's own day is not marked."""
    found = np.zeros(len(event))
    for day in range(1, PRECURSOR_DAYS + 1):
        height = (PRECURSOR_DAYS + 1 - day) / PRECURSOR_DAYS
        found[:-day] = np.maximum(found[:-day], height * event[day:])
    return found

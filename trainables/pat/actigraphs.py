"""Draw synthetic actigraphy; `generator` says what it is and how to make it harder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from trainables.pat.generator import GeneratorConfig
from trainables.pat.windows import DAY, UNKNOWN, Counts, Flags, Numbers, Windows
from trainables.techniques.splitting import streams

Role = Literal["train", "validation", "test", "unlabelled"]

Floats = NDArray[np.float64]

_ACROPHASE: Final = 15.0  # hours: when people are most active
_WAKEFUL: Final = -0.5  # cosine of the day's angle from which on people are awake: 16 hours
_STEEPNESS: Final = 30.0  # of falling asleep and waking up: most of it within half an hour
_NIGHT_RATE: Final = 0.05  # share of the night's minutes with movement, typically
_NIGHT_LEVEL: Final = 0.25  # of a movement at night, relative to an active minute by day
_SLOW: Final = 0.4  # log deviation of bursts of activity that last a while
_SLOW_MINUTES: Final = 25  # so long; not a multiple of a patch
_SHAPE: Final = 3.0  # of the gamma distribution of the counts of a minute, of mean 1
_DEPTH: Final = 0.6  # active minutes have 1.6 times the activity of the hour, others 0.4 times
_SWITCHING: Final = 0.6  # logit of switching between the two from one minute to the next: 65 %
_MOST: Final = 32767.0  # counts of a minute that the survey's device can store
_CHUNK: Final = 128  # people at a time: their arrays stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Actigraphs:
    """People of one split, of one window each, and what no device knows about them.

    Attributes
    ----------
    windows : Windows
        As a study gets them: everything worn, labels of train participants with their noise.
    severity : ndarray of shape (n_people,)
        The latent variable, in standard deviations: the best predictor there is.
    depressed : ndarray of bool, shape (n_people,)
        The truth, without label noise.
    switching : ndarray of shape (n_people,)
        Chance per minute of switching between more and less activity.
    off : ndarray of bool, shape (n_people, minutes)
        When the device was not worn.
    """

    windows: Windows
    severity: Floats
    depressed: Flags
    switching: Floats
    off: Flags


@dataclass(frozen=True, eq=False)
class _Traits:
    """What makes people differ; each of shape (n_people,), or (n_people, days)."""

    phase: Floats  # hours; by day
    level: Floats  # counts per minute; by day
    night: Floats  # share of minutes with movement
    switching: Floats


def draw_all(
    config: GeneratorConfig, seed: int, *, test_seed: int | None = None
) -> dict[Role, Actigraphs]:
    """Draw every split afresh, each from its own stream: no size moves another split.

    Parameters
    ----------
    config : GeneratorConfig
    seed
        Drives everything random.
    test_seed
        Draws the people held out, where they are the same for every `seed`.

    Returns
    -------
    dict
        "train", "validation", "test" and, unless `n_unlabelled` is 0, "unlabelled", with numbers of
        participants that never repeat.
    """
    sizes: dict[Role, int] = {
        "train": config.n_train,
        "validation": config.n_validation,
        "test": config.n_test,
        "unlabelled": config.n_unlabelled,
    }
    return {
        role: draw(config, size, role=role, rng=rng, first=first)
        for role, size, first, rng in streams(seed, sizes, test_seed=test_seed)
    }


def draw(
    config: GeneratorConfig, size: int, *, role: Role, rng: np.random.Generator, first: int = 0
) -> Actigraphs:
    """Draw `size` people of one split, of whom the share `prevalence` is depressed, rounded."""
    depressed = rng.permutation(np.arange(size) < _positives(config, size))
    severity = rng.standard_normal(size) + config.latent_shift * depressed
    traits = _traits(config, severity, rng)
    off = _off(config, size, rng)
    label = _labels(config, depressed, role, rng)
    shuffled = (role == "unlabelled") & (rng.random(size) >= config.shared_rhythm)
    activity = np.empty((size, config.days * DAY), np.float32)
    for start in range(0, size, _CHUNK):
        part = slice(start, start + _CHUNK)
        movement = _movement(traits, part, rng)
        activity[part] = _device(config, movement, off[part], shuffled[part], role, rng)
    windows = Windows(
        activity, np.ones_like(off), np.arange(first, first + size, dtype=np.int64), label
    )
    return Actigraphs(windows, severity, depressed, traits.switching, off)


def _positives(config: GeneratorConfig, size: int) -> int:
    """Round the number of depressed people, leaving at least one of each kind."""
    return int(np.clip(round(config.prevalence * size), 1, max(1, size - 1)))


def _traits(config: GeneratorConfig, severity: Floats, rng: np.random.Generator) -> _Traits:
    size, days = len(severity), (len(severity), config.days)
    phase = _ACROPHASE + config.phase_effect * severity
    phase += config.phase_spread * rng.standard_normal(size)
    gain = config.gain_spread * rng.standard_normal(size)
    lost = np.log1p(-config.level_effect)  # per standard deviation
    level = np.log(config.counts) + lost * severity + gain
    night = config.night_effect * severity + config.night_spread * rng.standard_normal(size)
    texture = config.texture_effect * severity + config.texture_spread * rng.standard_normal(size)
    return _Traits(
        phase=phase[:, None] + config.phase_jitter * rng.standard_normal(days),
        level=np.exp(level[:, None] + config.level_jitter * rng.standard_normal(days)),
        night=np.minimum(_NIGHT_RATE * np.exp(night), 0.5),
        switching=1.0 / (1.0 + np.exp(-(_SWITCHING + texture))),
    )


def _off(config: GeneratorConfig, size: int, rng: np.random.Generator) -> Flags:
    """Draw the hours without the device: 1 to 4 in a share of the days, within the day."""
    days = (size, config.days)
    taken_off = rng.random(days) < config.nonwear_share
    length = rng.integers(60, 241, days)
    start = (rng.random(days) * (DAY - length)).astype(np.int64)
    minute = np.arange(DAY)
    off = (minute >= start[..., None]) & (minute < (start + length)[..., None])
    return (off & taken_off[..., None]).reshape(size, config.days * DAY)


def _labels(
    config: GeneratorConfig, depressed: Flags, role: Role, rng: np.random.Generator
) -> Numbers:
    """Label people; in the train split, exchange some labels of either kind, as many of each."""
    if role == "unlabelled":
        return np.full(len(depressed), UNKNOWN, np.int64)
    label = depressed.astype(np.int64)
    if role == "train":
        positive, negative = np.flatnonzero(depressed), np.flatnonzero(~depressed)
        wrong = min(round(config.label_noise * len(positive)), len(negative))
        label[rng.permutation(positive)[:wrong]] = 0
        label[rng.permutation(negative)[:wrong]] = 1
    return label


def _movement(traits: _Traits, people: slice, rng: np.random.Generator) -> Counts:
    """Draw what a perfect device would count, shape (n_people, minutes)."""
    phase, level = traits.phase[people], traits.level[people]
    size, days = phase.shape
    shape = (size, days * DAY)
    hours = np.arange(DAY, dtype=np.float32) / 60.0
    angle = np.float32(2.0 * np.pi / 24.0) * (hours - phase.astype(np.float32)[..., None])
    cosine = np.cos(angle).reshape(shape)  # 1 at the acrophase
    awake = 1.0 / (1.0 + np.exp(np.float32(_STEEPNESS) * (np.float32(_WAKEFUL) - cosine)))
    day = awake * (0.7 + 0.3 * cosine) * _slow_bursts(shape, rng)
    day *= 1.0 + np.float32(_DEPTH) * _alternation(traits.switching[people], shape, rng)
    moves = rng.random(shape, np.float32) < traits.night[people].astype(np.float32)[:, None]
    night = (1.0 - awake) * np.float32(_NIGHT_LEVEL) * moves
    scale: Counts = np.repeat(level.astype(np.float32), DAY, axis=1) / np.float32(_SHAPE)
    bursts: Counts = rng.standard_gamma(_SHAPE, shape, np.float32)
    counts: Counts = scale * (day + night) * bursts
    return counts


def _slow_bursts(shape: tuple[int, int], rng: np.random.Generator) -> Counts:
    """Draw activity that lasts a while: a log-normal factor of mean 1 per `_SLOW_MINUTES`."""
    blocks = -(-shape[1] // _SLOW_MINUTES)
    normal = rng.standard_normal((shape[0], blocks), np.float32)
    factor = np.exp(np.float32(_SLOW) * normal - np.float32(_SLOW**2 / 2.0))
    return np.repeat(factor, _SLOW_MINUTES, axis=1)[:, : shape[1]]


def _alternation(
    switching: Floats, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw a chain of +1 and -1 that switches with a person's chance; both are equally likely."""
    switches = rng.random(shape, np.float32) < switching.astype(np.float32)[:, None]
    switches[:, 0] = rng.random(shape[0]) < 0.5
    odd = np.cumsum(switches, axis=1, dtype=np.int16) & 1
    return (1 - 2 * odd).astype(np.float32)


def _device(
    config: GeneratorConfig,
    movement: Counts,
    off: Flags,
    shuffled: Flags,
    role: Role,
    rng: np.random.Generator,
) -> Counts:
    """Turn movement into whole counts, as the device of the split's cohort does."""
    if role == "unlabelled":
        movement = movement * np.float32(config.device_gain)
        movement = np.where(movement < config.device_threshold, np.float32(0.0), movement)
    counts = np.minimum(np.rint(movement), np.float32(_MOST))
    counts[off] = 0.0
    if shuffled.any():
        counts[shuffled] = rng.permuted(counts[shuffled], axis=1)
    return counts

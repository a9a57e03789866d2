"""Draw synthetic conjunctions; `generator` says what they are and how to make them harder."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from trainables.pi_tft import physics
from trainables.pi_tft.encounter import encounter_sigmas, report
from trainables.pi_tft.generator import GeneratorConfig
from trainables.pi_tft.physics import Floats
from trainables.techniques.splitting import streams

Role = Literal["train", "validation", "test"]

MAX_MESSAGES: Final = 21
HORIZON_DAYS: Final = 2.0  # the challenge withholds what is nearer to the closest approach
_FIRST_DAYS: Final = 7.0  # messages start a week ahead
_SHRINK_DAYS: Final = 4.0  # sigmas fall by e in this time: two days ahead much is still open
_NEAR_SPREAD: Final = 3.0  # of a near true miss, in last sigmas: about half end as high risk
_FAR_SPREAD: Final = 10.0  # of a far one, in first sigmas: nine out of ten end at the floor
_ORBITAL_SPEED: Final = 7500.0  # m/s, about 700 km altitude
_MISSIONS: Final = 12
_BIASED_MISSION: Final = _MISSIONS  # number 12 flies in the test split only


@dataclass(frozen=True)
class Conjunctions:
    """Events of one split as arrays; column -1 holds every event's last message.

    Attributes
    ----------
    messages : mapping of str to ndarray of shape (n_events, MAX_MESSAGES)
        Columns that change from message to message, under their official names; undefined where not
        `present`.
    events : mapping of str to ndarray of shape (n_events,)
        Columns that do not, under their official names; `encounter_angle` in radians; `near`, 1
        where the true miss was drawn near.
    object_type : ndarray of int, shape (n_events,)
        Index into `columns.OBJECT_TYPES`.
    present : ndarray of bool, shape (n_events, MAX_MESSAGES)
    event_id : ndarray of int, shape (n_events,)
    """

    messages: Mapping[str, Floats]
    events: Mapping[str, Floats]
    object_type: NDArray[np.int64]
    present: NDArray[np.bool_]
    event_id: NDArray[np.int64]


def generate(
    config: GeneratorConfig, *, seed: int, test_seed: int | None = None
) -> dict[Role, Conjunctions]:
    """Draw the three splits afresh, each from its own stream: no size moves another split.

    Parameters
    ----------
    config : GeneratorConfig
    seed
        Drives everything random.
    test_seed
        Draws the events held out, where they are the same for every `seed`.

    Returns
    -------
    dict
        "train", "validation" and "test", with event numbers that never repeat.
    """
    sizes: dict[Role, int] = {
        "train": config.n_train,
        "validation": config.n_validation,
        "test": config.n_test,
    }
    return {
        role: draw(config, size, role=role, rng=rng, first_id=first)
        for role, size, first, rng in streams(seed, sizes, test_seed=test_seed)
    }


def draw(
    config: GeneratorConfig, size: int, *, role: Role, rng: np.random.Generator, first_id: int = 0
) -> Conjunctions:
    """Draw `size` events of one split. Every event has an input message before the horizon."""
    present, days = _schedule(config, size, role, rng)
    events, object_type = _events(config, size, role, rng)
    updated = present & (rng.random(present.shape) < config.od_update_probability)
    updated[:, -1] = True  # the label comes from a fresh OD
    updated[np.arange(size), np.argmax(present, axis=1)] = True
    used = np.where(updated, np.arange(MAX_MESSAGES), 0)
    od = np.maximum.accumulate(used, axis=1)  # the message that brought the OD in use
    sigmas = _true_sigmas(object_type, np.take_along_axis(days, od, axis=1), rng)
    horizontal, radial = encounter_sigmas(sigmas, events["encounter_angle"])
    x, y = _estimates(config, (horizontal, radial), present, od, events, rng)
    reported = _misreport(config, sigmas, od, rng)
    messages = {"time_to_tca": days, **report(x, y, reported, events), **reported}
    messages |= _observations(updated, days, od, object_type, rng)
    if role == "train":
        messages["risk"] = _spoil_labels(config, messages["risk"], rng)
    _remove_covariances(config, messages, rng)
    return Conjunctions(
        messages, events, object_type, present, np.arange(first_id, first_id + size)
    )


def _schedule(
    config: GeneratorConfig, size: int, role: Role, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Floats]:
    """Draw 4 to 21 descending times in days, the first one before the horizon."""
    count = rng.integers(4, MAX_MESSAGES + 1, size)
    truncated = (role == "train") & (rng.random(size) < config.truncated_share)
    last = np.where(truncated, rng.uniform(1.0, 5.0, size), rng.uniform(0.05, 0.999, size))
    earliest = np.maximum(HORIZON_DAYS, last) + 0.2
    week = np.sqrt(rng.random(size))  # most start about a week ahead
    first = earliest + (_FIRST_DAYS - earliest) * week
    days = last[:, None] + (first - last)[:, None] * rng.random((size, MAX_MESSAGES))
    days[:, 0], days[:, 1] = first, last
    slots = np.arange(MAX_MESSAGES)
    days[slots >= count[:, None]] = np.inf  # sorts to the front, which pads on the left
    days = -np.sort(-days, axis=1)
    present = slots >= MAX_MESSAGES - count[:, None]
    return present, np.where(present, days, first[:, None])


def _events(
    config: GeneratorConfig, size: int, role: Role, rng: np.random.Generator
) -> tuple[dict[str, Floats], NDArray[np.int64]]:
    """Draw what stays the same over an event: objects, geometry, whether the miss is near."""
    object_type = rng.choice(5, size, p=(0.15, 0.55, 0.1, 0.15, 0.05))
    biased = (role == "test") & (rng.random(size) < config.biased_share)
    cosine = -rng.uniform(0.35, 0.98, size)  # head-on is more common than crossing
    typical_span = np.array([5.0, 0.8, 7.0, 2.0, 2.0])[object_type]
    span = typical_span * np.exp(0.3 * rng.standard_normal(size))
    mission = np.where(biased, _BIASED_MISSION, rng.integers(0, _MISSIONS, size))
    events = {
        "mission_id": mission.astype(float),
        "encounter_angle": np.arccos(cosine),  # of the relative velocity from the target's track
        "relative_speed": -2.0 * _ORBITAL_SPEED * cosine,
        "t_span": 10.0 * np.exp(0.3 * rng.standard_normal(size)),
        "c_span": np.where(rng.random(size) < 0.3, np.nan, span),
        "c_rcs_estimate": np.where(rng.random(size) < 0.3, np.nan, 0.5 * np.square(span)),
        "c_cd_area_over_mass": 0.1 * np.exp(rng.standard_normal(size)),
        "t_j2k_sma": 7070.0 + 60.0 * rng.standard_normal(size),
        "F10": rng.uniform(65.0, 170.0, size),
        "near": (rng.random(size) < config.near_share).astype(float),
    }
    return events, object_type


def _true_sigmas(
    object_type: NDArray[np.int64],
    od_days: Floats,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Draw RTN standard deviations in metres: debris above payloads, all shrinking with time."""
    size = len(object_type)
    shrink = np.maximum(np.exp((od_days - _FIRST_DAYS) / _SHRINK_DAYS), 0.03)
    week_ahead = np.array([400.0, 6000.0, 2500.0, 6000.0, 3000.0])[object_type]
    along = {
        "c": week_ahead * np.exp(0.7 * rng.standard_normal(size)),
        "t": 150.0 * np.exp(0.4 * rng.standard_normal(size)),
    }
    sigmas = {}
    for owner, transverse in along.items():
        ratios = {
            "r": rng.uniform(0.03, 0.12, size),
            "t": np.ones(size),
            "n": rng.uniform(0.03, 0.1, size),
        }
        for axis, ratio in ratios.items():
            sigmas[f"{owner}_sigma_{axis}"] = (transverse * ratio)[:, None] * shrink
    return sigmas


def _estimates(
    config: GeneratorConfig,
    sigmas: tuple[Floats, Floats],
    present: NDArray[np.bool_],
    od: NDArray[np.int64],
    events: Mapping[str, Floats],
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Estimate the miss vector (x horizontal, y radial) at every message, in metres."""
    rows = np.arange(len(od))
    first = np.argmax(present, axis=1)
    stale = od != np.arange(MAX_MESSAGES)
    bias = np.where(events["mission_id"] == _BIASED_MISSION, config.mission_bias, 0.0)[:, None]
    estimates = []
    for sigma, offset in zip(sigmas, (bias, np.zeros_like(bias)), strict=True):
        last = sigma[:, -1]
        # near: of the order of the last uncertainty; far: of the order of the first, and beyond
        spread = np.where(events["near"] > 0, _NEAR_SPREAD * last, _FAR_SPREAD * sigma[rows, first])
        truth = spread * rng.standard_normal(len(od))
        variance = np.square(sigma)
        lost = np.maximum(-np.diff(variance, axis=1, append=0.0), 0.0)  # what the next OD removes
        noise = np.sqrt(lost) * rng.standard_normal(sigma.shape)
        error = np.cumsum(noise[:, ::-1], axis=1)[:, ::-1]  # the last message has the smallest
        drift = offset * (sigma - last[:, None])  # and no bias
        jitter = config.stale_noise * stale * sigma * rng.standard_normal(sigma.shape)
        estimates.append(truth[:, None] + error + drift + jitter)
    return estimates[0], estimates[1]


def _misreport(
    config: GeneratorConfig,
    sigmas: Mapping[str, Floats],
    od: NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Multiply the chaser's sigmas by a log-normal factor per OD, mostly shared by the event."""
    if config.covariance_realism == 0.0:
        return dict(sigmas)
    shared = 0.8 * rng.standard_normal((len(od), 1))
    own = 0.6 * np.take_along_axis(rng.standard_normal(od.shape), od, axis=1)
    factor = np.exp(config.covariance_realism * (shared + own))
    return {
        name: value * factor if name.startswith("c_") else value for name, value in sigmas.items()
    }


def _observations(
    updated: NDArray[np.bool_],
    days: Floats,
    od: NDArray[np.int64],
    object_type: NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Leave the traces of an OD: more observations used, and the age in days of the last one."""
    base = np.array([80.0, 15.0, 40.0, 15.0, 25.0])[object_type] * rng.uniform(0.6, 1.6, len(od))
    used = base[:, None] * (1.0 + 0.15 * np.cumsum(updated, axis=1))
    age = np.ceil(np.take_along_axis(days, od, axis=1) - days)  # whole days, as in the real files
    return {"c_obs_used": np.floor(used), "c_time_lastob_end": age}


def _spoil_labels(config: GeneratorConfig, risk: Floats, rng: np.random.Generator) -> Floats:
    """Put some last risks on the wrong side of the threshold, against their own physics."""
    spoiled = rng.random(len(risk)) < config.label_noise
    high = risk[:, -1] >= physics.HIGH_RISK
    wrong = physics.HIGH_RISK + np.where(high, -1.0, 1.0) * rng.uniform(0.2, 2.0, len(risk))
    risk[:, -1] = np.where(spoiled, wrong, risk[:, -1])
    return risk


def _remove_covariances(
    config: GeneratorConfig, messages: dict[str, Floats], rng: np.random.Generator
) -> None:
    """Blank the chaser's sigmas in some messages, after the risk was computed from them."""
    absent = rng.random(messages["risk"].shape) < config.missing_covariance
    for name in ("c_sigma_r", "c_sigma_t", "c_sigma_n"):
        messages[name] = np.where(absent, np.nan, messages[name])

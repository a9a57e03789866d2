"""Trainables that cost nothing, whose effects are what their configuration says."""

from __future__ import annotations

import json
import math
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from search import Predictions
from search.space import Float, Space
from search.study import Objective, Study
from search.technique import Technique

STEPS = 3
SD = 0.1  # of what differs between arms on one seed; seeds themselves differ by ten times that
TRAINED: list[tuple[str, int]] = []  # (configuration, seed) of every run that was begun


@dataclass(frozen=True)
class Config:
    """Gains of techniques, and what may go wrong with them."""

    lr: float = 0.0
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    knob: float = 0.0
    raises: bool = False
    noisy: bool = False


def train(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield scores that rise to seed + arm + gains; `lr` and `knob` are best at 0.6."""
    TRAINED.append((repr(config), seed))
    if config.raises:
        raise ValueError("the toy is broken")
    for step in range(STEPS):
        score = _limit(config, seed) * (step + 1) / STEPS
        yield {"val_score": score, "test_score": score + 0.5, "val_loss": 1.0 - step / 10}


def train_changed(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield the same scores by other code."""
    for metrics in train(config, seed=seed):
        yield {**metrics, "extra": 1.0}


def _limit(config: Config, seed: int) -> float:
    shared = np.random.default_rng(seed).normal()
    own = np.random.default_rng([seed, zlib.crc32(repr(config).encode())]).normal()
    gains = config.a + config.b + config.c + config.d
    return float(10 + shared + SD * own + gains - (config.lr - 0.6) ** 2 - (config.knob - 0.6) ** 2)


class Calibrated:
    """A model of a class: its predictions are shifted by a known amount."""

    def __init__(self, config: Config, *, seed: int) -> None:
        TRAINED.append((repr(config), seed))
        self._config, self._seed, self._step = config, seed, 0

    def step(self) -> Mapping[str, float]:
        """Return the scores that `metrics` gives for `predict`."""
        self._step += 1
        found: dict[str, float] = {}
        for prefix, split in (("val_", "validation"), ("test_", "test")):
            values = metrics(self.predict(split))
            found |= {f"{prefix}{name}": value for name, value in values.items()}
        return found

    def save(self, directory: Path) -> None:
        """Write the step."""
        (directory / "step.json").write_text(json.dumps(self._step))

    def load(self, directory: Path) -> None:
        """Read the step."""
        self._step = json.loads((directory / "step.json").read_text())

    def predict(self, split: str) -> Predictions:
        """Return scores that are too high by 1, with noise from the seed."""
        rng = np.random.default_rng([self._seed, len(split)])
        targets = rng.integers(0, 2, 40)
        own = np.random.default_rng([self._seed, zlib.crc32(repr(self._config).encode())])
        noise = rng.normal(scale=0.3, size=40) + SD * own.normal(size=40)
        return Predictions(targets + noise + 1.0 - self._config.a, targets)


class Recalibrated(Calibrated):
    """The same numbers from other code."""


class OneTestSet(Calibrated):
    """The same held-out rows for every seed, but validation rows of its own."""

    def predict(self, split: str) -> Predictions:
        """Return scores whose noise averages out over seeds."""
        rows = np.random.default_rng(0 if split == "test" else self._seed)
        targets = rows.integers(0, 2, 40)
        noise = np.random.default_rng([self._seed, len(split)]).normal(scale=0.5, size=40)
        return Predictions(targets + noise, targets, np.arange(40))


class Breaking(Calibrated):
    """Breaks down on every other seed."""

    def step(self) -> Mapping[str, float]:
        """Return NaN on even seeds."""
        found = super().step()
        return found if self._seed % 2 else dict.fromkeys(found, math.nan)


def metrics(predictions: Predictions) -> Mapping[str, float]:
    """Return minus the mean squared error, and the share of pairs in the right order."""
    scores, targets = predictions.scores, predictions.targets
    above = scores[targets == 1][:, None] > scores[targets == 0][None, :]
    return {"score": -float(np.mean((scores - targets) ** 2)), "order": float(above.mean())}


def shift(validation: Predictions) -> Any:
    """Take away the mean error on validation: better squares, the same order."""
    offset = float(np.mean(validation.scores - validation.targets))
    return lambda found: Predictions(found.scores - offset, found.targets)


def broken_fit(validation: Predictions) -> Any:
    """Raise."""
    raise ValueError(f"no fit on {len(validation.targets)} rows")


def technique(name: str, gain: float = 0.0, **changes: Any) -> Technique:
    """Return a technique called like its field: "A" sets `a`."""
    return Technique(name, **{"on": {name.lower(): gain or 1e-12}, **changes})


GOOD, USELESS, BAD = technique("A", 1.0), technique("B"), technique("C", -1.0)
NUISANCE = {"lr": Float(0.0, 1.0)}
SPLITS = {"objective": Objective("val_score", "maximize"), "max_steps": STEPS, "smallest_gain": 0.2}


def study(*techniques: Technique, domains: Any = None, config: Any = None, **changes: Any) -> Study:
    """Return a study of these techniques."""
    space = Space(baseline=config or Config(), domains=domains or {})
    given = {"name": "toy", "trainable": train, **SPLITS, **changes}
    return Study(space=space, techniques=list(techniques), **given)


def train_with(config: Config, *, seed: int, data: float) -> Iterator[Mapping[str, float]]:
    """Yield scores that also depend on data."""
    for found in train(config, seed=seed):
        yield {**found, "test_score": found["test_score"] + data}


def read_number(path: Path) -> float:
    """Load the data of `train_with`."""
    return float(path.read_text())


def train_peaking(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield scores that are best at the second step; the technique gains at the last one only."""
    TRAINED.append((repr(config), seed))
    for step, height in enumerate((0.0, 5.0, 1.0)):
        score = _limit(Config(), seed) + height + config.a * (step == STEPS - 1)
        yield {"val_score": score, "test_score": score}


def train_other_technique(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield the scores of `train`, by mended code: what raised there gains here."""
    yield from train(replace(config, raises=False, a=config.a + config.raises), seed=seed)


@dataclass(frozen=True)
class Sized(Config):
    """With a whole number: the best is far beyond every range that a test gives."""

    size: int = 1


def train_sized(config: Sized, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield scores that rise with the size."""
    for found in train(config, seed=seed):
        gain = 0.3 * config.size
        yield {
            **found,
            "val_score": found["val_score"] + gain,
            "test_score": found["test_score"] + gain,
        }


def train_shared(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield scores that no seed moves."""
    TRAINED.append((repr(config), seed))
    for step in range(STEPS):
        yield {"val_score": step + config.a, "test_score": step + config.a}


def train_unruly(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield scores that depend on how many runs came before: the seed does not drive them."""
    for found in train(config, seed=seed):
        yield {**found, "test_score": found["test_score"] + len(TRAINED) % 7}


def train_fragile(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Raise in the baseline, for two seeds in three."""
    yield from train(replace(config, raises=config.a == 0.0 and seed % 3 > 0), seed=seed)


def train_slowly(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield the same scores, every step after a twentieth of a second."""
    for found in train(config, seed=seed):
        time.sleep(0.05)
        yield found


def train_breaking(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Break for a large knob, in words that name the seed."""
    if config.knob > 1:
        raise ValueError(f"seed {seed} breaks")
    yield from train(config, seed=seed)

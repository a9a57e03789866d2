"""Trainables with one mistake each, and one without any."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from search import Categorical, Float, Int, Objective, Space, Study, Technique

STEPS = 4


@dataclass(frozen=True)
class Model:
    width: int = 8
    dropout: float = 0.0


@dataclass(frozen=True)
class Config:
    lr: float = 0.1
    focal: bool = False
    gamma: float = 2.0
    patience: int = 3
    loss: str = "bce"
    model: Model = field(default_factory=Model)


def _score(config: Config, seed: int, step: int) -> float:
    noise = np.random.default_rng([seed, step]).normal()
    loss = {"bce": 0.0, "hinge": 0.3}[config.loss]
    model = 0.01 * config.model.width - config.model.dropout
    focal = config.gamma / 10 if config.focal else 0.0
    return float(config.lr * step + loss + model + focal + 0.1 * noise)


def good(config: Config, *, seed: int, max_steps: int) -> Iterator[Mapping[str, float]]:
    best = config.patience
    for step in range(1, max_steps + 1):
        found = _score(config, seed, step)
        late = 0.5 if step > best else 0.0
        held_out = found + np.random.default_rng(seed + step).normal()
        yield {"val_score": found + late, "test_score": float(held_out)}


def reading_a_typo(config: Any, *, seed: int) -> Iterator[Mapping[str, float]]:
    for step in range(1, STEPS + 1):
        extra = config.gama if config.focal else config.patience
        yield {"val_score": _score(config, seed, step) + extra, "test_score": 1.0 / step}


def ignoring_gamma(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    rng = np.random.default_rng(seed)
    for step in range(1, STEPS + 1):
        score = config.lr * step + config.focal + (config.loss == "bce") * (config.patience > step)
        score += 0.01 * config.model.width - config.model.dropout + rng.normal()
        yield {"val_score": float(score), "test_score": float(score + rng.normal())}


def ignoring_the_toggle(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    for step in range(1, STEPS + 1):
        score = config.lr * step + config.gamma + seed % 7 + config.patience + config.model.width
        score += config.model.dropout + len(config.loss)
        yield {"val_score": score, "test_score": score + math.sin(step)}


def reading_everything(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    settings = asdict(config)
    for step in range(1, STEPS + 1):
        score = settings["lr"] * step + settings["focal"] + seed % 7
        yield {"val_score": score, "test_score": score + math.sin(step)}


def without_a_seed(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:  # noqa: ARG001
    yield from good(config, seed=0, max_steps=STEPS)


CALLS: list[int] = []


def unruly(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    CALLS.append(1)
    for metrics in good(config, seed=seed, max_steps=STEPS):
        yield {**metrics, "val_score": metrics["val_score"] + len(CALLS)}


def timed(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    for metrics in good(config, seed=seed, max_steps=STEPS):
        yield {**metrics, "clock": time.perf_counter()}


def leaking(config: Config, *, seed: int, max_steps: int) -> Iterator[Mapping[str, float]]:
    for metrics in good(config, seed=seed, max_steps=max_steps):
        yield {**metrics, "val_score": metrics["test_score"]}


def in_line(config: Config, *, seed: int, max_steps: int) -> Iterator[Mapping[str, float]]:
    for metrics in good(config, seed=seed, max_steps=max_steps):
        yield {**metrics, "val_score": 3 - 2 * metrics["test_score"]}


def short(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    yield from good(config, seed=seed, max_steps=STEPS - 1)


def deaf_to_length(config: Config, *, seed: int, max_steps: int) -> Iterator[Any]:  # noqa: ARG001
    yield from good(config, seed=seed, max_steps=STEPS)


def infinite_when_focal(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    for metrics in good(config, seed=seed, max_steps=STEPS):
        yield {**metrics, "test_score": math.nan if config.focal else metrics["test_score"]}


def nameless(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    for metrics in good(config, seed=seed, max_steps=STEPS):
        yield {"val_score": metrics["val_score"]}


def slow(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    for metrics in good(config, seed=seed, max_steps=STEPS):
        time.sleep(30)
        yield metrics


class Walking:
    """A class whose whole state is its step and its generator."""

    kept = ("step", "state")

    def __init__(self, config: Config, *, seed: int) -> None:
        self.config, self.seed, self.number = config, seed, 0
        self.rng = np.random.default_rng(seed)

    def step(self) -> Mapping[str, float]:
        self.number += 1
        found = _score(self.config, self.seed, self.number) + self.rng.normal()
        found += self.config.patience
        return {"val_score": float(found), "test_score": float(found + self.rng.normal())}

    def save(self, directory: Path) -> None:
        state = {"step": self.number, "state": self.rng.bit_generator.state}
        (directory / "state.json").write_text(json.dumps({k: state[k] for k in self.kept}))

    def load(self, directory: Path) -> None:
        state = json.loads((directory / "state.json").read_text())
        self.number = state["step"]
        if "state" in state:
            self.rng.bit_generator.state = state["state"]


class Forgetting(Walking):
    """Its generator begins anew."""

    kept = ("step",)


class Unloadable(Walking):
    def load(self, directory: Path) -> None:
        raise KeyError(f"no optimizer in {directory.name}")


DOMAINS = {
    "lr": Float(1e-3, 1.0, log=True),
    "patience": Int(1, 9),
    "loss": Categorical(("bce", "hinge")),
    "model.width": Int(4, 64, step=4),
    "model.dropout": Float(0.0, 0.5),
}


def study(trainable: Any, **changes: Any) -> Study:
    """Return a study of a trainable."""
    given = {
        "name": "planted",
        "trainable": trainable,
        "space": Space(baseline=Config(), domains=DOMAINS),
        "techniques": [
            Technique("Focal loss", on={"focal": True}, domains={"gamma": Float(0.0, 5.0)})
        ],
        "objective": Objective("val_score", "maximize"),
        "max_steps": STEPS,
    }
    return Study(**(given | changes))

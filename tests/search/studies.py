"""A study that is right, and what is wrong with it once something is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from search import Float, Objective, Space, Study, StudyError, Technique


@dataclass(frozen=True)
class Config:
    """A configuration whose width and heads depend on each other."""

    lr: float = 1e-3
    focal: bool = False
    gamma: float = 2.0
    loss: str = "bce"
    margin: float = 0.5
    dropout: float = 0.0
    swa: bool = False
    heads: int = 4
    width: int = 32

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError("width must be a multiple of heads")


def train(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield one step."""
    yield {"val_ap": config.lr, "test_ap": float(seed)}


def train_on(config: Config, *, seed: int, data: Any) -> Iterator[Mapping[str, float]]:
    """Yield one step that depends on data."""
    yield {"val_ap": config.lr + seed + data}


class Predicting:
    """A class trainable that has predictions."""

    def __init__(self, config: Config, *, seed: int, data: Any = None) -> None:
        self.config, self.seed, self.data = config, seed, data

    def step(self) -> Mapping[str, float]:
        return {"val_ap": 0.0}

    def save(self, directory: Path) -> None:
        """Write nothing."""

    def load(self, directory: Path) -> None:
        """Read nothing."""

    def predict(self, split: str) -> Any:
        return split


def fit(validation: Any) -> Any:
    """Return what it is given."""
    return validation


SPACE = Space(baseline=Config(), domains={"lr": Float(1e-5, 1e-1, log=True)})
FOCAL = Technique("Focal loss", on={"focal": True}, domains={"gamma": Float(0.0, 5.0)})
SWA = Technique("SWA", on={"swa": True})
PLATT = Technique("Platt", stage="post-hoc", fit=fit)
GOAL = Objective("val_ap", "maximize")


def make(**changes: Any) -> Study:
    """Return a study that is right but for these arguments."""
    right: dict[str, Any] = {
        "name": "my-study",
        "trainable": train,
        "space": SPACE,
        "objective": GOAL,
        "max_steps": 27,
    }
    return Study(**(right | changes))


def problems_of(**changes: Any) -> tuple[str, ...]:
    """Return the problems of such a study."""
    with pytest.raises(StudyError) as caught:
        make(**changes)
    return caught.value.problems

"""Does a search of both engines come to the same, whatever the held-out metrics say?"""

import math
import os
from dataclasses import dataclass

from search import Effort, Float, Impact, Objective, Space, Study, Technique

# read while loading: it travels to other processes with this module
CHEAT = float(os.environ.get("WINNOW_TEST_CHEAT", "0"))


@dataclass(frozen=True)
class Config:
    """Something to tune, and something to switch on."""

    lr: float = 1e-3
    focal: bool = False
    gamma: float = 2.0


def train(config, *, seed):
    """Learn curves without noise; a large step breaks down."""
    limit = 1 - abs(math.log10(config.lr) + 2) / 4 + 0.1 * config.focal
    for step in range(1, 10):
        value = limit * (1 - 0.7**step) + 0.001 * (seed % 3)
        broken = config.lr > 0.05 and step == 4
        yield {"val_ap": math.nan if broken else value, "test_ap": value + CHEAT * step * config.lr}


STUDY = Study(
    name="race",
    trainable=train,
    space=Space(baseline=Config(), domains={"lr": Float(1e-5, 1e-1, log=True)}),
    techniques=[
        Technique(
            "Focal loss",
            on={"focal": True},
            domains={"gamma": Float(0.0, 5.0)},
            expected_impact=Impact.HIGH,
            effort=Effort.LOW,
        )
    ],
    objective=Objective("val_ap", "maximize"),
    max_steps=9,
)

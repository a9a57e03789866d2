"""Do idle workers begin the next look while a slow arm holds up this one?"""

import time
import zlib
from dataclasses import dataclass

import numpy as np

from search import NoPruning, Objective, Resources, Space, Study, Technique


@dataclass(frozen=True)
class Config:
    """Three techniques."""

    one: bool = False
    two: bool = False
    slow: bool = False


def train(config, *, seed):
    """Score with noise; one arm takes its time."""
    time.sleep(1.5 if config.slow else 0.01)
    shared = np.random.default_rng(seed).normal()
    own = np.random.default_rng([seed, zlib.crc32(repr(config).encode())]).normal()
    score = float(shared + own + 20.0 * config.slow)
    yield {"val_score": score, "test_score": score}


STUDY = Study(
    name="ahead",
    trainable=train,
    space=Space(baseline=Config()),
    techniques=[Technique(name, on={name: True}) for name in ("one", "two", "slow")],
    objective=Objective("val_score", "maximize"),
    smallest_gain=0.2,
    max_steps=1,
    pruner=NoPruning(),
    resources=Resources(cpus=0.5),
)

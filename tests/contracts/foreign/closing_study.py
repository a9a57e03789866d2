"""Does a worker that dies while it clears up after one trial cost the next one?"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import witness

from search import Float, NoPruning, Objective, Space, Study


@dataclass(frozen=True)
class Config:
    """Something to tune."""

    lr: float = 0.1


def load(path):
    """Data is a folder that trainables leave their witness in."""
    return Path(path)


class Runner:
    """Its process dies while the first few trials are closed, as after a fault in a driver."""

    def __init__(self, config, *, seed, data):
        self.config, self.seed, self.data = config, seed, data
        witness.tell(data, "made", lr=config.lr)

    def step(self):
        """Learn."""
        time.sleep(0.02)
        return {"val_ap": self.config.lr}

    def save(self, directory):
        """Keep nothing."""

    def load(self, directory):
        """Need nothing."""

    def close(self):
        """Die three times."""
        if any(witness.first_time(self.data, f"death {n}") for n in range(3)):
            os.kill(os.getpid(), signal.SIGKILL)


STUDY = Study(
    name="closing",
    trainable=Runner,
    space=Space(baseline=Config(), domains={"lr": Float(1e-5, 1.0, log=True)}),
    objective=Objective("val_ap", "maximize"),
    max_steps=2,
    data=load,
    pruner=NoPruning(),
)

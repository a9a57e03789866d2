"""Does a search come to its end, whatever is killed?"""

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import witness

from search import ASHA, Float, Objective, Space, Study

PACE_S = float(os.environ.get("WINNOW_TEST_PACE", "0.02"))
STRAGGLER = float(os.environ.get("WINNOW_TEST_STRAGGLER", "1"))  # times as slow the first trial is
HANG_AT = int(
    os.environ.get("WINNOW_TEST_HANG_AT", "0")
)  # step in which the first trial hangs, once
LIMIT_S = float(os.environ.get("WINNOW_TEST_STEP_LIMIT", "0")) or None


@dataclass(frozen=True)
class Config:
    """Something to tune; it also tells the trials apart."""

    lr: float = 1e-2


def load(path):
    """Data is a folder that trainables leave their witness in."""
    return Path(path)


class Runner:
    """Counts its steps slowly; some trials break down."""

    def __init__(self, config, *, seed, data):
        self.config, self.seed, self.data, self.count = config, seed, data, 0
        self.tell("made")

    def tell(self, event):
        """Leave a witness."""
        witness.tell(self.data, event, lr=self.config.lr, step=self.count)

    def step(self):
        """Count, and learn."""
        first = self.config == Config()
        while (self.data / ("hold-first" if first else "hold")).exists():  # whoever watches says so
            time.sleep(0.1)
        if first and self.count + 1 == HANG_AT and not (self.data / "hung").exists():
            (self.data / "hung").touch()
            time.sleep(1e6)
        time.sleep(PACE_S * (STRAGGLER if first else 1))
        self.count += 1
        self.tell("step")
        limit = 1 - abs(math.log10(self.config.lr) + 2) / 4
        value = limit * (1 - 0.7**self.count)
        if self.config.lr > 0.05 and self.count == 5:
            value = math.nan
        return {"val_ap": value, "test_ap": value}

    def save(self, directory):
        """Write the count."""
        (directory / "count").write_text(str(self.count))
        self.tell("saved")

    def load(self, directory):
        """Read the count."""
        self.count = int((directory / "count").read_text())
        self.tell("resumed")


STUDY = Study(
    name="storm",
    trainable=Runner,
    space=Space(baseline=Config(), domains={"lr": Float(1e-5, 1e-1, log=True)}),
    objective=Objective("val_ap", "maximize"),
    max_steps=12,
    data=load,
    pruner=ASHA(grace_steps=2, reduction_factor=2),
    step_limit_s=LIMIT_S,
)

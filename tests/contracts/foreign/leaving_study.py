"""Are steps trained again that a driver's last seconds could have kept?"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from search import Float, NoPruning, Objective, Space, Study

PACE_S = float(os.environ.get("WINNOW_TEST_PACE", "0.02"))


@dataclass(frozen=True)
class Config:
    """Something to tune; it also tells the trials apart."""

    lr: float = 1e-2


class Counter:
    """Appends every step to a file beside the study; no rung gives it a checkpoint."""

    def __init__(self, config, *, seed):
        self.config, self.seed, self.count = config, seed, 0

    def step(self):
        """Count."""
        time.sleep(PACE_S)
        self.count += 1
        line = json.dumps({"lr": self.config.lr, "step": self.count}) + "\n"
        with (Path(__file__).parent / "steps.jsonl").open("a") as file:
            file.write(line)
        return {"val_ap": self.config.lr}

    def save(self, directory):
        """Write the count."""
        (directory / "count").write_text(str(self.count))

    def load(self, directory):
        """Read the count."""
        self.count = int((directory / "count").read_text())


STUDY = Study(
    name="leaving",
    trainable=Counter,
    space=Space(baseline=Config(), domains={"lr": Float(1e-5, 1e-1, log=True)}),
    objective=Objective("val_ap", "maximize"),
    max_steps=20,
    pruner=NoPruning(),
)

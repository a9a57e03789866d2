"""Does a limit end a search whose steps are long?"""

import time
from dataclasses import dataclass

from search import Float, NoPruning, Objective, Space, Study


@dataclass(frozen=True)
class Config:
    """Something to tune."""

    lr: float = 0.1


def train(config, *, seed):  # noqa: ARG001 - every trainable takes a seed
    """Take a second for every step."""
    for _ in range(50):
        time.sleep(1.0)
        yield {"val_ap": config.lr, "test_ap": 0.0}


STUDY = Study(
    name="slow",
    trainable=train,
    space=Space(baseline=Config(), domains={"lr": Float(0.0, 1.0)}),
    objective=Objective("val_ap", "maximize"),
    max_steps=50,
    pruner=NoPruning(),
)

"""A study of nothing: every step costs nothing, so what is measured is the engine."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from search import ASHA, Categorical, Float, MedianStopping, Objective, Space, Study
from search.loading import LoadedStudy
from search.study import Resources

LR = (1e-5, 1e-1)  # searched on a log scale
DROPOUT = (0.0, 0.5)
WIDTHS = (16, 32, 64, 128)


@dataclass(frozen=True)
class Config:
    """Three parameters: as many as a small study has."""

    lr: float = 1e-3
    dropout: float = 0.1
    width: int = 32


def loss(lr: float, dropout: float, width: int, step: int) -> float:
    """Return a smooth curve over three parameters; it costs a microsecond."""
    asymptote = (math.log10(lr) + 3) ** 2 / 4 + dropout + 8 / width
    return asymptote + 1 / step


def train(config: Config, *, seed: int, max_steps: int) -> Iterator[Mapping[str, float]]:
    """Yield `max_steps` steps of nothing, and when each was made."""
    del seed
    for step in range(1, max_steps + 1):
        value = loss(config.lr, config.dropout, config.width, step)
        yield {"val_loss": value, "at": time.time()}


def noop_study(*, steps: int, decide_often: bool = False) -> LoadedStudy:
    """Return the study of nothing.

    Parameters
    ----------
    steps
        Of every trial.
    decide_often
        Whether the driver decides after every step (median stopping), so that no two steps can
        share a batch, instead of at ASHA's rungs.
    """
    study = Study(
        name="noop",
        trainable=train,
        space=Space(
            baseline=Config(),
            domains={
                "lr": Float(*LR, log=True),
                "dropout": Float(*DROPOUT),
                "width": Categorical(WIDTHS),
            },
        ),
        objective=Objective("val_loss", "minimize"),
        max_steps=steps,
        pruner=MedianStopping() if decide_often else ASHA(),
        resources=Resources(cpus=1, gpus=0),
    )
    return LoadedStudy(study, sys.modules[__name__], Path(__file__), {})

"""``winnow init``: a study file that runs as it is, to be made one's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from search.errors import OptionError

TEMPLATE = '''\
"""Which techniques help my classifier?

winnow check {file}                                    # is this study fit to be measured?
winnow run {file} --profile quick --engine local       # measure and rank
"""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_breast_cancer

from search import Effort, Float, Impact, Objective, Space, Study, Technique, main


@dataclass(frozen=True)
class Config:
    """Every number that decides a run; what is written here is the baseline."""

    lr: float = 0.05
    momentum: float = 0.0
    weighted: bool = False  # a technique is a field like any other
    weight: float = 3.0  # its own knob: how much a benign tumour counts


# YOURS: your data. Every seed draws its own split, so that seeds differ as they would in practice;
# nothing random may come from anywhere else.
def split(seed: int):
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    fit, val, test = order[:200], order[200:384], order[384:]
    mean, sd = x[fit].mean(0), x[fit].std(0)
    return [((x[rows] - mean) / sd, y[rows]) for rows in (fit, val, test)]


# YOURS: your training. It yields its metrics after every step (epoch). A class with step, save and
# load can be resumed from checkpoints; see the documentation of search.trainable.
def train(config: Config, *, seed: int, max_steps: int):
    (x, y), val, test = split(seed)
    rng = np.random.default_rng([seed, 1])
    w, velocity = 0.1 * rng.normal(size=x.shape[1]), np.zeros(x.shape[1])
    for _epoch in range(max_steps):
        for rows in np.array_split(rng.permutation(len(y)), 10):
            error = 1 / (1 + np.exp(-x[rows] @ w)) - y[rows]
            if config.weighted:
                error = error * np.where(y[rows] == 1, config.weight, 1.0)
            velocity = config.momentum * velocity - config.lr * x[rows].T @ error / len(rows)
            w = w + velocity
        # test_… is recorded, and never shown to a search
        yield {{"val_loss": loss(w, *val), "test_loss": loss(w, *test)}}


def loss(w, x, y) -> float:
    return float(np.logaddexp(0, -(2 * y - 1) * (x @ w)).mean())


STUDY = Study(
    name="{name}",
    trainable=train,
    # YOURS: what must be tuned so that the comparison is fair
    space=Space(baseline=Config(), domains={{"lr": Float(1e-3, 1.0, log=True)}}),
    # YOURS: what you think of adopting, what you expect of it, and what it costs
    techniques=[
        Technique(
            "Momentum",
            on={{"momentum": 0.9}},
            expected_impact=Impact.MEDIUM,
            effort=Effort.LOW,
        ),
        Technique(
            "Class weights",
            on={{"weighted": True}},
            domains={{"weight": Float(1.0, 10.0, log=True)}},
            expected_impact=Impact.LOW,
            effort=Effort.LOW,
        ),
    ],
    objective=Objective("val_loss", "minimize"),
    evaluation=Objective("test_loss", "minimize"),
    # YOURS: the smallest gain worth adopting; winnow noise {file} says what can be seen
    smallest_gain=0.005,
    max_steps=12,
)

if __name__ == "__main__":
    main(STUDY)
'''


def init(
    name: Annotated[str, typer.Argument(help="Of the study, or of its file.")] = "my_study",
) -> None:
    """Write a study file that runs as it is, with marks where to put your own.

    Nothing is ever overwritten.

    Example: [bold]winnow init my_study[/]
    """
    path = Path(name if name.endswith(".py") else f"{name}.py")
    study = re.sub(r"[^A-Za-z0-9.-]+", "-", path.stem).strip("-.")
    if not study or len(study) > 80:
        raise OptionError(f"a study's name has letters, digits, '.', '_' and '-', got '{name}'")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:  # which fails where there is a file
            file.write(TEMPLATE.format(file=path, name=study))
    except FileExistsError:
        raise OptionError(f"{path} exists already, and is left as it is") from None
    console = Console()
    console.print(f"Wrote {path}; it runs as it is:", highlight=False, markup=False, soft_wrap=True)
    for command in (
        f"winnow check {path}",
        f"winnow run {path} --profile quick --engine local",
    ):
        console.print(f"  {command}", highlight=False, markup=False, soft_wrap=True)

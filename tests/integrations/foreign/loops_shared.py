"""A linear classifier whose every number follows from its seed, and a study that asks about it."""

from dataclasses import dataclass

import numpy as np

from search import Objective, Space, Study, Technique

STEPS = 4


@dataclass(frozen=True)
class Optim:
    """How it is trained."""

    lr: float = 0.1
    decay: float = 0.0


@dataclass(frozen=True)
class Config:
    """One section."""

    optim: Optim = Optim()


def load(seed):
    """Return features and labels of each split."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(300, 4))
    y = (x @ [1.0, -1.0, 0.5, 0.0] + rng.normal(size=300) > 0).astype(float)
    bounds = {"train": (0, 60), "val": (60, 160), "test": (160, 300)}
    return {name: (x[a:b], y[a:b]) for name, (a, b) in bounds.items()}


def stepped(weights, lr, decay, x, y):
    """Return the weights after one step of gradient descent on the mean cross-entropy."""
    slope = x.T @ (1 / (1 + np.exp(-x @ weights)) - y) / len(y)
    return weights - lr * (slope + decay * weights)


def score(weights, x, y):
    """Return the mean log-likelihood."""
    signs = 2 * y - 1
    return float(-np.mean(np.log1p(np.exp(-signs * (x @ weights)))))


def scores(weights, data):
    """Return the metrics of a step."""
    return {f"{split}_score": score(weights, *data[split]) for split in ("val", "test")}


def study(name, trainable):
    """Return the same study of any loop."""
    return Study(
        name,
        trainable,
        Space(baseline=Config()),
        Objective("val_score", "maximize"),
        max_steps=STEPS,
        techniques=[
            Technique("Longer steps", on={"optim.lr": 0.5}),
            Technique("Weight decay", on={"optim.decay": 0.3}),
        ],
        smallest_gain=0.01,
        guards=(),
    )

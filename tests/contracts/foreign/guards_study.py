"""What do guards say of runs that go wrong, and what becomes of those that one stops?"""

import math
from dataclasses import dataclass

from search import (
    Categorical,
    Criterion,
    Guard,
    NoPruning,
    Objective,
    Resources,
    Space,
    Study,
    Technique,
)

KINDS = ("healthy", "collapses", "loses its loss", "stalls", "cheats")


@dataclass(frozen=True)
class Config:
    """One field says what the run does, another one is a technique."""

    kind: str = "healthy"
    risky: bool = False


def train(config, *, seed, max_steps):
    """Do what `config.kind` says; held-out metrics would set every guard off."""
    for step in range(1, max_steps + 1):
        found = {"val_ap": 0.1 * step - 0.01 * (step == max_steps) + 1e-3 * (seed % 7)}
        found |= {"train_loss": 1 / step, "test_loss": math.nan, "test_mse": -1.0}
        found |= {"test_ap": 0.5 + 1e-3 * (seed % 5) + 0.2 * config.risky}
        match config.kind, step:
            case "collapses", 4:
                found["train_loss"] = 1e-9
            case "loses its loss", 5:
                found["train_loss"] = math.nan
            case "stalls", _:
                found["val_ap"] = 0.5 - 0.01 * step
            case "cheats", _:
                found["test_loss_risk"] = 0.0
        if config.risky and step == 3:
            found["train_loss"] = 0.0
        yield found


GUARDS = (
    Guard("collapse", action="stop"),
    Guard("non_finite"),
    Guard("no_improvement", steps=4),
    Guard("gradient_high", "grad_norm"),
    Guard("negative"),
)


def make(**other):
    """Return a study that runs each kind once."""
    return Study(
        name="guards",
        trainable=train,
        space=Space(
            baseline=Config(),
            domains={"kind": Categorical(KINDS)},
            points=[{"kind": kind} for kind in KINDS],
        ),
        objective=Objective("val_ap", "maximize"),
        max_steps=9,
        guards=GUARDS,
        **{"pruner": NoPruning(), "resources": Resources(cpus=1), **other},
    )


def table(**other):
    """Return a study whose only technique is stopped by a guard."""
    return Study(
        name="guarded",
        trainable=train,
        space=Space(baseline=Config(), domains={}),
        techniques=[Technique("Risky", on={"risky": True})],
        objective=Objective("val_ap", "maximize"),
        evaluation=Objective("test_ap", "maximize"),
        smallest_gain=0.01,
        max_steps=9,
        targets={"published": 0.4},
        criteria=[Criterion("train_loss", "minimize", 0.01, name="<trained>")],
        **{"guards": GUARDS, **other},
    )


STUDY = make()

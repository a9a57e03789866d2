"""Analytic learning curves whose best configuration is known, in families.

Every run starts at the loss of guessing and falls by a power law to its final loss at the full
length. The final loss depends on the configuration through a bowl whose lowest point is known;
the rate depends on it in another way, so that curves may cross: what is ahead early need not be
ahead at the end. These are the shapes that learning-curve models assume (Domhan et al. 2015,
"Speeding up automatic hyperparameter optimization of deep neural networks by extrapolation of
learning curves"; Klein et al. 2017, ICLR).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from search import Effort, Float, Int, Objective, Space, Study, Technique
from search.space import Domain
from search.study import Resources

GUESSING = 1.0  # the loss before the first step
LOWEST = 0.1  # the final loss of the best configuration
MAX_STEPS = 27


@dataclass(frozen=True)
class Config:
    """Four hyperparameters, and techniques of which some help.

    The default is the baseline that every search tries first; it is mediocre.
    """

    lr: float = 3e-5
    weight_decay: float = 1e-2
    dropout: float = 0.4
    width: int = 32
    smoothing: bool = False
    smoothing_eps: float = 0.2
    mixup: bool = False
    mixup_alpha: float = 0.8
    noise: bool = False


BEST = Config(lr=3e-3, weight_decay=1e-4, dropout=0.1, width=128)
DOMAINS: Mapping[str, Domain] = {
    "lr": Float(1e-5, 1e-1, log=True),
    "weight_decay": Float(1e-6, 1e-1, log=True),
    "dropout": Float(0.0, 0.6),
    "width": Int(16, 512, log=True),
}
TECHNIQUES = (
    Technique(
        "Label smoothing",
        on={"smoothing": True},
        domains={"smoothing_eps": Float(0.0, 0.4)},
        effort=Effort.LOW,
    ),
    Technique(
        "Mixup", on={"mixup": True}, domains={"mixup_alpha": Float(0.0, 1.0)}, effort=Effort.LOW
    ),
    Technique("Gradient noise", on={"noise": True}, effort=Effort.LOW),
)


@dataclass(frozen=True)
class Family:
    """One kind of curve.

    Parameters
    ----------
    name
        What the table calls it.
    distance
        How far a configuration is from the best one, 0 at the best.
    rate
        The exponent with which a configuration's curve falls; greater is quicker.
    best
        The best configuration.
    noise
        Standard deviation of what is added to every reported loss.
    diverges
        Whether runs with a learning rate above 0.03 break down at their second step.
    techniques
        What may be switched on.
    """

    name: str
    distance: Callable[[Config], float]
    rate: Callable[[Config], float]
    best: Config = BEST
    noise: float = 0.0
    diverges: bool = False
    techniques: Sequence[Technique] = ()

    def final(self, config: Config) -> float:
        """Return the loss at the full length without noise.

        Examples
        --------
        >>> round(FAMILIES["power laws"].final(BEST), 3)
        0.1
        """
        return GUESSING - (GUESSING - LOWEST) * math.exp(-self.distance(config))

    def loss(self, config: Config, step: int) -> float:
        """Return the loss after a step, without noise; nan where the run has broken down."""
        if self.diverges and config.lr > 0.03 and step >= 2:
            return math.nan
        rate = self.rate(config)
        left: float = (((MAX_STEPS + 1) / (step + 1)) ** rate - 1) / ((MAX_STEPS + 1) ** rate - 1)
        final = self.final(config)
        return final + (GUESSING - final) * left


def train(
    family: Family, config: Config, *, seed: int, max_steps: int
) -> Iterator[Mapping[str, float]]:
    """Yield a run's losses; the held-out one is free of noise."""
    rng = np.random.default_rng([seed, _number(config)])
    for step in range(1, max_steps + 1):
        loss = family.loss(config, step)
        yield {"val_loss": loss + family.noise * float(rng.normal()), "test_loss": loss}


def curve_study(family: Family, name: str) -> Study:
    """Return the search for a family's best configuration: ASHA + TPE, the defaults."""
    return Study(
        name=name,
        trainable=partial(train, family),
        space=Space(baseline=Config(), domains=DOMAINS),
        objective=Objective("val_loss", "minimize"),
        max_steps=MAX_STEPS,
        techniques=family.techniques,
        resources=Resources(cpus=1, gpus=0),
    )


def _number(config: Config) -> int:
    """Return a number for a configuration, so that two runs do not share their noise."""
    return int(1e9 * (abs(math.log(config.lr)) + config.dropout)) + config.width


def _bowl(config: Config) -> float:
    """Return the distance from `BEST`: long in two directions, tilted between two others."""
    lr = math.log10(config.lr / BEST.lr) / 2
    decay = math.log10(config.weight_decay / BEST.weight_decay) / 3
    dropout = (config.dropout - BEST.dropout) / 0.3
    width = math.log2(config.width / BEST.width) / 3
    return lr**2 + 0.3 * decay**2 + 0.2 * dropout**2 + 0.5 * (width + 0.5 * lr) ** 2


def _with_techniques(config: Config) -> float:
    """Return the bowl's distance, and what techniques add or spare; 0 with the right ones on."""
    smoothing = 0.15
    if config.smoothing:
        smoothing = 0.15 * min(1.5, ((config.smoothing_eps - 0.1) / 0.1) ** 2)
    mixup = 0.05
    if config.mixup:
        mixup = 0.05 * min(4.0, ((config.mixup_alpha - 0.2) / 0.2) ** 2)
    return _bowl(config) + smoothing + mixup + (0.2 if config.noise else 0.0)


def _steady(config: Config) -> float:
    """Return a rate that is quicker nearer to the best: curves hardly cross."""
    return 0.3 + 0.7 * math.exp(-_bowl(config))


def _hasty(config: Config) -> float:
    """Return a rate that misleads: high learning rates and small models are quick at first."""
    quick = math.log10(config.lr / 1e-5) / 4 - math.log2(config.width / 16) / 10
    return 0.2 + 1.2 * max(0.0, quick)


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family("power laws", _bowl, _steady, diverges=True),
        Family("crossing curves", _bowl, _hasty),
        Family("crossing curves, noise", _bowl, _hasty, noise=0.02),
        Family(
            "techniques with knobs",
            _with_techniques,
            _steady,
            best=replace(BEST, smoothing=True, smoothing_eps=0.1, mixup=True, mixup_alpha=0.2),
            techniques=TECHNIQUES,
        ),
    )
}

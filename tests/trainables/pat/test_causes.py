"""What the generator's causes do to the techniques that they feed: paired runs, slow.

As for PI-TFT: a technique is on against off on the same seeds, as the study runs it. With its cause
on (stronger than the study's where that is said), its effect is at least two standard errors away
from none; under the null preset, where it has nothing to act on, little of that is left.
"""

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest
import torch

from search.configuration import override
from spaces.pat_l import BASELINE
from trainables.pat.generator import CAUSES, GeneratorConfig, without
from trainables.pat.trainable import Pat

SEEDS = range(100, 108)
REMNANT = 0.4

slow = [pytest.mark.slow, pytest.mark.timeout(3600)]


@dataclass(frozen=True)
class Question:
    """A technique's changes, its metric, what must be set besides, and its cause."""

    name: str
    on: tuple[tuple[str, object], ...]
    metric: str = "auroc"
    context: tuple[tuple[str, object], ...] = ()
    cause: tuple[tuple[str, float], ...] = field(default=())

    def __str__(self) -> str:
        return self.name


QUESTIONS = [
    Question("normalisation per window", (("data.norm", "per_window"),), cause=(("gain_spread", 0.8),)),
    Question("log counts", (("data.log1p", True),), cause=(("gain_spread", 0.8),)),
    Question("class weighting", (("loss.class_weight", "balanced"),), "f1"),
]


@cache
def score(generator: GeneratorConfig, changes: tuple[tuple[str, object], ...], metric: str, seed: int):
    """Return the held-out metric of a finished run."""
    torch.set_num_threads(1)
    config = override(BASELINE, dict(changes))
    config = replace(config, data=replace(config.data, generator=generator))
    run = Pat(config, seed=seed, max_steps=15)
    while not run.done:
        last = run.step()
    return last[f"test_{metric}"]


def effect(question: Question, preset: str) -> tuple[float, float]:
    """Return the mean paired difference and its standard error."""
    generator = replace(BASELINE.data.generator, **dict(question.cause))
    generator = without(generator, *CAUSES) if preset == "null" else generator
    on = (*question.context, *question.on)
    gains = [
        score(generator, on, question.metric, seed)
        - score(generator, question.context, question.metric, seed)
        for seed in SEEDS
    ]
    return float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_cause_gives_its_technique_an_effect_and_its_absence_takes_it_away(question):
    mean, error = effect(question, "default")
    rest, rest_error = effect(question, "null")
    assert abs(mean) >= 2 * error, f"{mean:+.4f} ± {error:.4f} with causes"
    assert abs(rest) <= REMNANT * abs(mean) + 2 * rest_error, f"{rest:+.4f} ± {rest_error:.4f} left"

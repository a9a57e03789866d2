"""What the generator's causes do to the techniques that they feed: paired runs, slow.

As for PI-TFT: a technique is on against off on the same seeds, as the study runs it. With its cause
on (stronger than the study's where that is said), its effect is at least two standard errors away
from none; under the null preset, where it has nothing to act on, little of that is left.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch

from search.configuration import override
from spaces.pat_l import BASELINE, TECHNIQUES
from trainables.pat.generator import CAUSES, GeneratorConfig, without
from trainables.pat.trainable import Pat

SEEDS = range(100, 108)
REMNANT = 0.4

Changes = tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class Question:
    """A technique's changes, its metric, what is set besides, its cause, and what null lacks."""

    name: str
    on: Changes
    metric: str = "auroc"
    context: Changes = ()
    cause: tuple[tuple[str, float], ...] = ()
    null: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        return self.name


QUESTIONS = [
    # against one scale for all minutes, and where severity does not change how active people are:
    # then a person's own scale has nothing to lose
    Question(
        "Normalisation per participant",
        (("data.norm", "per_participant"),),
        context=(("data.norm", "global"),),
        cause=(("gain_spread", 0.8),),
        null=(("level_effect", 0.0),),
    ),
    Question("Log counts", (("data.log1p", True),), cause=(("gain_spread", 0.8),)),
    # imbalance makes decisions at 0.5 bad, the order of the people hardly
    Question("Class weighting", (("loss.class_weight", "balanced"),), "f1"),
    Question(
        "Masked pre-training",
        (("init.start", "masked"), ("init.masked.epochs", 20), ("init.masked.mask_ratio", 0.75)),
        cause=(("n_unlabelled", 1500),),
    ),
]


@cache
def score(generator: GeneratorConfig, changes: Changes, metric: str, seed: int) -> float:
    """Return the held-out metric of a finished run."""
    torch.set_num_threads(1)
    config = override(BASELINE, dict(changes))
    run = Pat(
        replace(config, data=replace(config.data, generator=generator)), seed=seed, max_steps=15
    )
    last: dict[str, float] = {}
    while not run.done:
        last = run.step()
    return last[f"test_{metric}"]


def effect(question: Question, preset: str) -> tuple[float, float]:
    """Return the mean paired difference and its standard error."""
    generator = replace(BASELINE.data.generator, **dict(question.cause))
    if preset == "null":
        generator = replace(without(generator, *CAUSES), **dict(question.null))
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
    assert question.name in {technique.name for technique in TECHNIQUES}
    mean, error = effect(question, "default")
    rest, rest_error = effect(question, "null")
    assert mean >= 2 * error, f"{mean:+.4f} ± {error:.4f} with causes"
    assert abs(rest) <= REMNANT * abs(mean) + 2 * rest_error, f"{rest:+.4f} ± {rest_error:.4f} left"


def test_raw_counts_make_a_fixed_scale_wrong_and_small_ones_do_not():
    fixed = override(BASELINE, {"data.norm": "fixed", "data.generator.n_unlabelled": 0})
    generator = without(fixed.data.generator, *(cause for cause in CAUSES if cause != "scale"))
    for counts, is_wrong in ((generator, True), (without(generator, "scale"), False)):
        config = replace(fixed, data=replace(fixed.data, generator=counts))
        assert (Pat(config, seed=0, max_steps=1).inputs.problem is not None) == is_wrong

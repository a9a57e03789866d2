"""What the generator's causes do to the techniques that they feed: paired runs, slow.

A technique is on against off on the same seeds, as the study runs it, in the metric that it is
about. With every cause on, its effect is at least two standard errors away from none; under the
null preset, where it has nothing to act on, less than a fifth of that is left.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch

from search.configuration import override
from spaces.pi_tft import BASELINE, TECHNIQUES
from trainables.pi_tft.generator import CAUSES, without
from trainables.pi_tft.trainable import PiTft
from trainables.techniques.binary import evaluate

SEEDS = {"default": range(100, 120), "null": range(100, 108)}
STEPS = 6
REMNANT = 0.2

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@dataclass(frozen=True)
class Question:
    """A technique, the metric it is about, and the tasks that are trained."""

    technique: str
    metric: str = "ap"
    groups: str = "joint"


QUESTIONS = [
    Question("Attention pooling"),
    Question("SWA"),
    Question("Reduce physics weight"),
    Question("Reduce auxiliary weight"),
    Question("Gradient surgery"),
    Question("Gradient accumulation"),
    # imbalance makes decisions at 0.5 bad, the order of the events hardly
    Question("Focal loss", "f1"),
    Question("Optimal threshold search", "f1"),
    # physics terms miscalibrate forecasts whatever the data are like
    Question("Temperature scaling", "ece", "risk_only"),
]


@cache
def run(preset, groups, technique, seed):
    """Return a finished run of the baseline or of a trained technique."""
    torch.set_num_threads(1)
    config = override(BASELINE, {"mtl.groups": groups})
    if preset == "null":
        generator = without(config.data.generator, *CAUSES)
        config = replace(config, data=replace(config.data, generator=generator))
    on = next((t.on for t in TECHNIQUES if t.name == technique), {})
    found = PiTft(override(config, on), seed=seed, max_steps=STEPS)
    for _ in range(STEPS):
        found.step()
    return found.predict("validation"), found.predict("test")


def gain(question, preset, seed):
    """Return what a technique adds on one seed."""
    technique = next(t for t in TECHNIQUES if t.name == question.technique)
    validation, test = run(preset, question.groups, None, seed)
    plain = evaluate(test)[question.metric]
    if technique.stage == "post-hoc":
        return evaluate(technique.fit(validation)(test))[question.metric] - plain
    _, changed = run(preset, question.groups, question.technique, seed)
    return evaluate(changed)[question.metric] - plain


def effect(question, preset):
    gains = np.array([gain(question, preset, seed) for seed in SEEDS[preset]])
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


def test_every_technique_of_the_study_is_asked_about():
    assert {question.technique for question in QUESTIONS} == {t.name for t in TECHNIQUES}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.technique)
def test_a_cause_gives_its_technique_an_effect_and_its_absence_takes_it_away(question):
    mean, error = effect(question, "default")
    rest, rest_error = effect(question, "null")
    assert abs(mean) >= 2 * error, f"{mean:+.4f} ± {error:.4f} with causes"
    assert abs(rest) <= REMNANT * abs(mean) + 2 * rest_error, f"{rest:+.4f} ± {rest_error:.4f} left"

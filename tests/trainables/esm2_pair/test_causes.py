"""What the generator's causes do to the techniques that they feed: paired runs, slow.

A technique is on against off on the same seeds, as the study runs it. With all causes on, its
effect on the area against negatives of the same lineage is at least two standard errors away from
none; under the null preset, where it has nothing to act on, little of that is left. NT-Xent is fed
by none of them: isolates of its own batch are negatives that it has in any world.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch

from search.configuration import override
from spaces.esm2_pair import BASELINE
from trainables.esm2_pair.generator import preset
from trainables.esm2_pair.trainable import Esm2Pair

SEEDS = range(100, 105)
REMNANT = 0.25
METRIC = "test_hard_auroc"

Changes = tuple[tuple[str, object], ...]
SLOT_NORM: Changes = (("model.features.slot_transform", "slot_norm"),)
DIFFERENCE: Changes = (("model.features.use_diff", True),)
SIAMESE: Changes = (("model.arch", "siamese"),)
NT_XENT: Changes = (("loss.kind", "nt_xent"),)


@dataclass(frozen=True)
class Question:
    """A technique's changes, what is set besides, and whether causes feed it."""

    name: str
    on: Changes
    context: Changes = ()
    fed: bool = True

    def __str__(self) -> str:
        return self.name


QUESTIONS = [
    Question("slot normalisation", SLOT_NORM),
    Question("slot normalisation of a difference", SLOT_NORM, DIFFERENCE),
    Question("Siamese network", SIAMESE),
    Question("Siamese network on normalised slots", SIAMESE + SLOT_NORM),
    Question("NT-Xent", NT_XENT, SIAMESE + SLOT_NORM, fed=False),
]


@cache
def score(world: str, changes: Changes, seed: int) -> float:
    """Return the held-out metric of a finished run."""
    torch.set_num_threads(1)
    config = override(BASELINE, dict(changes))
    generator = replace(preset(world), n_validation=200, n_test=600, n_tokens=1)
    config = replace(config, data=replace(config.data, generator=generator))
    run = Esm2Pair(config, seed=seed, max_steps=config.stop.epochs)
    last: dict[str, float] = {}
    while not run.done:
        last = run.step()
    return last[METRIC]


def effect(question: Question, world: str) -> tuple[float, float]:
    """Return the mean paired difference and its standard error."""
    on = (*question.context, *question.on)
    gains = [score(world, on, seed) - score(world, question.context, seed) for seed in SEEDS]
    return float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_cause_gives_its_technique_an_effect_and_its_absence_takes_it_away(question):
    mean, error = effect(question, "variable")
    assert mean >= 2 * error, f"{mean:+.4f} ± {error:.4f} with causes"
    assert mean > 0.005
    rest, rest_error = effect(question, "null")
    left = abs(rest) <= REMNANT * abs(mean) + 2 * rest_error
    assert left == question.fed, f"{rest:+.4f} ± {rest_error:.4f} left of {mean:+.4f}"

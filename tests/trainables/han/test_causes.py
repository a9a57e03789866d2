"""What the generator's causes do to the technique that they feed: paired runs, slow.

A technique is on against off on the same seeds, as the study runs it. With its cause on, its effect
is at least two standard errors away from none; without the cause, little of that is left.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from search.configuration import override
from spaces.han import BASELINE, TECHNIQUES
from trainables.han.generator import GeneratorConfig, without
from trainables.han.trainable import Han

SEEDS = range(100, 106)
REMNANT = 0.4
# technique, and the causes that together make forecasts' losses dwarf the others
FED = [("A3DRO", ("scale", "heavy"))]


@cache
def skill(generator: GeneratorConfig, on: tuple[tuple[str, object], ...], seed: int) -> float:
    """Return the held-out skill of a finished run."""
    torch.set_num_threads(1)
    config = override(BASELINE, dict(on))
    config = replace(config, data=replace(config.data, generator=generator))
    run = Han(config, seed=seed, max_steps=4)
    last: dict[str, float] = {}
    while not run.done:
        last = run.step()
    return last["test_skill"]


def effect(name: str, generator: GeneratorConfig) -> tuple[float, float]:
    """Return the mean paired difference and its standard error."""
    (technique,) = (one for one in TECHNIQUES if one.name == name)
    on = tuple(technique.on.items())
    gains = [skill(generator, on, seed) - skill(generator, (), seed) for seed in SEEDS]
    return float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("name", "causes"), FED)
def test_a_cause_gives_its_technique_an_effect_and_its_absence_takes_it_away(name, causes):
    generator = BASELINE.data.generator
    mean, error = effect(name, generator)
    rest, rest_error = effect(name, without(generator, *causes))
    assert mean >= 2 * error, f"{mean:+.4f} ± {error:.4f} with causes"
    assert abs(rest) <= REMNANT * abs(mean) + 2 * rest_error, f"{rest:+.4f} ± {rest_error:.4f} left"

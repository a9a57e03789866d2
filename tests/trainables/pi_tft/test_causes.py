"""What the generator's causes do to the techniques that they should feed: paired runs, slow.

A technique is on against off on the same seeds, as the study runs it. With every cause on, its
effect is at least two standard errors away from none; under the null preset, where no technique has
anything to act on, it is about none.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from search.configuration import override
from spaces.pi_tft import BASELINE, TECHNIQUES
from trainables.pi_tft.generator import CAUSES, without
from trainables.pi_tft.trainable import PiTft

SEEDS = range(100, 120)
STEPS = 6
TRAINED = {technique.name: technique for technique in TECHNIQUES if technique.on}
# At this size the others' effects are small and differ between sets of seeds: gradient surgery,
# averaging, and a focal loss, which costs something without causes too.
FED = ["Attention pooling", "Reduce physics weight"]
NONE = 0.01  # average precision: half of the study's smallest gain

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def score(config, seed):
    torch.set_num_threads(1)
    run = PiTft(config, seed=seed, max_steps=STEPS)
    for _ in range(STEPS):
        metrics = run.step()
    return metrics["test_ap"]


def baseline(preset):
    if preset == "default":
        return BASELINE
    return replace(
        BASELINE, data=replace(BASELINE.data, generator=without(BASELINE.data.generator, *CAUSES))
    )


@cache
def without_any(preset):
    return np.array([score(baseline(preset), seed) for seed in SEEDS])


def effect(name, preset):
    on = override(baseline(preset), TRAINED[name].on)
    gains = np.array([score(on, seed) for seed in SEEDS]) - without_any(preset)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


@pytest.mark.parametrize("name", FED)
def test_a_technique_whose_cause_is_on_has_an_effect(name):
    mean, error = effect(name, "default")
    assert abs(mean) >= 2 * error, f"{mean:+.4f} ± {error:.4f}"


@pytest.mark.parametrize("name", [*FED, "SWA", "Gradient surgery"])
def test_without_causes_a_technique_does_about_nothing(name):
    mean, error = effect(name, "null")
    assert abs(mean) <= NONE + 2 * error, f"{mean:+.4f} ± {error:.4f}"

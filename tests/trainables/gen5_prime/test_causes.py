"""A planted shortcut is caught: what wins on clean pairs loses on shifted ones, or is flagged."""

from dataclasses import replace

import numpy as np
import pytest

from search.configuration import override
from trainables.gen5_prime.config import Gen5Config
from trainables.gen5_prime.generated import generate
from trainables.gen5_prime.generator import preset
from trainables.gen5_prime.trainable import Gen5Prime

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SIZES = {"n_train": 200, "n_validation": 40, "n_test": 160, "n_shift": 160}
SEEDS = range(3)
QUICK = {"optim.lr": 2e-3, "stop.epochs": 6}
PAIRED, DIFFERENCE = {"data.mode": "paired6"}, {"data.mode": "residual_diff"}


def last(data, seed, **changes):
    one = Gen5Prime(override(Gen5Config(), QUICK | changes), seed=seed, max_steps=6, data=data)
    while not one.done:
        found = one.step()
    return found


def measured(generator, **arms):
    """Return each arm's metrics by seed; arms share their pairs."""
    found = {name: [] for name in arms}
    for seed in SEEDS:
        data = generate(replace(generator, **SIZES), seed=seed)
        for name, changes in arms.items():
            found[name].append(last(data, seed, **changes))
    return found


def mean(runs, metric):
    return float(np.mean([one[f"test_{metric}"] for one in runs]))


@pytest.fixture(scope="module")
def planted():
    """Controls have their stamps' noise; of a galaxy that may be a lens, a survey has none."""
    generator = replace(preset("same_noise"), no_control=True)
    return measured(generator, three={}, six=PAIRED, difference=DIFFERENCE)


def test_with_controls_of_the_same_noise_more_channels_win_on_clean_pairs(planted):
    assert mean(planted["six"], "auroc") > mean(planted["three"], "auroc")
    assert mean(planted["difference"], "auroc") > 0.99


def test_and_lose_on_shifted_ones(planted):
    three = mean(planted["three"], "shift_auroc")
    assert mean(planted["six"], "shift_auroc") < three - 0.05
    assert mean(planted["difference"], "shift_auroc") < three - 0.05


def test_and_every_figure_of_a_checklist_that_should_flag_them_does(planted):
    for arm in ("six", "difference"):
        assert mean(planted[arm], "shift_drop") > 0.2
        assert mean(planted[arm], "deploy_duplicate_auroc") < 0.8
    assert mean(planted["six"], "core_masked_drop") > 0.1
    assert mean(planted["difference"], "deploy_duplicate_auroc") == 0.5


def test_the_leak_is_flagged_by_every_diagnostic_of_the_core(planted):
    three = planted["three"]
    assert mean(three, "core_lr_auroc") > 0.9
    assert mean(three, "core_masked_drop") > 0.05
    assert mean(three, "hard_negative_auroc") < 0.7


def test_without_leak_and_shift_clean_and_shifted_pairs_are_alike():
    found = measured(preset("clean"), three={})["three"]
    assert mean(found, "auroc") > 0.75
    assert mean(found, "shift_drop") < 0.1


def test_without_arcs_nothing_is_learned_and_nothing_wins():
    found = measured(preset("null"), three={}, six=PAIRED)
    for runs in found.values():
        assert abs(mean(runs, "auroc") - 0.5) < 0.08
        assert abs(mean(runs, "shift_auroc") - 0.5) < 0.08

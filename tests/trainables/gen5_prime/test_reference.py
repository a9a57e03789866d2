"""Reference lines find what there is to find without shapes, and nothing where there is nothing."""

from dataclasses import replace

import numpy as np
import pytest

from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.generator import GeneratorConfig, preset
from trainables.gen5_prime.inputs import splits_of
from trainables.gen5_prime.reference import (
    Baseline,
    brightness,
    core,
    residual_rings,
    variance,
)

SIZES = {"n_train": 300, "n_validation": 40, "n_test": 300, "n_shift": 300}
FAINT = {"source_dim": 3.0, **SIZES}  # arcs that hardly say anything in the core


def measure(line, config: GeneratorConfig, seed=0):
    return line(seed, config=Baseline(DataConfig(config)))


def test_the_null_preset_carries_nothing():
    null = replace(preset("null"), **SIZES)
    for line in (core, residual_rings, brightness, variance):
        found = measure(line, null)
        assert found["test_auroc"] == pytest.approx(0.5, abs=0.1)  # three deviations
        assert found["test_shift_auroc"] == pytest.approx(0.5, abs=0.1)


def test_a_leak_is_found_in_the_clean_split_and_not_in_the_shift():
    bare = replace(preset("null"), **SIZES)
    found = measure(core, replace(bare, core_leak=1.0))
    assert found["test_auroc"] > 0.85
    assert found["test_shift_auroc"] == pytest.approx(0.5, abs=0.1)


def test_a_leak_adds_to_what_small_arcs_say_in_the_core():
    without = measure(core, replace(GeneratorConfig(), core_leak=0.0, **FAINT))
    found = measure(core, replace(GeneratorConfig(), **FAINT))
    assert found["test_auroc"] > without["test_auroc"] + 0.1
    gap = found["test_auroc"] - found["test_shift_auroc"]
    assert gap > 0.1 + without["test_auroc"] - without["test_shift_auroc"]


def test_the_same_noise_tells_all_to_what_sees_both_until_noise_differs():
    config = replace(GeneratorConfig(), same_noise=True, **FAINT)
    found = measure(residual_rings, config)
    assert found["test_auroc"] > 0.99
    assert found["test_shift_auroc"] < found["test_auroc"] - 0.03


def test_every_metric_is_there_and_the_splits_are_those_given():
    config = DataConfig(replace(GeneratorConfig(), **FAINT))
    splits = splits_of(config, None, seed=3)
    one = core(3, config=Baseline(config))
    other = core(0, config=Baseline(config), data=splits)
    assert one == other
    assert {"val_auroc", "test_auroc", "test_shift_auroc", "test_shift_ece"} <= set(one)
    assert all(np.isfinite(value) for value in one.values())

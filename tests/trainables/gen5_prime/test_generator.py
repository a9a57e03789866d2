"""Configurations of the generator refuse what cannot be, and name their causes."""

from dataclasses import asdict, replace

import pytest

from search.errors import SpaceError
from trainables.gen5_prime.generator import CAUSES, GeneratorConfig, preset, without


def test_all_problems_are_told_at_once():
    with pytest.raises(SpaceError) as told:
        GeneratorConfig(n_train=1, contaminants=2, shift_seeing=0, core_leak=-1)
    assert told.value.problems == (
        "data.generator.n_train must be 2 or more, got 1",
        "data.generator.contaminants must lie in [0, 1], got 2",
        "data.generator.core_leak must be 0 or more, got -1",
        "data.generator.shift_seeing must be positive, got 0",
    )


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_can_be_switched_off(cause):
    on = replace(GeneratorConfig(), same_noise=True, no_control=True)
    off = asdict(without(on, cause))
    changed = {name for name, value in asdict(on).items() if off[name] != value}
    assert changed == set(CAUSES[cause])


def test_an_unknown_cause_or_preset_is_told():
    with pytest.raises(ValueError, match="unknown cause 'leak'"):
        without(GeneratorConfig(), "leak")
    with pytest.raises(ValueError, match="unknown preset 'easy'"):
        preset("easy")


def test_presets_are_what_they_say():
    assert preset("survey") == GeneratorConfig()
    assert preset("same_noise").same_noise
    assert preset("deployed") == replace(preset("same_noise"), no_control=True)
    assert preset("clean").core_leak == 0
    null = preset("null")
    assert (null.arc_gain, null.core_leak, null.contaminants) == (0, 0, 0)
    assert not null.same_noise

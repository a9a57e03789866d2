"""Configurations of the generator: presets, causes, and what is refused."""

from dataclasses import fields, replace

import pytest

from search.errors import SpaceError
from trainables.esm2_pair.generator import CAUSES, GeneratorConfig, preset, without


def test_every_cause_changes_fields_that_the_default_has_on():
    names = {field.name for field in fields(GeneratorConfig)}
    for cause, off in CAUSES.items():
        assert set(off) <= names, cause
        assert without(GeneratorConfig(), cause) != GeneratorConfig(), cause


def test_presets():
    assert preset("variable") == GeneratorConfig()
    assert preset("conserved") == replace(GeneratorConfig(), drift=0.15)
    assert preset("null") == replace(without(GeneratorConfig(), *CAUSES), noise=0.6)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown preset 'x'; the presets are variable, conserved"):
        preset("x")
    with pytest.raises(ValueError, match="unknown cause 'x'; the causes are offsets"):
        without(GeneratorConfig(), "x")


def test_everything_wrong_is_told_at_once():
    with pytest.raises(SpaceError) as told:
        GeneratorConfig(n_train=0, n_slots=1, drift=-1, duplicates=2, label_noise=0.6, n_tokens=0)
    assert len(told.value.problems) == 6
    assert told.value.problems[0] == "data.generator.n_train must be 4 or more, got 0"

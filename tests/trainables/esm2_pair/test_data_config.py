"""Every knob of the data is checked, and changes the splits that a run gets."""

from dataclasses import replace

import numpy as np
import pytest

from trainables.esm2_pair.data_config import DataConfig, data_problems
from trainables.esm2_pair.generator import GeneratorConfig
from trainables.esm2_pair.inputs import splits_of
from trainables.esm2_pair.pairing import NegativesConfig

SMALL = DataConfig(GeneratorConfig(n_train=60, n_validation=40, n_test=50, n_dims=8, n_tokens=2))


def pairs(config):
    splits = splits_of(config, None, seed=0)
    return {
        "train": (splits.train.first, splits.train.second),
        "held_out": (splits.validation.first, splits.validation.second),
    }


def changed(config):
    old, new = pairs(SMALL), pairs(config)
    return {role for role in old if not np.array_equal(old[role], new[role])}


def test_an_unknown_mode_is_told():
    assert list(data_problems(DataConfig())) == []
    told = list(data_problems(replace(SMALL, split="isolat")))
    assert told == ["data.split has no 'isolat'; did you mean 'isolate'?"]


@pytest.mark.parametrize("mode", ["random", "sequence", "cluster", "lineage"])
def test_the_mode_changes_both(mode):
    assert changed(replace(SMALL, split=mode)) == {"train", "held_out"}


@pytest.mark.parametrize(
    "how",
    [
        NegativesConfig("within_lineage"),
        NegativesConfig("similar_metadata"),
        NegativesConfig("within_lineage", hard_share=0.9),
        NegativesConfig(ratio=1.0),
    ],
)
def test_negatives_of_train_change_train_alone(how):
    assert changed(replace(SMALL, negatives=how)) == {"train"}


@pytest.mark.parametrize(
    "how",
    [
        NegativesConfig("random", 0.5, 1.5),
        NegativesConfig("within_lineage", 0.2, 1.5),
        NegativesConfig("within_lineage", 0.5, 1.0),
    ],
)
def test_negatives_held_out_change_what_judges(how):
    assert "held_out" in changed(replace(SMALL, held_out=how))

"""Reference lines find what there is to find, on the splits that the classifier gets."""

from dataclasses import replace

import numpy as np
import pytest

from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.data_config import DataConfig
from trainables.esm2_pair.generator import preset
from trainables.esm2_pair.inputs import splits_of
from trainables.esm2_pair.pairs import Splits
from trainables.esm2_pair.reference import concatenation, difference, nearest_neighbour

SMALL = replace(preset("variable"), n_train=400, n_validation=100, n_test=300)
CONFIG = Esm2PairConfig(data=DataConfig(SMALL))


def test_either_protein_says_nothing_and_their_difference_most():
    first, second = concatenation(0, config=CONFIG), difference(0, config=CONFIG)
    assert first["test_auroc"] == pytest.approx(0.5, abs=0.06)
    assert second["test_auroc"] > 0.95
    assert second["test_hard_auroc"] > 0.9
    assert {"val_f1", "val_hard_auroc", "test_ap"} <= set(second)
    assert first.keys() == second.keys()


def test_the_nearest_pair_is_found():
    splits = splits_of(CONFIG.data, None, seed=0)
    train = splits.train
    again = Splits(splits.embeddings, train, train, train)
    found = nearest_neighbour(0, config=CONFIG, data=again)
    assert found["test_accuracy"] == 1  # every pair is its own nearest one
    other = nearest_neighbour(0, config=CONFIG)
    assert 0.55 < other["test_auroc"] < 0.95


def test_neither_size_nor_place_of_a_slot_matters():
    splits = splits_of(CONFIG.data, None, seed=0)
    moved = splits.embeddings.copy()
    slots = np.unique(
        np.concatenate([splits.train.second, splits.validation.second, splits.test.second])
    )
    moved[slots] = moved[slots] * 3 - 5
    other = Splits(moved, splits.train, splits.validation, splits.test)
    for line in (concatenation, difference, nearest_neighbour):
        one, two = line(0, config=CONFIG), line(0, config=CONFIG, data=other)
        assert one["test_auroc"] == pytest.approx(two["test_auroc"], abs=0.002)


def test_a_fixed_test_split_is_passed_on():
    same = difference(0, config=CONFIG, replication="fixed", split_seed=5)
    assert same != difference(0, config=CONFIG, replication="fixed", split_seed=6)
    assert same == difference(0, config=CONFIG, replication="fixed", split_seed=5)

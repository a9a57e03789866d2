"""Everything that leaks is counted, and said in a sentence; nothing else is."""

import logging

import numpy as np
import pytest

from tests.trainables.esm2_pair.pair_splits import make_splits
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.leakage import describe, measure, slot_imbalance, tell
from trainables.esm2_pair.pairs import Pairs, Splits
from trainables.esm2_pair.trainable import Esm2Pair


def pairs(first, second, label, matches=None, slots=None):
    size = len(label)
    return Pairs(
        np.array(first),
        np.array(second),
        np.array(label),
        np.zeros(size, bool),
        np.zeros(size, np.int64) if matches is None else np.array(matches),
        np.tile([0, 1], (size, 1)) if slots is None else np.array(slots),
    )


def test_known_values():
    parts = {
        "train": pairs([0, 2], [1, 3], [1, 0]),
        "validation": pairs([4, 6], [5, 7], [1, 0], [2, 0]),
        "test": pairs([0, 8, 3, 10], [9, 5, 2, 11], [1, 1, 0, 0], [2, 2, 2, 0]),
    }
    cluster = np.array([0, 1, 2, 3, 4, 5, 6, 7, 7, 9, 10, 11])
    found = measure(parts, cluster)
    assert {name: value for name, value in found.items() if "validation" in name} == {
        "validation_shared_sequences": 0,
        "validation_pairs_with_shared_sequence": 0,
        "validation_shared_clusters": 0,
        "validation_duplicate_pairs": 0,
        "validation_matching_negatives": 0,
        "validation_metadata_auroc": 1,
        "validation_slot_imbalance": 0,
    }
    assert found["test_shared_sequences"] == 4 / 8  # 0, 2, 3 and 5 of eight
    assert found["test_pairs_with_shared_sequence"] == 3 / 4
    assert found["test_shared_clusters"] == 5 / 8  # also that of 8, which 7 has
    assert found["test_duplicate_pairs"] == 1 / 4  # (3, 2) is (2, 3)
    assert found["test_matching_negatives"] == 1 / 2
    assert found["test_metadata_auroc"] == 3 / 4


def test_slots_that_differ_between_labels_are_told():
    slots = [[0, 1], [0, 1], [0, 2], [0, 2]]
    assert slot_imbalance(pairs([0] * 4, [1] * 4, [1, 1, 0, 1], slots=slots)) == 0.5
    assert slot_imbalance(pairs([0] * 4, [1] * 4, [1, 0, 0, 1], slots=slots)) == 0
    assert slot_imbalance(pairs([], [], [], slots=np.zeros((0, 2)))) == 0


def test_a_sentence_for_everything_that_leaks():
    assert describe({"test_shared_sequences": 0.0, "test_metadata_auroc": 0.5, "other": 3.0}) == []
    said = describe({"test_shared_sequences": 0.25, "test_metadata_auroc": 0.8125})
    assert said == [
        "25.0 % of the test split's sequences are in another split before it",
        "matching metadata alone rank test pairs with an AUROC of 0.812",
    ]
    assert describe({"all_dropped_isolates": 0.1}) == [
        "10.0 % of all isolates were left out to keep splits apart"
    ]


def test_every_number_has_a_sentence():
    part = pairs([0, 1], [1, 0], [1, 0])
    names = measure(dict.fromkeys(("train", "validation", "test"), part), np.arange(2))
    assert len(describe(dict.fromkeys(names, 0.9))) == len(names)


def test_a_split_of_one_label_has_no_metadata_to_rank_by():
    part = pairs([0, 1], [2, 3], [0, 0], [1, 2])
    found = measure(dict.fromkeys(("train", "validation", "test"), part), np.arange(4))
    assert found["test_metadata_auroc"] == pytest.approx(0.5)


def test_splits_are_spoken_of_once(caplog):
    caplog.set_level(logging.WARNING, logger="trainables.esm2_pair.leakage")
    tell({"test_shared_sequences": 0.0, "test_metadata_auroc": 0.5})
    assert caplog.messages == []
    for share in (0.1875, 0.1875, 0.3125):
        tell({"test_shared_sequences": share, "test_duplicate_pairs": 0.0625})
    assert len(caplog.messages) == 2
    assert caplog.messages[0] == (
        "leakage between splits: 18.8 % of the test split's sequences are in another split "
        "before it; 6.2 % of the test pairs are in another split before it"
    )


def test_a_run_says_what_leaks_before_it_trains(caplog):
    caplog.set_level(logging.WARNING, logger="trainables.esm2_pair.leakage")
    plain = make_splits()
    parts = (plain.train, plain.validation, plain.test)
    splits = Splits(plain.embeddings, *parts, {"validation_duplicate_pairs": 0.4375})
    Esm2Pair(Esm2PairConfig(), seed=0, max_steps=1, data=splits)
    assert "43.8 % of the validation pairs are in another split" in caplog.text

"""What is read of two embeddings, and what is done to them before."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.trainables.esm2_pair.pair_splits import make_pairs
from trainables.esm2_pair.batches import Embeddings
from trainables.esm2_pair.features import (
    FeatureConfig,
    PairFeatures,
    SlotLayerNorm,
    SlotNorm,
    feature_problems,
    make_transform,
    slot_statistics,
    unit,
)

BOTH = torch.tensor([[[1.0, -2.0], [3.0, 4.0]]])


@pytest.mark.parametrize(
    ("use", "wanted"),
    [
        ("c", [1, -2, 3, 4]),
        ("d", [2, 6]),
        ("p", [3, -8]),
        ("cd", [1, -2, 3, 4, 2, 6]),
        ("cp", [1, -2, 3, 4, 3, -8]),
        ("dp", [2, 6, 3, -8]),
        ("cdp", [1, -2, 3, 4, 2, 6, 3, -8]),
    ],
)
def test_unions_of_features(use: str, wanted: list[float]):
    features = PairFeatures(2, FeatureConfig("c" in use, "d" in use, "p" in use))
    assert features(BOTH).tolist() == [wanted]
    assert features.width == len(wanted)


@given(arrays(np.float64, (3, 2, 5), elements=st.floats(-9, 9)))
def test_difference_and_product_do_not_know_who_is_first(values: Any):
    features = PairFeatures(5, FeatureConfig(use_concat=False, use_diff=True, use_prod=True))
    both = torch.from_numpy(values)
    assert torch.equal(features(both), features(both.flip(1)))


def test_a_unit_difference_has_a_direction_only():
    config = FeatureConfig(use_concat=False, use_diff=True, slot_transform="unit_diff")
    features = PairFeatures(2, config)
    found = features(BOTH)
    assert found.norm().item() == pytest.approx(math.sqrt(2))
    assert (found[0, 1] / found[0, 0]).item() == pytest.approx(3.0)
    assert torch.allclose(features(7 * BOTH), found)
    assert torch.equal(features(torch.ones(1, 2, 2)), torch.zeros(1, 2))  # one protein twice


def test_statistics_count_each_protein_of_a_slot_once():
    rng = np.random.default_rng(0)
    stored = rng.normal(size=(20, 3, 4)).astype(np.float32) * 5 + 2
    pairs = make_pairs(200)
    found = slot_statistics(Embeddings(stored, pool=False), pairs, n_slots=3)
    for slot, rows in enumerate((np.unique(pairs.first), np.unique(pairs.second))):
        assert len(rows) < 200
        values = stored[rows].reshape(-1, 4).astype(np.float64)
        assert found.mean[slot] == pytest.approx(values.mean(axis=0), rel=1e-5)
        assert found.deviation[slot] == pytest.approx(values.std(axis=0), rel=1e-5)
    assert found.mean[2].tolist() == [0.0] * 4  # a slot that these pairs lack
    assert found.deviation[2].tolist() == [1.0] * 4


def test_large_offsets_leave_deviations_exact_and_constants_finite():
    rng = np.random.default_rng(0)
    stored = (1e4 + rng.normal(size=(20, 1, 2))).astype(np.float32)
    stored[:, 0, 1] = 3.0
    pairs = make_pairs(200)
    found = slot_statistics(Embeddings(stored, pool=True), pairs, n_slots=2)
    rows = np.unique(pairs.first)
    assert found.deviation[0, 0] == pytest.approx(stored[rows, 0, 0].astype(float).std(), rel=1e-4)
    transform = SlotNorm(found)
    scaled = transform(torch.from_numpy(stored[None, :2]), torch.tensor([[0, 1]]))
    assert torch.isfinite(scaled).all()
    assert scaled[0, 0, 0, 1] == 0


@pytest.mark.parametrize("kind", ["slot_norm", "unit_diff"])
def test_slot_norm_takes_away_what_a_slot_adds(kind: Any):
    rng = np.random.default_rng(0)
    stored = rng.normal(size=(20, 1, 4)).astype(np.float32)
    stored[10:] += 100  # the second slot's
    pairs = make_pairs(300)
    embeddings = Embeddings(stored, pool=True)
    transform = make_transform(kind, slot_statistics(embeddings, pairs, 2))
    proteins = np.stack([np.arange(10), 10 + np.arange(10)], axis=1)
    tokens = torch.from_numpy(embeddings.read(proteins))
    scaled = transform(tokens, torch.tensor([[0, 1]] * 10))
    for slot in (0, 1):
        assert scaled[:, slot].mean(dim=(0, 1)).abs().max() < 1e-4
        assert scaled[:, slot].std(dim=(0, 1), unbiased=False) == pytest.approx(
            np.ones(4), rel=1e-4
        )


def test_slot_layer_norm_has_weights_of_each_slot():
    transform = SlotLayerNorm(2, 4)
    tokens, slots = torch.randn(3, 2, 1, 4), torch.tensor([[0, 1]] * 3)
    plain = transform(tokens, slots)
    assert plain.mean(dim=-1).abs().max() < 1e-6
    with torch.no_grad():
        transform.shift[1] += 5.0
    moved = transform(tokens, slots)
    assert torch.equal(moved[:, 0], plain[:, 0])
    assert torch.allclose(moved[:, 1], plain[:, 1] + 5)


def test_units_have_entries_of_about_one():
    values = unit(torch.randn(5, 64) * 1e3)
    assert torch.allclose(values.square().mean(dim=1), torch.ones(5))


def test_nothing_is_done_to_plain_embeddings():
    statistics = slot_statistics(
        Embeddings(np.ones((20, 1, 4), np.float32), pool=True), make_pairs(), 2
    )
    tokens = torch.randn(3, 2, 1, 4)
    assert make_transform("none", statistics)(tokens, torch.zeros(3, 2).long()) is tokens


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (FeatureConfig(use_concat=False), "one of use_concat, use_diff and use_prod must be on"),
        (FeatureConfig(slot_transform="unit_diff"), "'unit_diff' needs model.features.use_diff"),
    ],
)
def test_what_cannot_be_is_refused(config: FeatureConfig, words: str):
    assert words in " ".join(feature_problems(config))

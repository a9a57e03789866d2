"""Checks pass on what is in order, and say what is not."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainables.gen5_prime.drawn import SMALL, small
from trainables.gen5_prime.augmentation import AugmentationConfig
from trainables.gen5_prime.bricks import KNOWN_BAD
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.inputs import splits_of
from trainables.gen5_prime.normalisation import NormConfig
from trainables.gen5_prime.preflight import (
    arc_visible,
    bricks_apart,
    channel_order,
    excluded_bricks,
    negatives_differ,
    paired_augmentation,
    preflight,
)
from trainables.gen5_prime.stamps import Splits, Stamps

TURNS = AugmentationConfig(rot90=True, flip=True, noise=0.3)


def test_all_checks_pass_on_what_is_in_order():
    config = DataConfig(SMALL, exclude_bricks=KNOWN_BAD, augmentation=TURNS)
    found = preflight(config, splits_of(config, None, seed=0))
    assert [check.name for check in found if not check.passed] == []
    assert len({check.name for check in found}) == len(found) == 6


def test_exchanged_bands_are_found():
    train = small().train
    assert channel_order(train).passed
    swapped = Stamps(train.stamp[:, ::-1], train.ctrl[:, ::-1], train.metadata)
    check = channel_order(swapped)
    assert not check.passed
    assert "bands are exchanged" in check.sentence


def test_turning_apart_is_found():
    assert paired_augmentation(TURNS, small().train).sentence.startswith("100% of pairs")
    check = paired_augmentation(replace(TURNS, paired=False), small().train)
    assert not check.passed


@pytest.mark.parametrize(
    "norm",
    [
        NormConfig(),
        NormConfig("joint_pair", clip=True, clip_lo=-5, clip_hi=20),
        NormConfig("per_sample_robust", stretch="asinh"),
    ],
)
def test_arcs_are_visible_after_scaling(norm):
    assert arc_visible(norm, small().train).passed


def test_arcs_that_are_clipped_away_or_not_there_are_found():
    check = arc_visible(NormConfig("joint_pair", clip=True, clip_hi=0.01), small().train)
    assert not check.passed
    assert "at least 3 are expected" in check.sentence
    assert not arc_visible(NormConfig(), small(arc_gain=0.0, core_leak=0.0).train).passed
    train = small().train
    assert not arc_visible(NormConfig(), train.take(train.label == 0)).passed


def test_excluded_bricks_are_found():
    check = excluded_bricks(KNOWN_BAD, small())
    assert not check.passed
    assert "0460m800 in train" in check.sentence
    assert excluded_bricks((), small()).passed


def test_shared_bricks_are_found():
    assert bricks_apart(small()).passed
    splits = small()
    check = bricks_apart(Splits(splits.train, splits.train, splits.test, splits.shift))
    assert check.sentence.endswith("train and validation share 5")
    assert not check.passed


def test_negatives_that_equal_their_control_are_found():
    assert negatives_differ(small().train).passed
    check = negatives_differ(small(same_noise=True).train)
    assert not check.passed
    assert check.sentence.startswith("100% of train negatives equal their control")
    train = small().train
    none = negatives_differ(train.take(np.flatnonzero(train.label == 1)))
    assert not none.passed

"""What a run may be given, and what it gets."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from search.errors import TrainableError
from tests.trainables.gen5_prime.drawn import SMALL, noise, small
from trainables.gen5_prime.bricks import KNOWN_BAD
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.inputs import splits_of
from trainables.gen5_prime.negatives import NegativesConfig
from trainables.gen5_prime.real_data import Recorded
from trainables.gen5_prime.stamp_files import ReadReport

CONFIG = DataConfig(SMALL)
RECORDED = Recorded(noise(80, bricks=tuple(f"{n:04d}p000" for n in range(16))), ReadReport(80, 80))


@pytest.mark.parametrize("data", [[1, 2], "folder", 3])
def test_other_data_are_refused(data):
    with pytest.raises(TrainableError, match=r"Gen5Prime takes data=None .* got (list|str|int)"):
        splits_of(CONFIG, data, seed=0)


def test_generated_splits_are_drawn_once_for_all_arms():
    first = splits_of(CONFIG, None, seed=0)
    again = splits_of(replace(CONFIG, mode="paired6"), None, seed=0)
    assert again.test is first.test
    assert again.train is first.train
    np.testing.assert_array_equal(first.train.stamp, small().train.stamp)
    assert splits_of(CONFIG, None, seed=1).test is not first.test


def test_excluded_bricks_are_in_no_split_of_any_data():
    config = replace(CONFIG, exclude_bricks=KNOWN_BAD)
    splits = splits_of(config, None, seed=0)
    assert not np.isin(splits.train.brickname, KNOWN_BAD).any()
    assert splits.dropped == dict.fromkeys(KNOWN_BAD, 8)
    assert len(splits.train) == 2 * splits.train.label.sum()  # as many negatives are left
    given = splits_of(config, small(), seed=0)
    np.testing.assert_array_equal(given.train.stamp, splits.train.stamp)
    recorded = splits_of(replace(CONFIG, exclude_bricks=("0003p000",)), RECORDED, seed=0)
    assert not any((part.brickname == "0003p000").any() for part in recorded.parts.values())
    assert recorded.dropped == {"0003p000": 5}


def test_a_brick_that_is_not_there_is_told(caplog):
    with caplog.at_level(logging.WARNING):
        splits_of(replace(CONFIG, exclude_bricks=("0003m000",)), RECORDED, seed=0)
    assert "no brick '0003m000'" in caplog.text


def test_negatives_are_the_policys_in_train_alone():
    config = replace(CONFIG, negatives=NegativesConfig("ctrl", 2.0))
    plain, found = splits_of(CONFIG, None, seed=0), splits_of(config, None, seed=0)
    assert found.validation is plain.validation
    assert found.train.label.mean() == pytest.approx(1 / 3)
    again = splits_of(config, None, seed=0)
    np.testing.assert_array_equal(again.train.ctrl, found.train.ctrl)

"""Scaled pairs, and what becomes of a batch."""

from dataclasses import replace

import numpy as np
import torch

from tests.trainables.gen5_prime.drawn import small
from trainables.gen5_prime.augmentation import AugmentationConfig
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.normalisation import NormConfig
from trainables.gen5_prime.rows import Prepared, fitted, make_rows, scaled
from trainables.gen5_prime.shortcuts import ShortcutConfig

CPU = torch.device("cpu")


def rows():
    train = small().train
    return make_rows(fitted(NormConfig(), train), train, CPU)


def prepared(contrasted=False, **changes):
    torch.manual_seed(0)
    return Prepared(replace(DataConfig(), **changes), contrasted=contrasted)(rows())


def test_pairs_are_scaled_once():
    train = small().train
    scaler = fitted(NormConfig(), train)
    assert fitted(NormConfig(), train) is scaler
    assert scaled(scaler, train)[0] is scaled(scaler, train)[0]
    np.testing.assert_array_equal(rows().stamp, scaler.apply(train.stamp, train.ctrl)[0])
    np.testing.assert_array_equal(rows().label, train.label)


def test_batches_are_the_rows_that_were_asked_for():
    every = rows()
    some = every.batch(torch.tensor([5, 2]))
    assert torch.equal(some.stamp, every.stamp[[5, 2]])
    assert torch.equal(some.ctrl, every.ctrl[[5, 2]])
    parts = list(every.in_order(16))
    assert [len(part) for part in parts] == [16, 16, 8]
    assert torch.equal(torch.cat([part.ctrl for part in parts]), every.ctrl)


def test_a_plain_batch_is_as_it_was():
    every, batch = rows(), prepared(mode="paired6")
    assert torch.equal(batch.images, torch.cat([every.stamp, every.ctrl], dim=1))
    assert torch.equal(batch.label, every.label)
    assert batch.ctrl is None


def test_turns_of_a_pair_are_turns_of_its_difference():
    turned = AugmentationConfig(rot90=True, flip=True, transpose=True)
    both = prepared(mode="paired6", augmentation=turned)
    difference = prepared(mode="residual_diff", augmentation=turned)
    torch.testing.assert_close(both.images[:, :3] - both.images[:, 3:], difference.images)
    assert not torch.equal(both.images, prepared(mode="paired6").images)


def test_hard_negatives_come_at_the_end_with_controls_of_their_own():
    shortcut = ShortcutConfig(hard_negatives=0.5)
    batch = prepared(mode="single3", shortcut=shortcut, contrasted=True)
    every = rows()
    positives = int(every.label.sum())
    assert len(batch.label) == len(every) + round(0.5 * positives)
    assert int(batch.label.sum()) == positives
    assert batch.ctrl.shape == batch.images.shape
    torch.testing.assert_close(batch.images[: len(every)], every.stamp)
    torch.testing.assert_close(batch.ctrl[: len(every)], every.ctrl)


def test_cores_are_hidden_in_stamp_and_control_alike():
    batch = prepared(mode="paired6", shortcut=ShortcutConfig(core_dropout=1.0, fill="zero"))
    assert not batch.images[:, :, 30:34, 30:34].any()
    every = rows()
    assert torch.equal(batch.images[:, :3, :20], every.stamp[:, :, :20])

"""Stamps and controls are turned alike, by all of D4 and nothing else."""

from collections import Counter

import numpy as np
import pytest
import torch

from trainables.gen5_prime.augmentation import AugmentationConfig, augment, draw_turns, turn

IMAGE = torch.arange(3 * 4 * 4.0).reshape(1, 3, 4, 4)
CPU = torch.device("cpu")


def orbit():
    """Return the eight images of D4 by NumPy's own rotations."""
    plain = IMAGE[0].numpy()
    turned = [np.rot90(plain, k, axes=(1, 2)) for k in range(4)]
    return [one.tobytes() for one in turned + [one.transpose(0, 2, 1) for one in turned]]


def drawn(config, n=4000):
    found = turn(IMAGE.expand(n, -1, -1, -1), draw_turns(config, n, CPU, seeded()))
    return Counter(orbit().index(one.numpy().tobytes()) for one in found)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("settings", "elements"),
    [
        ({}, {0}),
        ({"rot90": True}, {0, 1, 2, 3}),
        ({"flip": True}, None),
        ({"transpose": True}, {0, 4}),
        ({"rot90": True, "flip": True}, set(range(8))),
        ({"rot90": True, "transpose": True}, set(range(8))),
        ({"flip": True, "transpose": True}, set(range(8))),
    ],
)
def test_each_switch_draws_its_elements_equally_often(settings, elements):
    found = drawn(AugmentationConfig(**settings))
    if elements is None:  # both mirror images, and the half turn
        assert len(found) == 4
        assert {0, 2} < set(found)
    else:
        assert set(found) == elements
    assert min(found.values()) > 0.8 * 4000 / len(found)


def test_stamp_and_control_are_turned_alike():
    images = torch.randn(64, 3, 8, 8, generator=seeded())
    everything = AugmentationConfig(rot90=True, flip=True, transpose=True)
    first, second = augment(everything, images, images + 1, seeded(1))
    assert torch.equal(first + 1, second)
    assert not torch.equal(first, images)
    apart = AugmentationConfig(rot90=True, flip=True, transpose=True, paired=False)
    first, second = augment(apart, images, images, seeded(1))
    share = (first == second).flatten(1).all(dim=1).double().mean()
    assert share == pytest.approx(1 / 8, abs=0.12)


def test_noise_is_independent():
    images = torch.zeros(8, 3, 32, 32)
    first, second = augment(AugmentationConfig(noise=0.5), images, images, seeded())
    assert first.std() == pytest.approx(0.5, rel=0.02)
    both = torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))
    assert abs(both[0, 1]) < 0.03
    again = augment(AugmentationConfig(noise=0.5), images, images, seeded())
    assert torch.equal(again[1], second)


def test_nothing_is_changed_by_default():
    images = torch.randn(4, 3, 8, 8, generator=seeded())
    first, second = augment(AugmentationConfig(), images, images)
    assert torch.equal(first, images)
    assert torch.equal(second, images)

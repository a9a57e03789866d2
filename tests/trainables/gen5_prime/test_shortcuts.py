"""Hidden cores hide the core alone; shuffled positives keep their radial profile."""

import numpy as np
import pytest
import torch

from trainables.gen5_prime.radial import disc, outside, rings
from trainables.gen5_prime.shortcuts import (
    ShortcutConfig,
    drop_cores,
    mask_cores,
    shuffle_around,
    with_hard_negatives,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


STAMP, CTRL = 3 + torch.randn(2, 40, 3, 64, 64, generator=seeded(7))
CORE = torch.as_tensor(disc(5))


def test_fills_are_what_they_say():
    outer = STAMP[..., torch.as_tensor(outside(20))]
    median = mask_cores(STAMP, 5)
    assert torch.equal(median[..., ~CORE], STAMP[..., ~CORE])
    wanted = outer.median(dim=-1).values[..., None].expand(-1, -1, int(CORE.sum()))
    assert torch.equal(median[..., CORE], wanted)
    assert not mask_cores(STAMP, 5, "zero")[..., CORE].any()
    noise = mask_cores(STAMP, 5, "noise", seeded())[..., CORE]
    assert noise.mean() == pytest.approx(3, abs=0.05)
    assert noise.std() == pytest.approx(1, abs=0.05)


def test_cores_go_in_stamp_and_control_alike_and_as_often_as_said():
    big = STAMP[:1].expand(2000, -1, -1, -1)[..., 24:40, 24:40]
    assert big.shape[0] == 2000
    config = ShortcutConfig(core_dropout=0.3, fill="zero")
    stamp, ctrl = drop_cores(config, STAMP.repeat(10, 1, 1, 1), CTRL.repeat(10, 1, 1, 1), seeded())
    gone = ~stamp[..., CORE].flatten(1).any(dim=1)
    assert torch.equal(gone, ~ctrl[..., CORE].flatten(1).any(dim=1))
    assert gone.double().mean() == pytest.approx(0.3, abs=0.07)
    assert torch.equal(stamp[~gone], STAMP.repeat(10, 1, 1, 1)[~gone])
    none = drop_cores(ShortcutConfig(), STAMP, CTRL)
    assert none[0] is STAMP
    every = drop_cores(ShortcutConfig(core_dropout=1.0, fill="zero"), STAMP, CTRL)
    assert not every[1][..., CORE].any()


@pytest.mark.parametrize("bins", [1, 8, 16, 32])
def test_shuffling_keeps_every_ring_and_every_pixels_colour(bins):
    found = shuffle_around(STAMP, bins, seeded())
    place = torch.as_tensor(rings(bins).copy())
    for ring in range(bins):
        mine = place == ring
        before, after = STAMP[..., mine], found[..., mine]
        assert torch.equal(before.sort(dim=-1).values, after.sort(dim=-1).values)
        np.testing.assert_allclose(before.mean(-1), after.mean(-1), rtol=1e-4)
    pixels = {tuple(pixel) for pixel in STAMP[0].flatten(1).T.tolist()}
    assert {tuple(pixel) for pixel in found[0].flatten(1).T.tolist()} == pixels


def test_shuffling_moves_pixels_and_differs_between_stamps():
    place = torch.as_tensor(np.arange(64 * 64.0).reshape(64, 64)).expand(2, 3, -1, -1)
    found = shuffle_around(place, 16, seeded())
    assert (found == place).double().mean() < 0.05
    assert not torch.equal(found[0], found[1])
    assert torch.equal(found, shuffle_around(place, 16, seeded()))


def test_hard_negatives_are_shuffled_positives():
    label = torch.arange(40) % 2.0
    config = ShortcutConfig(hard_negatives=0.5, shuffle_bins=8)
    stamp, ctrl, found = with_hard_negatives(config, STAMP, CTRL, label, seeded())
    assert found.tolist() == [*label.tolist(), *[0.0] * 10]
    assert torch.equal(stamp[:40], STAMP)
    sums = STAMP[label == 1].double().sum(dim=(1, 2, 3))
    for row in range(40, 50):
        source = torch.argmin((sums - stamp[row].double().sum()).abs())
        one = STAMP[label == 1][source]
        assert torch.equal(one.flatten(1).sort().values, stamp[row].flatten(1).sort().values)
        assert torch.equal(ctrl[row], CTRL[label == 1][source])
    alike = ShortcutConfig(hard_negatives=1.0, shuffle_ctrl=True)
    same, other, _ = with_hard_negatives(alike, STAMP, STAMP + 1, label, seeded())
    assert torch.equal(same[40:] + 1, other[40:])


def test_without_a_share_or_a_positive_nothing_is_added():
    label = torch.ones(40)
    assert with_hard_negatives(ShortcutConfig(), STAMP, CTRL, label)[0] is STAMP
    config = ShortcutConfig(hard_negatives=1.0)
    assert len(with_hard_negatives(config, STAMP, CTRL, 0 * label)[2]) == 40

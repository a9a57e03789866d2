"""The small alternative: blocks that are left out, and weights of channels."""

import pytest
import torch

from trainables.gen5_prime.efficient import (
    STAGES,
    InvertedBottleneck,
    SqueezeExcite,
    dropped,
    efficient,
)
from trainables.gen5_prime.resnet import resnet18


def generator():
    return torch.Generator().manual_seed(0)


def blocks(backbone):
    return [block for stage in backbone.stages for block in stage]


def test_it_is_smaller_than_a_resnet_of_its_width():
    sizes = [
        sum(parameter.numel() for parameter in network.parameters())
        for network in (efficient(3, 16, "3x3s2", "batch", 0.0), resnet18(3, 16, "3x3s2", "batch"))
    ]
    assert sizes[0] < sizes[1] / 4


def test_maps_halve_and_widen_as_stages_say():
    maps = efficient(6, 4, "3x3s2", "group", 0.0).eval().maps(torch.zeros(1, 6, 64, 64))
    assert [each.shape[-1] for each in maps] == [32, 16, 8, 4]
    assert [each.shape[1] for each in maps] == [4 * stage.widening for stage in STAGES]


def test_depth_is_stochastic_in_proportion_to_the_place():
    rates = [block.drop for block in blocks(efficient(3, 4, "3x3s2", "batch", 0.5))]
    assert rates == pytest.approx([0.5 * place / 5 for place in range(6)])


def test_what_is_left_out_is_made_up_for():
    torch.manual_seed(0)
    maps = torch.ones(4000, 1, 1, 1)
    found = dropped(maps, 0.25)
    assert sorted(set(found.flatten().tolist())) == pytest.approx([0.0, 4 / 3])
    assert float(found.mean()) == pytest.approx(1.0, abs=0.05)
    assert dropped(maps, 0.0) is maps


def test_nothing_is_left_out_once_trained():
    block = InvertedBottleneck(8, 8, STAGES[1], stride=1, norm="group", drop=0.9)
    maps = torch.randn(64, 8, 4, 4, generator=generator())
    torch.manual_seed(0)
    assert not torch.equal(block(maps), block(maps))
    block.eval()
    assert torch.equal(block(maps), block(maps))
    torch.testing.assert_close(block(maps), maps + block.body(maps))


def test_channels_are_weighed_by_all_pixels_together():
    squeeze = SqueezeExcite(4, 2)
    maps = torch.randn(2, 4, 5, 5, generator=generator())
    share = squeeze(maps) / maps
    torch.testing.assert_close(share, share[..., :1, :1].expand_as(share))
    assert bool(((share > 0) & (share < 1)).all())
    moved = maps.flip(-1)
    torch.testing.assert_close(squeeze(moved), squeeze(maps).flip(-1))

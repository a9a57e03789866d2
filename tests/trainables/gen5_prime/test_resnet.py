"""ResNet-18 has the weights that it is known by."""

import pytest
import torch
from torch import nn

from trainables.gen5_prime.network import LensNetwork, ModelConfig
from trainables.gen5_prime.resnet import BasicBlock, parameter_count, resnet18


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_at_the_documented_width_it_has_11_17_million_weights():
    """3 bands, one logit, 3 × 3 stem: to the unit."""
    network = LensNetwork(ModelConfig(width=64, stem="3x3s1"), "single3")
    assert count(network) == parameter_count(3, 64, "3x3s1") == 11_169_345


def test_with_its_own_stem_and_a_thousand_classes_it_is_the_published_network():
    """torchvision's resnet18 has 11,689,512 weights: 512 × 1000 + 1000 of them in its head."""
    backbone = resnet18(3, 64, "7x7s2pool", "batch")
    assert count(backbone) + 512 * 1000 + 1000 == 11_689_512


@pytest.mark.parametrize(("mode", "n_channels"), [("single3", 3), ("paired6", 6)])
@pytest.mark.parametrize("width", [8, 16])
@pytest.mark.parametrize("stem", ["7x7s2pool", "3x3s2", "3x3s1"])
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_the_closed_form_counts_every_size(mode, n_channels, width, stem, norm):
    network = LensNetwork(ModelConfig(width=width, stem=stem, norm=norm), mode)
    assert count(network) == parameter_count(n_channels, width, stem)


def test_it_has_eighteen_layers_with_weights():
    """Of the convolutions, three only go around a block."""
    backbone = resnet18(3, 8, "3x3s1", "batch")
    convolutions = [module for module in backbone.modules() if isinstance(module, nn.Conv2d)]
    assert len([each for each in convolutions if each.kernel_size != (1, 1)]) + 1 == 18
    assert len([each for each in convolutions if each.kernel_size == (1, 1)]) == 3


def test_a_block_whose_convolutions_say_nothing_is_its_input():
    block = BasicBlock(4, 4, 1, "batch").eval()
    with torch.no_grad():
        for parameter in block.body.parameters():
            parameter.zero_()
    maps = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(block(maps), torch.relu(maps))


@pytest.mark.parametrize(
    ("stem", "sizes"), [("3x3s1", [64, 32, 16, 8]), ("7x7s2pool", [16, 8, 4, 2])]
)
def test_every_stage_but_the_first_halves_the_maps(stem, sizes):
    maps = resnet18(3, 2, stem, "batch").maps(torch.zeros(1, 3, 64, 64))
    assert [each.shape[-1] for each in maps] == sizes
    assert [each.shape[1] for each in maps] == [2, 4, 8, 16]

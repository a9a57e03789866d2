"""Stems and norms, which all networks share."""

import pytest
import torch
from torch import nn

from trainables.gen5_prime.backbone import GROUPS, Backbone, convolution, make_norm, make_stem


@pytest.mark.parametrize(("kind", "size"), [("7x7s2pool", 16), ("3x3s2", 32), ("3x3s1", 64)])
@pytest.mark.parametrize("n_channels", [3, 6, 9])
def test_stems_leave_as_many_pixels_as_they_say(kind, size, n_channels):
    stem = make_stem(kind, n_channels, 5, "batch", nn.ReLU())
    assert stem(torch.zeros(2, n_channels, 64, 64)).shape == (2, 5, size, size)


def test_convolutions_keep_places_and_have_no_bias():
    """A point stays where it is under a kernel that is one in its middle."""
    one = convolution(1, 1, 7)
    assert one.bias is None
    with torch.no_grad():
        one.weight.zero_()
        one.weight[0, 0, 3, 3] = 1.0
    image = torch.zeros(1, 1, 64, 64)
    image[0, 0, 10, 20] = 1.0
    assert torch.equal(one(image), image)


@pytest.mark.parametrize(("width", "groups"), [(8, 8), (12, 4), (3, 1), (16, 8)])
def test_a_group_norm_divides_any_width(width, groups):
    assert make_norm("group", width).num_groups == groups <= GROUPS
    assert isinstance(make_norm("batch", width), nn.BatchNorm2d)


def test_features_are_the_mean_of_the_last_maps():
    stages = [nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.Conv2d(6, 8, 3, stride=2, padding=1)]
    backbone = Backbone(make_stem("3x3s2", 3, 4, "group", nn.ReLU()), stages, 8).eval()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    maps = backbone.maps(images)
    assert [tuple(each.shape) for each in maps] == [(2, 6, 16, 16), (2, 8, 8, 8)]
    torch.testing.assert_close(backbone(images), maps[-1].flatten(2).mean(dim=2))


def test_first_weights_keep_the_size_of_gradients():
    """Kaiming: the variance is 2 / (channels out × pixels of the kernel)."""
    torch.manual_seed(0)
    backbone = Backbone(make_stem("3x3s1", 64, 128, "batch", nn.ReLU()), [], 128)
    assert float(backbone.stem[0].weight.detach().var()) == pytest.approx(2 / (128 * 9), rel=0.02)

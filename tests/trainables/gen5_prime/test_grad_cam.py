"""Grad-CAM finds what a network looks at, where that is known."""

import numpy as np
import pytest
import torch
from torch import nn

from trainables.gen5_prime.backbone import Backbone
from trainables.gen5_prime.grad_cam import grad_cam, on_arc
from trainables.gen5_prime.network import LensNetwork, ModelConfig
from trainables.gen5_prime.radial import distance
from trainables.gen5_prime.stamps import PIXEL


def transparent(sign=1.0):
    """A network whose logit is the sum of its image's mean light in blocks of 8 pixels."""
    network = LensNetwork(ModelConfig(width=1), "single3")
    pool = nn.Sequential(nn.AvgPool2d(8), nn.Conv2d(3, 1, 1, bias=False))
    network.backbone = Backbone(nn.Identity(), [pool], 1)
    network.head = nn.Linear(1, 1)
    with torch.no_grad():
        pool[1].weight.fill_(1.0)
        network.head.weight.fill_(sign)
    return network


def test_the_map_is_where_the_light_is():
    images = torch.zeros(2, 3, 64, 64)
    images[0, :, 8:16, 40:48] = 1.0
    images[1, :, 48:56, 16:24] = 1.0
    maps = grad_cam(transparent(), images)
    assert maps.shape == (2, 64, 64)
    places = [divmod(int(each.argmax()), 64) for each in maps]
    assert [(row // 8, column // 8) for row, column in places] == [(1, 5), (6, 2)]
    assert not grad_cam(transparent(-1.0), images).any()  # it speaks against an arc


@pytest.mark.parametrize(("stem", "mode"), [("7x7s2pool", "single3"), ("3x3s1", "paired6")])
def test_maps_are_as_large_as_stamps_and_leave_no_gradient(stem, mode):
    network = LensNetwork(ModelConfig(width=2, stem=stem), mode).eval()
    n_channels = 3 if mode == "single3" else 6
    with torch.inference_mode(False):
        maps = grad_cam(network, torch.randn(3, n_channels, 64, 64))
    assert maps.shape == (3, 64, 64)
    assert bool((maps >= 0).all())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_flat_map_is_on_the_arc_as_often_as_anywhere():
    theta, fwhm = np.array([1.0, 2.5]), np.array([1.2, 1.4])
    flat = np.ones((2, 64, 64), np.float32)
    np.testing.assert_allclose(on_arc(flat, theta, fwhm), 1.0)
    np.testing.assert_array_equal(on_arc(0 * flat, theta, fwhm), 0.0)


def test_a_map_within_the_ring_is_all_on_the_arc():
    theta, fwhm = np.array([3.0]), np.array([1.0])
    away = distance() * PIXEL
    ring = (np.abs(away - 3.0) <= 1.0).astype(np.float32)[None]
    assert on_arc(ring, theta, fwhm)[0] == pytest.approx(1 / ring.mean())
    core = (away < 1.0).astype(np.float32)[None]
    assert on_arc(core, theta, fwhm)[0] == 0.0

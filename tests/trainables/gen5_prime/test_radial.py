"""Rings are round, and a residual has no radial profile left."""

import numpy as np
import pytest

from trainables.gen5_prime.radial import disc, distance, outside, residual, rings

IMAGES = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)


def test_distances_are_the_same_for_all_of_d4():
    for turned in (distance()[::-1], distance()[:, ::-1], distance().T):
        np.testing.assert_allclose(turned, distance())
    assert distance()[31, 31] == pytest.approx(np.sqrt(0.5))
    assert disc(5).sum() == pytest.approx(np.pi * 25, rel=0.05)
    assert (disc(20) ^ outside(20)).all()


def test_rings_are_of_equal_width():
    np.testing.assert_array_equal(rings(32)[31, 32:], np.arange(32))
    np.testing.assert_array_equal(np.unique(rings(8)), np.arange(8))
    assert rings(8)[0, 0] == 7
    assert (np.diff(rings(8)[31, 32:]) >= 0).all()


def test_what_depends_on_the_ring_alone_goes():
    profile = np.random.default_rng(1).normal(size=32).astype(np.float32)
    np.testing.assert_allclose(residual(IMAGES + profile[rings()]), residual(IMAGES), atol=1e-5)
    np.testing.assert_array_equal(residual(profile[rings()]), 0)


def test_nothing_is_left_to_take_twice():
    once = residual(IMAGES)
    np.testing.assert_allclose(residual(once), once, atol=1e-6)
    before = IMAGES.copy()
    residual(IMAGES)
    np.testing.assert_array_equal(before, IMAGES)


def test_less_than_half_of_a_ring_stays():
    arc = np.zeros((64, 64), np.float32)
    arc[:32, :32] = (rings()[:32, :32] == 10) * 7.0
    np.testing.assert_array_equal(residual(arc), arc)

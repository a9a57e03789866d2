"""Lensed images have the magnification and the places that theory says."""

import numpy as np
import pytest

from trainables.gen5_prime.arcs import lensed
from trainables.gen5_prime.lensing import Lenses
from trainables.gen5_prime.profiles import Ellipses, grid
from trainables.gen5_prime.stamps import PIXEL


def one(*numbers):
    return (np.array([number], np.float32) for number in numbers)


def image(theta_e, offset, radius=0.1, q=1.0):
    lenses = Lenses(*one(0, 0, theta_e, q, 0, 0, 0))
    return lensed(lenses, Ellipses(*one(offset, 0, radius, 1, 0)))[0]


def test_without_a_lens_the_source_is_seen_as_it_is():
    found = image(0.0, 0.5, radius=0.2)
    x, y = grid()
    assert found.sum() == pytest.approx(1, rel=0.01)
    assert (found * x).sum() / found.sum() == pytest.approx(0.5, abs=0.01)
    assert (found * y).sum() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("offset", [0.5, 0.8, 1.0])
def test_two_images_have_the_closed_forms_magnification(offset):
    theta_e = 1.5  # of a sphere: θ_E/β ± 1 each, 2 θ_E/β in all
    assert image(theta_e, offset, 0.06).sum() == pytest.approx(2 * theta_e / offset, rel=0.03)


def test_images_lie_where_the_lens_equation_says():
    found = image(1.5, 0.8, 0.06)
    x, _ = grid()
    right, left = np.where(x > 1, found, 0), np.where(x < 1, found, 0)
    for side, place in ((right, 0.8 + 1.5), (left, 0.8 - 1.5)):
        assert abs(x.flat[side.argmax()] - place) < 0.6 * PIXEL
    assert right.sum() / left.sum() == pytest.approx((1.5 + 0.8) / (1.5 - 0.8), rel=0.05)


def test_a_source_behind_a_sphere_is_a_ring():
    found = image(2.0, 0.0, 0.15)
    x, y = grid()
    away = np.hypot(x, y)
    assert (found * away).sum() / found.sum() == pytest.approx(2.0, abs=0.03)
    np.testing.assert_allclose(found, found[::-1], atol=1e-5)
    np.testing.assert_allclose(found, found.T, atol=1e-5)


def test_many_are_drawn_as_each_by_itself():
    rng = np.random.default_rng(0)
    numbers = rng.uniform(0.5, 0.9, (12, 3)).astype(np.float32)
    lenses, sources = Lenses(*numbers[:7]), Ellipses(*(numbers[7:] * 0.5))
    together = lensed(lenses, sources)
    for row in range(3):
        alone = lensed(lenses.take(slice(row, row + 1)), sources.take(slice(row, row + 1)))
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-5, atol=1e-7)

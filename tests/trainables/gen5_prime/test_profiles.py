"""Light of galaxies adds up to what the closed forms say."""

import numpy as np
import pytest
from scipy.special import gammainc

from trainables.gen5_prime.profiles import Ellipses, grid, intensity, sersic, steepness
from trainables.gen5_prime.stamps import PIXEL, SIZE


def galaxies(radius, q=1.0, angle=0.0, x=0.0, y=0.0):
    numbers = np.broadcast_arrays(*(np.atleast_1d(value) for value in (x, y, radius, q, angle)))
    return Ellipses(*(number.astype(np.float32) for number in numbers))


def within(radius, index, edge):
    """Return the share of a round profile's light within a radius."""
    return gammainc(2 * index, steepness(index) * (edge / radius) ** (1 / index))


@pytest.mark.parametrize("index", [1, 2.5, 4])
@pytest.mark.parametrize("radius", [0.6, 1.2])
def test_light_within_a_circle_is_the_closed_forms(index, radius):
    image = sersic(galaxies(radius), index)[0]
    x, y = grid()
    for edge in (2.0, 4.0, 7.0):
        found = image[np.hypot(x, y) < edge].sum()
        assert found == pytest.approx(within(radius, index, edge), rel=0.02)


def test_all_of_a_small_exponential_galaxy_is_in_the_stamp():
    shapes = galaxies([0.5, 0.8, 0.8], [1, 0.5, 0.3], [0, 1, 2], [0, 0.1, -0.1], [0, -0.1, 0.1])
    np.testing.assert_allclose(sersic(shapes, 1).sum(axis=(1, 2)), 1, rtol=4e-3)


def test_half_of_the_light_is_within_the_half_light_radius():
    assert gammainc(8, steepness(4)) == pytest.approx(0.5)
    assert steepness(4) == pytest.approx(7.669, abs=1e-3)
    assert steepness(1) == pytest.approx(1.678, abs=1e-3)


@pytest.mark.parametrize("index", [1, 4])
def test_the_total_does_not_depend_on_shape(index):
    fine = np.linspace(0, 40, 400_001)[1:].astype(np.float32)
    light = intensity(fine**2, index)
    total = np.trapezoid(2 * np.pi * fine * light, fine)
    assert total == pytest.approx(gammainc(2 * index, steepness(index) * 40 ** (1 / index)), 1e-3)


def test_the_major_axis_points_where_the_angle_says():
    image = sersic(galaxies(1.0, 0.4, np.pi / 2), 1)[0]
    x, y = grid()
    assert (image * y**2).sum() / (image * x**2).sum() == pytest.approx(1 / 0.4**2, rel=0.02)
    assert x[0, -1] == pytest.approx((SIZE - 1) / 2 * PIXEL)
    assert y[-1, 0] == x[0, -1]


def test_parts_of_pixels_are_about_their_centre():
    x, y = grid(1, 4)
    assert x.shape == (4, 4)
    assert x.mean() == pytest.approx(0, abs=1e-7)
    assert y[-1, 0] == pytest.approx(PIXEL * 3 / 8)

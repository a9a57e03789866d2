"""The point-spread function is centred, has its width, and conserves flux."""

import numpy as np
import pytest

from trainables.gen5_prime.optics import image, moffat, point, spectrum, transfer
from trainables.gen5_prime.stamps import CENTRE, PIXEL, SIZE


@pytest.mark.parametrize("pixel", [(32, 32), (0, 0), (63, 5)])
def test_an_impulse_stays_where_it_is(pixel):
    impulse = np.zeros((SIZE, SIZE), np.float32)
    impulse[pixel] = 1
    seen = image(spectrum(impulse) * transfer(1.3))
    assert np.unravel_index(seen.argmax(), seen.shape) == pixel
    assert seen.sum() == pytest.approx(1, abs=1e-5)
    centred = np.roll(seen, (-pixel[0], -pixel[1]), axis=(0, 1))
    np.testing.assert_allclose(centred, moffat(1.3), atol=1e-7)


def test_the_width_is_what_was_asked_for():
    kernel = moffat(8 * PIXEL)  # half of 8 pixels to either side
    assert kernel[0, 4] / kernel[0, 0] == pytest.approx(0.5, abs=1e-6)
    assert kernel[-4, 0] / kernel[0, 0] == pytest.approx(0.5, abs=1e-6)


def test_each_width_has_its_own_function():
    both = moffat([[1.0, 2.0]])
    assert both.shape == (1, 2, SIZE, SIZE)
    np.testing.assert_allclose(both.sum(axis=(2, 3)), 1, atol=1e-5)
    assert both[0, 0, 0, 0] > 3 * both[0, 1, 0, 0]


def test_flux_is_conserved():
    rng = np.random.default_rng(0)
    images = rng.random((4, SIZE, SIZE)).astype(np.float32)
    seen = image(spectrum(images) * transfer(1.2))
    np.testing.assert_allclose(seen.sum(axis=(1, 2)), images.sum(axis=(1, 2)), rtol=1e-5)


def test_a_point_lies_where_it_was_put():
    seen = image(point([0.0, 10 * PIXEL], [0.0, -5 * PIXEL]) * transfer(1.3))
    np.testing.assert_allclose(seen.sum(axis=(1, 2)), 1, atol=1e-4)
    place = np.arange(SIZE) - CENTRE
    for one, (x, y) in zip(seen, [(0, 0), (10, -5)], strict=True):
        near = slice(12, 52)  # what wraps around the edge would move the mean
        assert (one[near, near].sum(axis=0) @ place[near]) == pytest.approx(x, abs=0.15)
        assert (one[near, near].sum(axis=1) @ place[near]) == pytest.approx(y, abs=0.15)

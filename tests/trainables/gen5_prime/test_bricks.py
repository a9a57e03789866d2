"""Bricks have conditions of their own, and survey depths."""

import numpy as np
import pytest

from trainables.gen5_prime.bricks import DEPTH, KNOWN_BAD, draw_bricks, pixel_noise
from trainables.gen5_prime.optics import moffat


def draw(n=200, seed=0, **changes):
    return draw_bricks(n, np.random.default_rng(seed), **changes)


def test_a_point_of_the_depths_magnitude_is_found_at_five_sigma():
    noise = pixel_noise(np.array(23.4), np.array(1.25))
    flux = 10 ** (-0.4 * (23.4 - 22.5))
    assert flux / (noise * np.sqrt(4 * np.pi * (1.25 / 2.355 / 0.262) ** 2)) == pytest.approx(5)


def test_typical_noise_is_the_surveys():
    np.testing.assert_allclose(np.median(draw().noise, axis=0), [0.0065, 0.0122, 0.029], rtol=0.05)


def test_bricks_differ_and_have_distinct_names():
    bricks = draw()
    assert len(set(bricks.name.tolist())) == len(bricks) == 200
    assert np.std(bricks.fwhm[:, 1]) > 0.05
    assert np.corrcoef(bricks.fwhm.T).min() > 0.8  # the air is the same for all bands
    assert np.std(bricks.background / bricks.noise) == pytest.approx(0.3, abs=0.05)


def test_bad_bricks_have_the_published_names_where_they_are_to():
    assert tuple(draw(5, bad=2, known_bad=True).name[:2]) == KNOWN_BAD
    assert draw(5, bad=2, known_bad=True).bad.tolist() == [True, True, False, False, False]
    assert not set(draw(5, bad=2).name.tolist()) & set(KNOWN_BAD)
    assert len(draw(1, bad=2, known_bad=True)) == 1


def test_seeing_and_depth_may_be_worse():
    usual, worse = draw(), draw(seeing=1.2, depth=0.5)
    np.testing.assert_allclose(worse.fwhm, 1.2 * usual.fwhm)
    np.testing.assert_allclose(worse.noise, usual.noise * 10 ** (0.4 * 0.5) / 1.2, rtol=1e-5)
    assert len(DEPTH) == worse.noise.shape[1]


def test_each_brick_has_the_spectra_of_its_widths():
    bricks = draw(3)
    assert bricks.transfer.shape == (3, 3, 64, 33)
    kernel = np.fft.irfft2(bricks.transfer[1, 2], s=(64, 64))
    np.testing.assert_allclose(kernel, moffat(bricks.fwhm[1, 2]), atol=1e-6)

"""An arc stands out by what it has over the noise, and not where there is none."""

import numpy as np
import pytest

from tests.trainables.gen5_prime.drawn import noise
from trainables.gen5_prime.radial import distance
from trainables.gen5_prime.stamps import PIXEL
from trainables.gen5_prime.visibility import visibility

STAMPS = noise(40)
THETA, FWHM = np.full(40, 1.5), np.full(40, 1.3)
RING = np.abs(distance() - 1.5 / PIXEL) <= 1.3 / PIXEL / 2


def test_noise_stands_out_by_one_deviation_at_random():
    found = visibility(STAMPS.stamp, STAMPS.ctrl, THETA, FWHM)
    assert abs(found.mean()) < 0.5
    assert found.std() == pytest.approx(1, abs=0.3)


def test_a_ring_stands_out_by_the_closed_form_whatever_the_units():
    stamp = STAMPS.stamp + 0.5 * RING.astype(np.float32)
    found = visibility(stamp, STAMPS.ctrl, THETA, FWHM).mean()
    assert found == pytest.approx(0.5 / np.sqrt(2) * np.sqrt(3 * RING.sum()), rel=0.1)
    again = visibility(9 * stamp + 5, 9 * STAMPS.ctrl + 5, THETA, FWHM).mean()
    assert again == pytest.approx(found, rel=1e-3)
    other = visibility(stamp, STAMPS.ctrl, 4 * THETA, FWHM)
    assert abs(other.mean()) < 0.5


def test_the_same_noise_in_both_does_not_make_it_infinite():
    ctrl = STAMPS.stamp
    found = visibility(ctrl + 0.5 * RING.astype(np.float32), ctrl, THETA, FWHM)
    assert found.mean() == pytest.approx(0.5 / np.sqrt(2) * np.sqrt(3 * RING.sum()), rel=0.05)


def test_of_nothing_nothing_stands_out():
    flat = np.zeros_like(STAMPS.stamp)
    assert not visibility(flat + RING.astype(np.float32), flat, THETA, FWHM).any()

"""What is no arc looks as it should."""

import numpy as np
import pytest

from trainables.gen5_prime.contaminants import KINDS, draw_contaminants
from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.profiles import grid
from trainables.gen5_prime.scenes import draw_galaxies


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(0)
    galaxies = draw_galaxies(GeneratorConfig(), 60, rng)
    return galaxies, *draw_contaminants(GeneratorConfig(), galaxies, rng)


def test_all_kinds_are_drawn_with_unit_flux_and_blue(drawn):
    galaxies, images, flux, kinds = drawn
    assert set(kinds) == set(KINDS)
    np.testing.assert_allclose(images.sum(axis=(1, 2)), 1, rtol=1e-4)
    assert (images >= 0).all()
    colour = np.median(flux[:, 0] / flux[:, 1]) / np.median(
        galaxies.flux[:, 0] / galaxies.flux[:, 1]
    )
    assert colour > 1.5


def test_they_are_around_the_galaxy(drawn):
    _, images, _, kinds = drawn
    x, y = grid()
    away = (images * np.hypot(x, y)).sum(axis=(1, 2))
    assert (away > 0.6).all()
    rings = images[np.array(kinds) == "ring"]
    assert (rings[:, 31:33, 31:33].mean(axis=(1, 2)) < 0.2 * rings.max(axis=(1, 2))).all()


def test_none_are_drawn_for_no_galaxy():
    rng = np.random.default_rng(0)
    images, flux, kinds = draw_contaminants(
        GeneratorConfig(), draw_galaxies(GeneratorConfig(), 0, rng), rng
    )
    assert (images.shape, flux.shape, kinds) == ((0, 64, 64), (0, 3), [])

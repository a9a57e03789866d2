"""What looks like an arc and is none: rings, spiral arms and blue companions of a galaxy.

Their flux is what an arc's would be: a source of the grid, magnified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.profiles import Ellipses, Singles, grid, sersic
from trainables.gen5_prime.scenes import FAINTER, Galaxies, Rng, blue_fluxes, magnitudes
from trainables.gen5_prime.stamps import SIZE, Images

KINDS: Final = ("ring", "arms", "companions")
MAGNIFICATION: Final = 4.0  # typical of the grid's arcs
RADII: Final = (0.8, 2.5)  # arcsec from the galaxy's centre: where arcs are
WIDTHS: Final = (0.15, 0.35)  # arcsec, of rings
PITCHES: Final = (0.25, 0.6)  # radians, of arms
SIZES: Final = (0.15, 0.45)  # arcsec: half of a companion's light
MOST: Final = 3  # companions


def draw_contaminants(
    config: GeneratorConfig, galaxies: Galaxies, rng: Rng
) -> tuple[Images, Singles, list[str]]:
    """Draw something that is no arc around each galaxy.

    Returns
    -------
    tuple of ndarray of shape (n, 64, 64), ndarray of shape (n, 3), list of str
        Images of unit flux, nanomaggies in g, r and z, and what each one is.
    """
    n = len(galaxies)
    fainter = rng.choice(FAINTER, n) + config.source_dim - 2.5 * np.log10(MAGNIFICATION)
    flux = blue_fluxes(magnitudes(galaxies.flux[:, 1]) + fainter, rng)
    kind = rng.integers(len(KINDS), size=n)
    images = np.zeros((n, SIZE, SIZE), np.float32)
    for number, name in enumerate(KINDS):
        rows = np.flatnonzero(kind == number)
        if len(rows):
            images[rows] = _DRAWN[name](galaxies.shape.take(rows), rng)
    total = images.sum(axis=(1, 2), keepdims=True)
    return np.asarray(images / total), flux, [KINDS[number] for number in kind.tolist()]


def _rings(shape: Ellipses, rng: Rng) -> Images:
    n = len(shape)
    radius = _uniform(RADII, n, rng)
    outline = Ellipses(shape.x, shape.y, radius, shape.q, shape.angle)
    x, y = grid()
    off = (np.sqrt(outline.square(x[None], y[None])) - 1) * radius[:, None, None]
    deviations = off / _uniform(WIDTHS, n, rng)[:, None, None]
    return np.asarray(np.exp(-0.5 * np.square(deviations)), np.float32)


def _arms(shape: Ellipses, rng: Rng) -> Images:
    """Draw two logarithmic arms on an exponential disc, without its middle."""
    n = len(shape)
    x, y = grid()
    right, up = x - shape.x[:, None, None], y - shape.y[:, None, None]
    away = np.sqrt(right * right + up * up) + np.float32(1e-3)
    scale, pitch = (_uniform(ends, n, rng)[:, None, None] for ends in (RADII, PITCHES))
    turned = np.arctan2(up, right) - np.log(away) / np.tan(pitch)
    phase = rng.uniform(0, 2 * np.pi, n).astype(np.float32)[:, None, None]
    ridge = np.square(np.square(0.5 + 0.5 * np.cos(2 * turned + phase)))
    disc = np.exp(-away / (0.6 * scale)) * (away / scale) ** 2
    return np.asarray(ridge * disc, np.float32)


def _companions(shape: Ellipses, rng: Rng) -> Images:
    """Draw one to three small galaxies beside each."""
    n = len(shape)
    there = rng.integers(1, MOST + 1, n)
    images = np.zeros((n, SIZE, SIZE), np.float32)
    for number in range(MOST):
        away, around = _uniform(RADII, n, rng), _uniform((0, 2 * np.pi), n, rng)
        x, y = shape.x + away * np.cos(around), shape.y + away * np.sin(around)
        q, angle = _uniform((0.4, 1.0), n, rng), _uniform((0, np.pi), n, rng)
        one = sersic(Ellipses(x, y, _uniform(SIZES, n, rng), q, angle), 1)
        weight = _uniform((0.5, 1.0), n, rng) * (there > number)
        images += weight.astype(np.float32)[:, None, None] * one
    return images


def _uniform(ends: tuple[float, float], n: int, rng: Rng) -> Singles:
    return rng.uniform(*ends, n).astype(np.float32)


_DRAWN: Final[Mapping[str, Callable[[Ellipses, Rng], Images]]] = {
    "ring": _rings,
    "arms": _arms,
    "companions": _companions,
}

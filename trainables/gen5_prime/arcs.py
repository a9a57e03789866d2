"""Lensed images of background galaxies on the pixels of a stamp.

Surface brightness is conserved: a pixel shows what the source has where the pixel's light comes
from. A source may be smaller than a pixel, so that pixels are averaged over parts; only those that
see the source at all.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainables.gen5_prime.lensing import Lenses
from trainables.gen5_prime.profiles import Ellipses, Singles, grid, intensity
from trainables.gen5_prime.stamps import PIXEL, SIZE, Images

INDEX: Final = 1  # of the source's Sersic profile
PARTS: Final = 6  # of a pixel's side: 0.044 arcsec, less than the smallest half-light radius
REACH: Final = 5.0  # half-light radii: 0.2 % of the light is farther out
HALF: Final = PIXEL / np.sqrt(2)  # arcsec from a pixel's centre to its corner


def lensed(lenses: Lenses, sources: Ellipses) -> Images:
    """Return the images of sources of unit flux before lensing.

    Parameters
    ----------
    lenses : Lenses
    sources : Ellipses
        Places in the source plane, one source for each lens.

    Returns
    -------
    ndarray of float32, shape (n, 64, 64)
        The sum is the magnification, but for what lies outside the stamp.
    """
    number, pixel = np.nonzero(_seen(lenses, sources).reshape(len(lenses), -1))
    images = np.zeros((len(lenses), SIZE * SIZE), np.float32)
    images[number, pixel] = _averaged(lenses.take(number), sources.take(number), pixel)
    images *= (np.float32(PIXEL**2) / sources.radius**2)[:, None]
    return images.reshape(-1, SIZE, SIZE)


def _seen(lenses: Lenses, sources: Ellipses) -> NDArray[np.bool_]:
    """Return which pixels may show a source; shape (n, 64, 64)."""
    x, y = grid()
    right, up = x - lenses.x[:, None, None], y - lenses.y[:, None, None]
    away = np.sqrt(right * right + up * up)
    from_x, from_y = lenses.source(*np.broadcast_arrays(x[None], y[None], away)[:2])
    off_x = from_x - sources.x[:, None, None]
    off_y = from_y - sources.y[:, None, None]
    stretch = 1.1 + lenses.theta_e[:, None, None] / np.maximum(away, HALF)  # of a pixel, at most
    extent = REACH * sources.radius / np.sqrt(sources.q)
    near = extent[:, None, None] + np.float32(HALF) * stretch
    return np.asarray(off_x * off_x + off_y * off_y < near * near)


def _averaged(lenses: Lenses, sources: Ellipses, pixel: NDArray[np.int64]) -> Singles:
    """Return the mean light of each pixel's parts, one pixel for each lens."""
    x, y = (axis.ravel()[pixel][:, None] for axis in grid())
    part_x, part_y = (axis.ravel()[None] for axis in grid(1, PARTS))
    from_x, from_y = lenses.source(x + part_x, y + part_y)
    light = intensity(sources.square(from_x, from_y), INDEX)
    return np.asarray(light.mean(axis=1))

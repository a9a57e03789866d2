"""Light of galaxies: Sersic profiles on the pixels of a stamp.

References
----------
Sersic 1968, "Atlas de galaxias australes"; Graham and Driver 2005, arXiv:astro-ph/0503176.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, gammaincinv

from trainables.gen5_prime.stamps import CENTRE, PIXEL, SIZE, Images

CORE: Final = 8  # pixels of the square about the centre where a profile is averaged over parts
PARTS: Final = 8  # of a pixel's side, there

Singles = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ellipses:
    """Galaxies' places and shapes.

    Parameters
    ----------
    x, y : ndarray of float32, shape (n,)
        Centre, arcsec from the stamp's.
    radius : ndarray of float32, shape (n,)
        Half of the light is within it, arcsec: the geometric mean of both semi-axes.
    q : ndarray of float32, shape (n,)
        Minor over major axis.
    angle : ndarray of float32, shape (n,)
        Of the major axis, radians from x to y.
    """

    x: Singles
    y: Singles
    radius: Singles
    q: Singles
    angle: Singles

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Ellipses:
        """Return some galaxies."""
        return Ellipses(*(getattr(self, field.name)[rows] for field in fields(self)))

    def square(self, x: Singles, y: Singles) -> Singles:
        """Return the squared elliptical distance of points, in half-light radii.

        Parameters
        ----------
        x, y : ndarray of shape (n, ...)
            Arcsec.
        """
        column = (slice(None), *[None] * (x.ndim - 1))
        right, up = x - self.x[column], y - self.y[column]
        cosine, sine = np.cos(self.angle)[column], np.sin(self.angle)[column]
        stretch = np.sqrt(self.q)[column] / self.radius[column]
        squash = 1 / (np.sqrt(self.q)[column] * self.radius[column])
        along = (right * cosine + up * sine) * stretch
        across = (up * cosine - right * sine) * squash
        return np.asarray(along * along + across * across)


def grid(size: int = SIZE, parts: int = 1) -> tuple[Singles, Singles]:
    """Return x and y, arcsec from the stamp's centre, of the middle `size` pixels' parts.

    Returns
    -------
    tuple of two ndarrays of float32, shape (size · parts, size · parts)
        x grows with the column, y with the row.
    """
    step = (np.arange(size * parts) + 0.5) / parts - size / 2
    place = (step * PIXEL).astype(np.float32)
    x, y = np.meshgrid(place, place)
    return x, y


@lru_cache(maxsize=8)
def steepness(index: float) -> float:
    """Return b, by which half of the light is within the half-light radius."""
    return float(gammaincinv(2 * index, 0.5))


def intensity(square: Singles, index: float) -> Singles:
    """Return the light per half-light radius squared, for a total of 1.

    Parameters
    ----------
    square : ndarray
        Squared elliptical distances in half-light radii.
    index
        Of the profile: 1 is exponential, 4 de Vaucouleurs'.
    """
    b = steepness(index)
    total = 2 * np.pi * index * b ** (-2 * index) * gamma(2 * index)
    if index == 4:  # roots of roots are several times faster than a power
        root = np.sqrt(np.sqrt(np.sqrt(square)))
    else:
        root = np.sqrt(square) if index == 1 else square ** (0.5 / index)
    return np.asarray(np.exp(root * np.float32(-b)) * np.float32(1 / total))


def sersic(galaxies: Ellipses, index: float) -> Images:
    """Return galaxies of unit flux, shape (n, 64, 64); light outside the stamp is lost."""
    x, y = grid()
    images = intensity(galaxies.square(x[None], y[None]), index)
    first = int(CENTRE + 0.5) - CORE // 2
    middle = slice(first, first + CORE)
    x, y = grid(CORE, PARTS)
    fine = intensity(galaxies.square(x[None], y[None]), index)
    fine = fine.reshape(-1, CORE, PARTS, CORE, PARTS)
    images[:, middle, middle] = fine.mean(axis=(2, 4))
    area = np.float32(PIXEL**2) / galaxies.radius**2
    images *= area[:, None, None]
    return np.asarray(images)

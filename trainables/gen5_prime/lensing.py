"""Deflection by a singular isothermal ellipsoid with external shear.

The ellipsoid's deflection has the square root of its axis ratio, so that its critical curve
encloses π θ_E² whatever the axis ratio is.

References
----------
Kormann, Schneider and Bartelmann 1994, "Isothermal elliptical gravitational lens models";
Keeton 2001, arXiv:astro-ph/0102341.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainables.gen5_prime.profiles import Singles

ROUND: Final = 1e-6  # least 1 - q²: a circle is the limit, where the formula is 0/0
TINY: Final = 1e-9  # arcsec: keeps the centre itself finite


@dataclass(frozen=True, eq=False)
class Lenses:
    """Mass of galaxies, and of what is around them.

    Parameters
    ----------
    x, y : ndarray of float32, shape (n,)
        Centre, arcsec from the stamp's.
    theta_e : ndarray of float32, shape (n,)
        Einstein radius, arcsec.
    q : ndarray of float32, shape (n,)
        Minor over major axis.
    angle : ndarray of float32, shape (n,)
        Of the major axis, radians from x to y.
    shear, shear_angle : ndarray of float32, shape (n,)
        External shear, and its direction.
    """

    x: Singles
    y: Singles
    theta_e: Singles
    q: Singles
    angle: Singles
    shear: Singles
    shear_angle: Singles

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Lenses:
        """Return some lenses."""
        return Lenses(*(getattr(self, field.name)[rows] for field in fields(self)))

    def source(self, x: Singles, y: Singles) -> tuple[Singles, Singles]:
        """Return where light that is seen at some points comes from.

        Parameters
        ----------
        x, y : ndarray of shape (n, ...)
            Arcsec.

        Returns
        -------
        tuple of two ndarrays of the same shape
            Places in the source plane, arcsec.
        """
        column = (slice(None), *[None] * (x.ndim - 1))
        right, up = x - self.x[column], y - self.y[column]
        bend_x, bend_y = self._ellipsoid(right, up, column)
        first = (self.shear * np.cos(2 * self.shear_angle))[column]
        second = (self.shear * np.sin(2 * self.shear_angle))[column]
        return (
            np.asarray(x - bend_x - first * right - second * up),
            np.asarray(y - bend_y - second * right + first * up),
        )

    def _ellipsoid(
        self, right: Singles, up: Singles, column: tuple[slice | None, ...]
    ) -> tuple[Singles, Singles]:
        cosine, sine = np.cos(self.angle)[column], np.sin(self.angle)[column]
        along, across = right * cosine + up * sine, up * cosine - right * sine
        bend, cross = deflection(along, across, self.theta_e[column], self.q[column])
        return bend * cosine - cross * sine, bend * sine + cross * cosine


def deflection(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    theta_e: NDArray[np.floating],
    q: NDArray[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the deflection by ellipsoids whose major axis is x.

    Parameters
    ----------
    x, y : ndarray
        Arcsec from the centre.
    theta_e, q : ndarray
        Einstein radius and axis ratio; they broadcast with `x`.

    Returns
    -------
    tuple of two ndarrays
        Along x and y, arcsec.
    """
    flat = np.sqrt(np.maximum(1 - q * q, ROUND)).astype(x.dtype)
    psi = np.sqrt(q * q * x * x + y * y) + x.dtype.type(TINY)
    scale = theta_e * np.sqrt(q) / flat
    scaled = flat / psi
    return scale * np.arctan(scaled * x), scale * np.arctanh(scaled * y)

"""Bricks: patches of sky, each seen through its own air and for its own time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainables.gen5_prime.optics import Spectra, transfer
from trainables.gen5_prime.profiles import Singles
from trainables.gen5_prime.stamps import BANDS, PIXEL, Column, Floats

ZERO_POINT: Final = 22.5  # magnitude of one nanomaggy
SEEING: Final = (1.35, 1.25, 1.20)  # arcsec in g, r, z: DECaLS
SEEING_SPREAD: Final = 0.08  # of the logarithm, between bricks
DEPTH: Final = (24.0, 23.4, 22.5)  # magnitudes in g, r, z of a point found at 5 sigma: DECaLS
DEPTH_SPREAD: Final = 0.15  # magnitudes, between bricks
KNOWN_BAD: Final = ("0460m800", "3252p267")
"""Bricks of the published set whose metadata say arc_snr = 0 though the arcs are there."""


@dataclass(frozen=True, eq=False)
class Bricks:
    """Conditions of each brick.

    Parameters
    ----------
    name : ndarray of str, shape (n_bricks,)
    fwhm : ndarray of float64, shape (n_bricks, 3)
        Width of the point-spread function by band, arcsec.
    noise : ndarray of float32, shape (n_bricks, 3)
        Standard deviation of a pixel, nanomaggies.
    background : ndarray of float32, shape (n_bricks, 3)
        What the subtraction of the sky left, nanomaggies per pixel.
    bad : ndarray of bool, shape (n_bricks,)
        Whether arc_snr is written as 0.
    transfer : ndarray of complex64, shape (n_bricks, 3, 64, 33)
        Spectra of the point-spread functions.
    """

    name: Column
    fwhm: Floats
    noise: Singles
    background: Singles
    bad: NDArray[np.bool_]
    transfer: Spectra

    def __len__(self) -> int:
        return len(self.name)


def draw_bricks(
    n: int,
    rng: np.random.Generator,
    *,
    bad: int = 0,
    known_bad: bool = False,
    seeing: float = 1.0,
    depth: float = 0.0,
    background: float = 0.3,
) -> Bricks:
    """Draw bricks.

    Parameters
    ----------
    n
        How many.
    rng
    bad
        How many of them write arc_snr = 0, at most: the first ones.
    known_bad
        Whether these have the names of the published set's.
    seeing
        Times the point-spread function's width.
    depth
        Magnitudes less than usual.
    background
        In deviations of the noise.
    """
    name = _names(n, rng, bad if known_bad else 0)
    width = np.exp(rng.normal(0, SEEING_SPREAD, (n, 1)) + rng.normal(0, 0.02, (n, len(BANDS))))
    fwhm = np.array(SEEING) * width * seeing
    magnitude = np.array(DEPTH) - depth + rng.normal(0, DEPTH_SPREAD, (n, len(BANDS)))
    noise = pixel_noise(magnitude, fwhm)
    return Bricks(
        name,
        fwhm,
        noise.astype(np.float32),
        (noise * rng.normal(0, background, noise.shape)).astype(np.float32),
        np.arange(n) < bad,
        transfer(fwhm),
    )


def pixel_noise(depth: Floats, fwhm: Floats) -> Floats:
    """Return the noise of a pixel by which a point of a magnitude is found at 5 sigma.

    Parameters
    ----------
    depth
        Magnitude.
    fwhm
        Of the point-spread function, arcsec, which is treated as a Gaussian here.

    Returns
    -------
    ndarray
        Nanomaggies.

    Examples
    --------
    >>> round(float(pixel_noise(np.array(23.4), np.array(1.25))), 4)
    0.0122
    """
    pixels = 4 * np.pi * (fwhm / 2.355 / PIXEL) ** 2
    flux: Floats = 10 ** (-0.4 * (depth - ZERO_POINT)) / 5
    return np.asarray(flux / np.sqrt(pixels))


def _names(n: int, rng: np.random.Generator, n_known: int) -> Column:
    """Return distinct names in the survey's way: right ascension and declination in tenths."""
    places = rng.choice(3600 * 300, n, replace=False)
    names = [f"{place // 300:04d}p{place % 300:03d}" for place in places.tolist()]
    taken = min(n_known, n, len(KNOWN_BAD))
    names[:taken] = KNOWN_BAD[:taken]
    return np.array(names, dtype=object).astype(str)

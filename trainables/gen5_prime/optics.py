"""The point-spread function: what a brick's air and telescope make of a point of light.

Images wrap around: what the function carries over one edge comes back at the other, so that flux is
conserved. It is circular, and the light of a stamp's edges is faint, so that little is seen of it.

References
----------
Moffat 1969, "A theoretical investigation of focal stellar images in the photographic emulsion".
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from trainables.gen5_prime.stamps import CENTRE, PIXEL, SIZE, Images

BETA: Final = 3.5  # of the Moffat profile, as in the source document's simulator

Spectra = NDArray[np.complex64]


def moffat(fwhm: ArrayLike) -> Images:
    """Return point-spread functions whose centre is pixel (0, 0), with a sum of 1.

    Parameters
    ----------
    fwhm : array_like of shape (...)
        Full width at half maximum, arcsec.

    Returns
    -------
    ndarray of float32, shape (..., 64, 64)
    """
    width = np.asarray(fwhm, np.float64)[..., None, None]
    core = width / (2 * np.sqrt(2 ** (1 / BETA) - 1))
    offset = fft.fftfreq(SIZE, 1 / SIZE) * PIXEL  # 0, 1, …, -1: the origin stays the origin
    square = offset[:, None] ** 2 + offset**2
    profile = (1 + square / core**2) ** -BETA
    return np.asarray(profile / profile.sum(axis=(-2, -1), keepdims=True), np.float32)


def transfer(fwhm: ArrayLike) -> Spectra:
    """Return the spectra of point-spread functions, shape (..., 64, 33)."""
    return spectrum(moffat(fwhm))


def spectrum(images: Images) -> Spectra:
    """Return the spectra of images, shape (..., 64, 33)."""
    return np.asarray(fft.rfft2(images, workers=1), np.complex64)


def image(spectra: Spectra) -> Images:
    """Return the images of spectra, shape (..., 64, 64)."""
    return np.asarray(fft.irfft2(spectra, s=(SIZE, SIZE), workers=1), np.float32)


def point(x: ArrayLike, y: ArrayLike) -> Spectra:
    """Return the spectra of points of unit flux.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Arcsec from the centre of the stamp, which lies between pixels.

    Returns
    -------
    ndarray of complex64, shape (n, 64, 33)
    """
    column, row = (np.asarray(place, np.float64) / PIXEL + CENTRE for place in (x, y))
    down = np.exp(-2j * np.pi * np.multiply.outer(row, fft.fftfreq(SIZE)))
    right = np.exp(-2j * np.pi * np.multiply.outer(column, fft.rfftfreq(SIZE)))
    return (down[:, :, None] * right[:, None, :]).astype(np.complex64)

"""How far an arc stands out of the noise in stamp minus control."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainables.gen5_prime.normalisation import robust
from trainables.gen5_prime.radial import distance, outside
from trainables.gen5_prime.stamps import PIXEL, Floats, Images

OUTER: Final = 20  # pixels: what is farther out tells the noise


def visibility(stamp: Images, ctrl: Images, theta_e: Floats, fwhm: Floats) -> Floats:
    """Return the light in a ring about the Einstein radius, in deviations of its noise.

    The ring is as wide as the point-spread function. Noise is that of stamp and control, each by
    itself, so that it is known even where both have the same.

    Parameters
    ----------
    stamp, ctrl : ndarray of float32, shape (n, n_bands, 64, 64)
        Raw or scaled.
    theta_e, fwhm : ndarray of shape (n,)
        Arcsec.

    Returns
    -------
    ndarray of shape (n,)
        Over all bands; 0 where nothing is left of the noise.
    """
    away = np.abs(distance() - theta_e[:, None, None] / PIXEL)
    ring = (away <= fwhm[:, None, None] / PIXEL / 2).astype(np.float32)
    pixels = ring.sum(axis=(1, 2))[:, None]
    outer = outside(OUTER)
    difference = stamp - ctrl
    level = np.median(difference[..., outer], axis=-1)
    light = np.einsum("nbij,nij->nb", difference, ring) / pixels - level
    noise = np.hypot(_noise(stamp[..., outer]), _noise(ctrl[..., outer])) / np.sqrt(pixels)
    apart = np.divide(light, noise, out=np.zeros_like(light), where=noise > 0)
    return np.asarray(apart.sum(axis=1) / np.sqrt(stamp.shape[1]), np.float64)


def _noise(values: Images) -> Images:
    """Return the deviation of the last axis; 0 where more than half of it is one value."""
    middle, deviation = robust(values)
    flat = np.median(np.abs(values - middle[..., 0]), axis=-1) == 0
    return np.where(flat, np.float32(0), deviation[..., 0, 0])

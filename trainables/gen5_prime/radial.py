"""Distances from the centre of a stamp: discs, annuli, and what is left of radial profiles."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trainables.gen5_prime.stamps import CENTRE, SIZE, Floats, Images, Whole

Mask = NDArray[np.bool_]


@lru_cache(maxsize=1)
def distance() -> Floats:
    """Return each pixel's distance from the stamp's centre in pixels, shape (64, 64)."""
    offset = np.arange(SIZE) - CENTRE
    found: Floats = np.hypot(offset[:, None], offset)
    found.setflags(write=False)
    return found


def disc(radius: float) -> Mask:
    """Return which pixels are nearer to the centre than `radius` pixels, shape (64, 64)."""
    return distance() < radius


def outside(radius: float) -> Mask:
    """Return which pixels are as far from the centre, or farther; corners included."""
    return distance() >= radius


@lru_cache(maxsize=8)
def rings(bins: int = SIZE // 2) -> Whole:
    """Return the ring that each pixel is in, 0 at the centre, shape (64, 64).

    Parameters
    ----------
    bins
        Rings of equal width up to the edge; corners belong to the last one.
    """
    place = np.minimum(distance() * bins / (SIZE / 2), bins - 1).astype(np.int64)
    place.setflags(write=False)
    return place


def residual(images: Images, bins: int = SIZE // 2) -> Images:
    """Return images without their radial profile: the median of each ring.

    An arc that fills less than half of its ring does not move the median.

    Parameters
    ----------
    images : ndarray of float32, shape (..., 64, 64)
    bins
        As in `rings`: by default a pixel wide.
    """
    left = images.reshape(*images.shape[:-2], -1).copy()
    place = rings(bins).ravel()
    for ring in range(bins):
        mine = np.flatnonzero(place == ring)
        values = left[..., mine]
        left[..., mine] = values - np.median(values, axis=-1, keepdims=True)
    return left.reshape(images.shape)

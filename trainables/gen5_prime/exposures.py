"""From a scene to a pair of stamps: what a survey's camera records of it.

Images are sums of what the point-spread function makes of galaxies, arcs and points; they are added
as spectra, so that each band is transformed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainables.gen5_prime.arcs import lensed
from trainables.gen5_prime.bricks import Bricks
from trainables.gen5_prime.optics import Spectra, image, point, spectrum
from trainables.gen5_prime.profiles import Singles, sersic
from trainables.gen5_prime.scenes import Arcs, Galaxies, Rng
from trainables.gen5_prime.stamps import BANDS, SIZE, Floats, Images, Whole

CHUNK: Final = 32  # pairs at a time: their images stay in the processor's cache
INDEX: Final = 4  # of a galaxy's Sersic profile
RED: Final = BANDS.index("r")


@dataclass(frozen=True, eq=False)
class Scene:
    """Galaxies, each in a brick, and what there is around them.

    Parameters
    ----------
    galaxies : Galaxies
    brick : ndarray of int64, shape (n,)
        Rows of the bricks.
    arcs : Arcs
        Of the positives.
    positive : ndarray of int64, shape (n_arcs,)
        The galaxies that have the arcs, ascending.
    leak : ndarray of float32, shape (n_arcs, 3)
        Flux that positives have in their cores besides.
    others : ndarray of float32, shape (n_others, 64, 64)
        Images of unit flux of what is no arc.
    other_flux : ndarray of float32, shape (n_others, 3)
    other : ndarray of int64, shape (n_others,)
        The galaxies that have them, ascending.
    """

    galaxies: Galaxies
    brick: Whole
    arcs: Arcs
    positive: Whole
    leak: Singles
    others: Images
    other_flux: Singles
    other: Whole

    def __len__(self) -> int:
        return len(self.galaxies)


@dataclass(frozen=True, eq=False)
class Exposures:
    """Pairs of stamps, and how strong their arcs are.

    Parameters
    ----------
    stamp, ctrl : ndarray of float32, shape (n, 3, 64, 64)
    peak, total : ndarray of float64, shape (n,)
        Signal-to-noise ratio of the arc's brightest pixel in r, and of all its light in r against
        the whole stamp's noise; 0 without an arc.
    """

    stamp: Images
    ctrl: Images
    peak: Floats
    total: Floats


def expose(scene: Scene, bricks: Bricks, rng: Rng, *, same_noise: bool) -> Exposures:
    """Record pairs of stamps.

    Parameters
    ----------
    scene : Scene
    bricks : Bricks
    rng
        Draws the noise.
    same_noise
        Whether a control has its stamp's noise; otherwise it is another exposure.
    """
    shape = (len(scene), len(BANDS), SIZE, SIZE)
    stamp, ctrl = np.empty(shape, np.float32), np.empty(shape, np.float32)
    peak, total = np.zeros(len(scene)), np.zeros(len(scene))
    for begin in range(0, len(scene), CHUNK):
        rows = np.arange(begin, min(begin + CHUNK, len(scene)))
        ctrl[rows] = _galaxies(scene, bricks, rows)
        stamp[rows] = ctrl[rows]
        mine = _rows(scene.positive, rows)
        if len(mine):
            found = scene.positive[mine]
            added, peak[found], total[found] = _arcs(scene, bricks, mine)
            stamp[found] += added
        _add_noise(
            stamp[rows[0] : rows[-1] + 1],
            ctrl[rows[0] : rows[-1] + 1],
            bricks.noise[scene.brick[rows]],
            rng,
            same_noise=same_noise,
        )
    return Exposures(stamp, ctrl, peak, total)


def _rows(members: Whole, rows: Whole) -> Whole:
    """Return the places of those members that are among some consecutive rows."""
    return np.arange(*np.searchsorted(members, (rows[0], rows[-1] + 1)))


def _galaxies(scene: Scene, bricks: Bricks, rows: Whole) -> Images:
    """Return galaxies, what is around them, and their brick's background, without noise."""
    there = spectrum(sersic(scene.galaxies.shape.take(rows), INDEX))
    light = scene.galaxies.flux[rows][:, :, None, None] * there[:, None]
    mine = _rows(scene.other, rows)
    if len(mine):
        around = spectrum(scene.others[mine])[:, None]
        light[scene.other[mine] - rows[0]] += scene.other_flux[mine][:, :, None, None] * around
    seen = image(light * bricks.transfer[scene.brick[rows]])
    return np.asarray(seen + bricks.background[scene.brick[rows]][:, :, None, None])


def _arcs(scene: Scene, bricks: Bricks, mine: Whole) -> tuple[Images, Floats, Floats]:
    """Return arcs and leaks without noise, and both signal-to-noise ratios of the arcs."""
    brick = scene.brick[scene.positive[mine]]
    sources = spectrum(lensed(scene.arcs.lenses.take(mine), scene.arcs.sources.take(mine)))
    arcs = image(_coloured(sources, scene.arcs.flux[mine]) * bricks.transfer[brick])
    noise = bricks.noise[brick, RED].astype(np.float64)
    peak = arcs[:, RED].max(axis=(1, 2)) / noise
    total = arcs[:, RED].sum(axis=(1, 2), dtype=np.float64) / (noise * SIZE)
    if scene.leak[mine].any():
        places = scene.galaxies.shape.take(scene.positive[mine])
        points = point(places.x, places.y)
        arcs += image(_coloured(points, scene.leak[mine]) * bricks.transfer[brick])
    return arcs, peak, total


def _coloured(spectra: Spectra, flux: Singles) -> NDArray[np.complex64]:
    return spectra[:, None] * flux[:, :, None, None]


def _add_noise(
    stamp: Images, ctrl: Images, deviation: Singles, rng: Rng, *, same_noise: bool
) -> None:
    """Add noise to stamps and controls in place."""
    wide = deviation[:, :, None, None]
    noise = rng.standard_normal(stamp.shape, np.float32) * wide
    stamp += noise
    ctrl += noise if same_noise else rng.standard_normal(ctrl.shape, np.float32) * wide

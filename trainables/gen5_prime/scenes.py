"""What there is in the sky: galaxies, and what is lensed by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainables.gen5_prime.bricks import ZERO_POINT
from trainables.gen5_prime.generator import GRID, GeneratorConfig
from trainables.gen5_prime.lensing import Lenses
from trainables.gen5_prime.profiles import Ellipses, Singles
from trainables.gen5_prime.stamps import PIXEL, Floats

FAINTER: Final = (0.5, 1.0, 1.5, 2.0)  # magnitudes of sources, than the galaxy in r
RADII: Final = (0.06, 0.10, 0.15, 0.20)  # arcsec: half of a source's light
ELLIPTICITIES: Final = (0.0, 0.2, 0.4)  # of sources
SHEARS: Final = (0.0, 0.02, 0.04)
OFFSET: Final = 0.8  # Einstein radii: a source's largest distance from the axis
TILT: Final = 0.15  # radians between a galaxy's light and its mass
COLOURS: Final = ((1.25, 0.10), (0.75, 0.05))  # of galaxies: g-r, r-z; mean and deviation
BLUE: Final = ((0.2, 0.2), (0.1, 0.2))  # of sources, likewise
BLUEST, REDDEST = -0.5, 1.5  # of sources
LEAK: Final = (0.03, 0.15)  # of a galaxy's flux in r

Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Galaxies:
    """Luminous red galaxies.

    Parameters
    ----------
    shape : Ellipses
    flux : ndarray of float32, shape (n, 3)
        Nanomaggies in g, r and z.
    """

    shape: Ellipses
    flux: Singles

    def __len__(self) -> int:
        return len(self.flux)


@dataclass(frozen=True, eq=False)
class Arcs:
    """Lenses and their sources, one for each galaxy.

    Parameters
    ----------
    lenses : Lenses
    sources : Ellipses
        In the source plane.
    flux : ndarray of float32, shape (n, 3)
        Of the source without lensing, nanomaggies.
    metadata : dict of str to ndarray of shape (n,)
        What was drawn, as files name it.
    """

    lenses: Lenses
    sources: Ellipses
    flux: Singles
    metadata: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.flux)


def draw_galaxies(config: GeneratorConfig, n: int, rng: Rng) -> Galaxies:
    """Draw galaxies near the centre of their stamps."""
    offset = rng.uniform(-PIXEL / 2, PIXEL / 2, (2, n))
    shape = _ellipses(
        offset,
        np.exp(rng.normal(np.log(1.2), 0.3, n)),
        rng.uniform(0.6, 0.98, n),
        rng.uniform(0, np.pi, n),
    )
    in_z = config.brightest + config.magnitude_range * rng.random(n)
    red, redder = (rng.normal(mean, deviation, n) for mean, deviation in COLOURS)
    return Galaxies(shape, fluxes(in_z + redder, red, redder))


def draw_arcs(config: GeneratorConfig, galaxies: Galaxies, rng: Rng) -> Arcs:
    """Draw a lens and a source for each galaxy."""
    n, light = len(galaxies), galaxies.shape
    theta_e = rng.choice([size for size in GRID if size >= config.least_theta_e], n)
    fainter, radius = rng.choice(FAINTER, n), rng.choice(RADII, n)
    source_e, shear = rng.choice(ELLIPTICITIES, n), rng.choice(SHEARS, n)
    lens_e = rng.uniform(0.05, 0.5, n)
    away, around = OFFSET * theta_e * np.sqrt(rng.random(n)), rng.uniform(0, 2 * np.pi, n)
    place = np.stack([light.x + away * np.cos(around), light.y + away * np.sin(around)])
    tilted = light.angle + rng.normal(0, TILT, n)
    numbers = (theta_e, axis_ratio(lens_e), tilted, shear, rng.uniform(0, np.pi, n))
    lenses = Lenses(light.x, light.y, *(number.astype(np.float32) for number in numbers))
    sources = _ellipses(place, radius, axis_ratio(source_e), rng.uniform(0, np.pi, n))
    in_r = magnitudes(galaxies.flux[:, 1]) + fainter + config.source_dim
    flux = blue_fluxes(in_r, rng)
    metadata = {
        "theta_e_arcsec": theta_e,
        "src_dmag": fainter,
        "src_reff_arcsec": radius,
        "src_e": source_e,
        "shear": shear,
        "lens_e": lens_e,
    }
    return Arcs(lenses, sources, flux * np.float32(config.arc_gain), metadata)


def draw_leak(config: GeneratorConfig, galaxies: Galaxies, rng: Rng) -> Singles:
    """Draw what positives have too much in their cores: nanomaggies, shape (n, 3).

    It is a share of the galaxy's flux in r, in the colours of arcs: light of arcs gone astray.
    """
    share = config.core_leak * rng.uniform(*LEAK, len(galaxies))
    like_arcs = blue_fluxes(magnitudes(galaxies.flux[:, 1]), rng)
    return np.asarray(like_arcs * share[:, None], np.float32)


def axis_ratio(ellipticity: Floats) -> Floats:
    """Return (1 - e) / (1 + e)."""
    return np.asarray((1 - ellipticity) / (1 + ellipticity))


def magnitudes(flux: NDArray[np.floating]) -> Floats:
    """Return the magnitudes of fluxes in nanomaggies."""
    return ZERO_POINT - 2.5 * np.log10(flux.astype(np.float64))


def fluxes(in_r: Floats, g_minus_r: Floats, r_minus_z: Floats) -> Singles:
    """Return nanomaggies in g, r and z, shape (n, 3)."""
    bands = np.stack([in_r + g_minus_r, in_r, in_r - r_minus_z], axis=1)
    return np.asarray(10 ** (-0.4 * (bands - ZERO_POINT)), np.float32)


def blue_fluxes(in_r: Floats, rng: Rng) -> Singles:
    """Draw the colours of star-forming galaxies; return nanomaggies in g, r and z."""
    drawn = (rng.normal(mean, deviation, len(in_r)) for mean, deviation in BLUE)
    colours = [np.clip(colour, BLUEST, REDDEST) for colour in drawn]
    return fluxes(in_r, *colours)


def _ellipses(place: Floats, radius: Floats, q: Floats, angle: Floats) -> Ellipses:
    numbers = (place[0], place[1], radius, q, angle)
    return Ellipses(*(number.astype(np.float32) for number in numbers))

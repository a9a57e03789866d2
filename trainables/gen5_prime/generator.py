"""Synthetic pairs of stamps, with switchable difficulties.

A luminous red galaxy (Sersic, n = 4) has a control: another exposure of it. In half of the pairs a
background galaxy (Sersic, n = 1), lensed by a singular isothermal ellipsoid with external shear, is
added to the stamp. Both are seen through a brick's point-spread functions (Moffat) and noise, which
is Gaussian: that of the sky, without the galaxies' own photons. Grids of lens and source follow the
source document's, as do survey depths (DECaLS).

The splits train, validation and test ("clean") are alike; "shift" is what a survey brings that the
simulation did not: no confound, objects that look like arcs, wider point-spread functions, less
depth. Each difficulty is a *cause*, which should feed certain techniques. `without` switches a
cause off; `preset("null")` has neither cause nor arc, so that the label carries nothing.

core_leak
    Positives of the clean splits have more flux in the core, shaped as the point-spread function:
    3 to 15 % of the galaxy's in r, in the colours of arcs. It is absent in "shift". Feeds whatever
    hides or distrusts the core.
same_noise
    Off by default. Controls of the clean splits have the very noise of their stamps, so that their
    difference is zero but for arcs and leak, as in injected data whose control is the image
    injected into. A network that sees both need not look for arcs. In "shift" noise differs.
no_control
    Off by default. Controls in "shift" are of another galaxy in the brick: of a galaxy that may be
    a lens, a survey has no image without the arc. Works against controls as input.
contaminants
    Half of the negatives in "shift" have a ring, spiral arms or blue companions, which are in the
    control, too. Feeds hard negatives, and controls as input.
small_arcs
    Einstein radii of the grid's small end, hidden in the galaxy's light. Off, they are 1 arcsec or
    more. Feeds controls as input; works against whatever hides the core.
bad_bricks
    Some bricks write arc_snr = 0 though arcs are there. Feeds the exclusion of bricks.
survey_shift
    Wider point-spread functions and less depth in "shift". Feeds augmentation by noise.
brightness
    Galaxies' brightness varies by ten. Off, it is one. Feeds normalisation by sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from search.errors import SpaceError
from trainables.techniques.causes import named, switched_off
from trainables.techniques.limits import at_least, positive, within

SECTION: Final = "data.generator."  # of a configuration
GRID: Final = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5)  # Einstein radii, arcsec


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes and difficulties. The defaults are `preset("survey")`.

    Raises
    ------
    SpaceError
        With every size that is too small, and share or spread that is none.
    """

    n_train: int = 1000  # pairs, half of them positive: 98 kB each
    n_validation: int = 400
    n_test: int = 600
    n_shift: int = 600
    n_bricks: int = 40  # of the train split
    n_held_out_bricks: int = 10  # of each other split
    bad_bricks: int = 2  # of each split: arc_snr = 0 though the arc is there
    same_noise: bool = False  # of stamp and control in the clean splits: as in the published set
    no_control: bool = False  # in "shift", where controls are of another galaxy, then
    arc_gain: float = 1.0  # times the arc's flux; 0 for none
    source_dim: float = 1.3  # magnitudes that sources are fainter than the grid says
    least_theta_e: float = 0.5  # arcsec: smaller ones of the grid are left out
    core_leak: float = 1.0  # times 3 to 15 % of the galaxy's flux, in clean positives' cores
    contaminants: float = 0.5  # share of negatives in "shift"
    brightest: float = 17.5  # magnitude in z
    magnitude_range: float = 2.5  # below the brightest: a factor of ten
    shift_seeing: float = 1.1  # times the width of the point-spread function
    shift_depth: float = 0.2  # magnitudes less
    background: float = 0.3  # of a brick, in deviations of its noise

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise SpaceError(problems)

    def _problems(self) -> Iterator[str]:
        sizes = ("n_train", "n_validation", "n_test", "n_shift")
        yield from at_least(self, 2, *sizes, prefix=SECTION)  # one of each label
        yield from at_least(self, 1, "n_bricks", "n_held_out_bricks", prefix=SECTION)
        yield from within(self, 0, 1, "contaminants", prefix=SECTION)
        yield from within(self, 0, GRID[-1], "least_theta_e", prefix=SECTION)
        amounts = ("bad_bricks", "arc_gain", "core_leak", "magnitude_range", "source_dim")
        yield from at_least(self, 0, *amounts, "shift_depth", "background", prefix=SECTION)
        yield from positive(self, "shift_seeing", prefix=SECTION)


CAUSES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "core_leak": {"core_leak": 0.0},
        "same_noise": {"same_noise": False},
        "no_control": {"no_control": False},
        "contaminants": {"contaminants": 0.0},
        "small_arcs": {"least_theta_e": 1.0},
        "bad_bricks": {"bad_bricks": 0},
        "survey_shift": {"shift_seeing": 1.0, "shift_depth": 0.0},
        "brightness": {"brightest": 18.75, "magnitude_range": 0.0},
    }
)
"""Each cause with the field values that switch it off."""


def without(config: GeneratorConfig, *causes: str) -> GeneratorConfig:
    """Switch the named causes off.

    Raises
    ------
    ValueError
        If a cause is not one of `CAUSES`.
    """
    return switched_off(config, CAUSES, *causes)


def preset(name: str) -> GeneratorConfig:
    """Return a named configuration.

    Parameters
    ----------
    name : {"survey", "same_noise", "deployed", "clean", "null"}
        Independent noise in controls, and a leak; controls as in the published set, whose noise is
        the stamps', and a leak; the same, but without controls in "shift"; neither leak nor shift;
        no cause and no arc, so that no model can be better than chance.
    """
    plain = GeneratorConfig()
    presets = {
        "survey": plain,
        "same_noise": replace(plain, same_noise=True),
        "deployed": replace(plain, same_noise=True, no_control=True),
        "clean": without(plain, "core_leak", "contaminants", "survey_shift"),
        "null": replace(without(plain, *CAUSES), arc_gain=0.0),
    }
    return named(presets, name)

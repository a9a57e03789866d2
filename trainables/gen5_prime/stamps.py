"""Pairs of stamps, what is known of them, and the splits that a run trains on.

A stamp is a cut-out around a luminous red galaxy (LRG) in the bands g, r and z; its control shows
the same galaxy without an arc. In positives the stamp has an arc, which was injected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from search.errors import DataError

SIZE: Final = 64  # pixels along each side
PIXEL: Final = 0.262  # arcsec: a stamp shows 16.8 arcsec
BANDS: Final = ("g", "r", "z")
CENTRE: Final = (SIZE - 1) / 2  # of a stamp, in pixels: what rotations and flips keep in place

ROLES: Final = ("train", "validation", "test", "shift")
"""The splits."""

TEXTS: Final = ("task_id", "brickname")
NUMBERS: Final = (
    "ra",
    "dec",
    "theta_e_arcsec",
    "arc_snr",
    "arc_snr_sum",
    "src_dmag",
    "src_reff_arcsec",
    "src_e",
    "shear",
    "lens_e",
    "psf_fwhm",
    "is_control",
)
METADATA: Final = (*TEXTS, *NUMBERS)
"""Columns of a file, besides its images."""

INJECTED: Final = (
    "theta_e_arcsec",
    "arc_snr",
    "arc_snr_sum",
    "src_dmag",
    "src_reff_arcsec",
    "src_e",
    "shear",
    "lens_e",
)
"""What only pairs with an arc have; 0 in the others, as in the published set."""

Images = NDArray[np.float32]
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Column = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Stamps:
    """Pairs of stamps.

    Parameters
    ----------
    stamp, ctrl : ndarray of float32, shape (n, 3, 64, 64)
        Nanomaggies per pixel, in the order g, r, z.
    metadata : mapping of str to ndarray of shape (n,)
        The columns `METADATA`: texts, and float64. What is not known is NaN. ``arc_snr`` is the
        largest signal-to-noise ratio of an arc's pixels in r; 0 for a positive is a fault of the
        metadata, not of the arc. ``is_control`` is 1 for a pair whose stamp has no arc.

    Raises
    ------
    DataError
        If shapes differ from this, or a column is missing.
    """

    stamp: Images
    ctrl: Images
    metadata: Mapping[str, Column]

    def __post_init__(self) -> None:
        shape = (len(self.stamp), len(BANDS), SIZE, SIZE)
        if self.stamp.shape != shape or self.ctrl.shape != shape:
            raise DataError(
                f"stamps and controls have shape (n, {len(BANDS)}, {SIZE}, {SIZE}), got "
                f"{self.stamp.shape} and {self.ctrl.shape}"
            )
        if missing := [name for name in METADATA if name not in self.metadata]:
            raise DataError(f"metadata lack {', '.join(missing)}")
        lengths = {len(column) for column in self.metadata.values()}
        if lengths != {len(self.stamp)}:
            raise DataError(f"{len(self.stamp)} stamps have columns of length {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.stamp)

    @cached_property
    def label(self) -> Whole:
        """1: the stamp has an arc; 0: it has none."""
        return 1 - self.metadata["is_control"].astype(np.int64)

    @cached_property
    def brick(self) -> Whole:
        """The brick of each pair as a number, in the alphabetical order of their names."""
        return np.unique(self.brickname, return_inverse=True)[1].astype(np.int64)

    @property
    def brickname(self) -> Column:
        """The brick of each pair: a patch of sky that was observed and reduced as one."""
        return self.metadata["brickname"]

    @property
    def theta_e(self) -> Floats:
        """Einstein radii in arcsec; 0 where there is no arc."""
        return self.metadata["theta_e_arcsec"]

    @property
    def arc_snr(self) -> Floats:
        """Largest signal-to-noise ratio of the arc's pixels in r; 0 where none is known."""
        return self.metadata["arc_snr"]

    @property
    def psf_fwhm(self) -> Floats:
        """Width of the point-spread function in r, arcsec."""
        return self.metadata["psf_fwhm"]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Stamps:
        """Return some pairs, in the order of `rows`."""
        metadata = {name: column[rows] for name, column in self.metadata.items()}
        return Stamps(self.stamp[rows], self.ctrl[rows], metadata)


@dataclass(frozen=True, eq=False)
class Splits:
    """Pairs of one run; no brick is in two splits.

    Parameters
    ----------
    train, validation : Stamps
    test : Stamps
        Held out, and drawn as the two others are: "clean".
    shift : Stamps
        Held out, and drawn otherwise, so that what is no arc does not help.
    dropped : mapping of str to int
        How many pairs were left out on the way, by reason.
    """

    train: Stamps
    validation: Stamps
    test: Stamps
    shift: Stamps
    dropped: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Mapping[str, Stamps], dropped: Mapping[str, int] | None = None) -> Splits:
        """Return the splits that `parts` has by name."""
        train, validation, test, shift = (parts[role] for role in ROLES)
        return cls(train, validation, test, shift, dropped or {})

    @property
    def parts(self) -> dict[str, Stamps]:
        """The four splits by name."""
        return {role: getattr(self, role) for role in ROLES}


def joined(parts: list[Stamps]) -> Stamps:
    """Return the pairs of several as one.

    Raises
    ------
    ValueError
        If there is none.
    """
    if not parts:
        raise ValueError("there are no stamps to join")
    return Stamps(
        np.concatenate([part.stamp for part in parts]),
        np.concatenate([part.ctrl for part in parts]),
        {name: np.concatenate([part.metadata[name] for part in parts]) for name in METADATA},
    )

"""Scaling of stamps and their controls, and what of an arc is left of it.

The source document wants both "per sample" and "per channel, not per sample": kinds are offered for
either. Where stamp and control are scaled apart, their difference is that of two scales, too, and
shows the galaxy; "joint_pair" shares one.

References
----------
Rousseeuw and Croux 1993, "Alternatives to the median absolute deviation" (1.4826);
Lupton et al. 2004, arXiv:astro-ph/0312483 (asinh).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from trainables.gen5_prime.radial import Mask, outside, residual
from trainables.gen5_prime.stamps import SIZE, Images
from trainables.techniques.limits import one_of, within

Kind = Literal["global", "per_sample_robust", "per_channel_outer", "joint_pair"]
Region = Literal["full", "outer"]
Stretch = Literal["none", "asinh"]
Pair = tuple[Images, Images]

CONSISTENT: Final = 1.4826  # MAD times this is the deviation of a Gaussian
SMALLEST: Final = 1e-9  # nanomaggies: a deviation below is none
SECTION: Final = "data.norm."


@dataclass(frozen=True)
class NormConfig:
    """How stamps are scaled."""

    kind: Kind = "global"
    region: Region = "full"  # which pixels the statistics are of, where the kind leaves it open
    outer_r: int = 20  # pixels: where the outer region begins
    clip: bool = False
    clip_lo: float = -5.0  # deviations; the source document's
    clip_hi: float = 20.0
    stretch: Stretch = "none"  # after clipping
    residual_radial: bool = False  # without each stamp's radial profile, before scaling


def norm_problems(norm: NormConfig) -> Iterator[str]:
    """Yield every value that is out of range."""
    for name, known in (("kind", Kind), ("region", Region), ("stretch", Stretch)):
        yield from one_of(norm, name, get_args(known), prefix=SECTION)
    yield from within(norm, 1, SIZE // 2 - 1, "outer_r", prefix=SECTION)
    if norm.clip_lo >= norm.clip_hi:
        yield f"{SECTION}clip_lo must be below clip_hi, got {norm.clip_lo} and {norm.clip_hi}"


@dataclass(frozen=True, eq=False)
class Normalisation:
    """A fitted scaler of pairs.

    Parameters
    ----------
    config : NormConfig
    mean, deviation : ndarray of float32, shape (3, 1, 1)
        Of each band in the train split; used by "global" alone.
    """

    config: NormConfig
    mean: Images
    deviation: Images

    @classmethod
    def fit(cls, config: NormConfig, stamp: Images, ctrl: Images) -> Normalisation:
        """Fit on the train split's pairs.

        Parameters
        ----------
        config : NormConfig
        stamp, ctrl : ndarray of float32, shape (n, 3, 64, 64)

        Raises
        ------
        ValueError
            If there is no pair.
        """
        if not len(stamp):
            raise ValueError("a scaler needs at least one train pair")
        if config.kind != "global":
            none = np.zeros((stamp.shape[1], 1, 1), np.float32)
            return cls(config, none, none + 1)
        both = np.stack(_residuals(config, stamp, ctrl))
        axes = (0, 1, 3, 4)
        mean, deviation = both.mean(axis=axes, dtype=np.float64), both.std(axes, dtype=np.float64)
        return cls(config, _column(mean), _safe(_column(deviation)))

    def apply(self, stamp: Images, ctrl: Images) -> Pair:
        """Scale pairs of any split.

        Parameters
        ----------
        stamp, ctrl : ndarray of float32, shape (n, 3, 64, 64)

        Returns
        -------
        tuple of two ndarrays of float32, of the same shape
        """
        stamp, ctrl = _residuals(self.config, stamp, ctrl)
        scales = self._scales(stamp, ctrl)
        first, second = (
            self._limited((images - middle) / deviation)
            for images, (middle, deviation) in zip((stamp, ctrl), scales, strict=True)
        )
        return first, second

    def _scales(self, stamp: Images, ctrl: Images) -> tuple[Pair, Pair]:
        """Return median and deviation of stamps, and of controls."""
        kind, mask = self.config.kind, _region(self.config)
        if kind == "global":
            return (self.mean, self.deviation), (self.mean, self.deviation)
        if kind == "joint_pair":
            shared = robust(np.concatenate([stamp[..., mask], ctrl[..., mask]], axis=-1))
            return shared, shared
        if kind == "per_channel_outer":
            return robust(stamp[..., mask]), robust(ctrl[..., mask])
        return _of_all_bands(stamp[..., mask]), _of_all_bands(ctrl[..., mask])

    def _limited(self, scaled: Images) -> Images:
        if self.config.clip:
            scaled = np.clip(scaled, self.config.clip_lo, self.config.clip_hi)
        return np.arcsinh(scaled) if self.config.stretch == "asinh" else scaled


def robust(values: Images) -> Pair:
    """Return median and deviation (1.4826 MAD; 1 where there is none) of the last axis.

    Parameters
    ----------
    values : ndarray of float32, shape (..., n_pixels)

    Returns
    -------
    tuple of two ndarrays of float32, shape (..., 1, 1)
    """
    middle = np.median(values, axis=-1, keepdims=True)
    deviation = np.float32(CONSISTENT) * np.median(np.abs(values - middle), axis=-1, keepdims=True)
    return middle[..., None], _safe(deviation[..., None])


def _of_all_bands(values: Images) -> Pair:
    return robust(values.reshape(len(values), 1, -1))


def _residuals(config: NormConfig, stamp: Images, ctrl: Images) -> Pair:
    return (residual(stamp), residual(ctrl)) if config.residual_radial else (stamp, ctrl)


def _region(config: NormConfig) -> Mask:
    outer = config.region == "outer" or config.kind == "per_channel_outer"
    return outside(config.outer_r if outer else 0)


def _column(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Images:
    return values.astype(np.float32)[:, None, None]


def _safe(deviation: Images) -> Images:
    return np.where(deviation > SMALLEST, deviation, np.float32(1))

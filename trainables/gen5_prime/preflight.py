"""What to look at before anything trains: checks of data and their preparation, in sentences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
import torch

from trainables.gen5_prime.augmentation import AugmentationConfig, augment
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.normalisation import Normalisation, NormConfig
from trainables.gen5_prime.radial import disc, outside
from trainables.gen5_prime.stamps import BANDS, Splits, Stamps
from trainables.gen5_prime.visibility import visibility

MOST: Final = 256  # pairs that a check looks at
LEAST_VISIBLE: Final = 3.0  # deviations: half of the arcs stand out as far
APERTURE: Final = 5  # pixels: a galaxy's light
SKY: Final = 24  # pixels: what is farther out is sky


@dataclass(frozen=True)
class Check:
    """What one check found.

    Parameters
    ----------
    name : str
    passed : bool
    sentence : str
        What was measured, and what was expected.
    """

    name: str
    passed: bool
    sentence: str


def preflight(config: DataConfig, splits: Splits, *, most: int | None = None) -> tuple[Check, ...]:
    """Return every check of a run's data.

    Parameters
    ----------
    config : DataConfig
    splits : Splits
        What `inputs.splits_of` made of it.
    most
        Look at so many train pairs only, where images are looked at.
    """
    train = splits.train if most is None else splits.train.take(slice(most))
    return (
        channel_order(train),
        paired_augmentation(config.augmentation, train),
        arc_visible(config.norm, train),
        excluded_bricks(config.exclude_bricks, splits),
        bricks_apart(splits),
        negatives_differ(train),
    )


def channel_order(stamps: Stamps) -> Check:
    """Check that galaxies are brighter from g to r to z, as red ones are."""
    ctrl = stamps.ctrl[:MOST]
    sky = np.median(ctrl[..., outside(SKY)], axis=-1)
    light = np.median(ctrl[..., disc(APERTURE)].mean(axis=-1) - sky, axis=0)
    shown = ", ".join(f"{band} {value:.3g}" for band, value in zip(BANDS, light, strict=True))
    return Check(
        "channel order",
        bool(np.all(np.diff(light) > 0)),
        f"the median galaxy has {shown} nanomaggies per pixel in its core: red galaxies are "
        "brighter from g to r to z, otherwise bands are exchanged",
    )


def paired_augmentation(config: AugmentationConfig, stamps: Stamps) -> Check:
    """Check that stamp and control are turned alike: a stamp with itself stays with itself."""
    images = torch.as_tensor(stamps.stamp[:MOST])
    generator = torch.Generator().manual_seed(0)
    first, second = augment(replace(config, noise=0.0), images, images, generator)
    same = float((first == second).flatten(1).all(dim=1).double().mean())
    return Check(
        "paired augmentation",
        same == 1,
        f"{same:.0%} of pairs are turned alike: all must be, or stamp minus control is that of two "
        "different images",
    )


def arc_visible(norm: NormConfig, train: Stamps) -> Check:
    """Check that arcs stand out in stamp minus control after scaling; see `visibility`.

    A stretch lowers the figure, and so does leaving radial profiles out, which takes the mean of a
    ring: what is left is that arcs are not everywhere alike.
    """
    arcs = train.take(np.flatnonzero((train.label == 1) & (train.theta_e > 0))[:MOST])
    if not len(arcs):
        return Check("arc visible", passed=False, sentence="no train pair has a known arc")
    scaler = Normalisation.fit(norm, train.stamp, train.ctrl)
    pairs = ((arcs.stamp, arcs.ctrl), scaler.apply(arcs.stamp, arcs.ctrl))
    before, after = (
        float(np.median(visibility(*pair, arcs.theta_e, arcs.psf_fwhm))) for pair in pairs
    )
    return Check(
        "arc visible",
        after >= LEAST_VISIBLE,
        f"the median arc stands out of stamp minus control by {after:.1f} deviations after "
        f"scaling, and by {before:.1f} before: at least {LEAST_VISIBLE:.0f} are expected",
    )


def excluded_bricks(names: Collection[str], splits: Splits) -> Check:
    """Check that no excluded brick is in a split."""
    found = [
        f"{name} in {role}"
        for role, part in splits.parts.items()
        for name in np.intersect1d(part.brickname, sorted(names)).tolist()
    ]
    what = ", ".join(sorted(names)) or "no brick"
    where = ", ".join(found) or "none is in a split"
    return Check("excluded bricks", not found, f"{what} is to be excluded: {where}")


def bricks_apart(splits: Splits) -> Check:
    """Check that no brick is in two splits."""
    shared = [
        f"{first} and {second} share {len(both)}"
        for (first, one), (second, other) in combinations(splits.parts.items(), 2)
        if len(both := np.intersect1d(one.brickname, other.brickname))
    ]
    found = ", ".join(shared) or "no brick is in two"
    return Check("bricks apart", not shared, f"splits have bricks of their own: {found}")


def negatives_differ(train: Stamps) -> Check:
    """Check that negatives differ from their controls: otherwise no arc need be looked for."""
    negatives = train.take(np.flatnonzero(train.label == 0)[:MOST])
    if not len(negatives):
        sentence = "there is no train negative: a constant is the best answer"
        return Check("negatives differ", passed=False, sentence=sentence)
    same = float(np.mean((negatives.stamp == negatives.ctrl).all(axis=(1, 2, 3))))
    return Check(
        "negatives differ",
        same == 0,
        f"{same:.0%} of train negatives equal their control: where they do, whether the difference "
        "is zero tells the label, and no arc is needed",
    )

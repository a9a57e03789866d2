"""Splitting recorded pairs by brick: no brick is in two splits, and excluded ones are in none.

Neighbouring galaxies share their brick's air and depth, so that splits by pair would be alike in
what is no arc. The set "shift" has the bricks with the widest point-spread functions: of what a
file tells, conditions that training has not seen.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np

from search.errors import DataError, did_you_mean
from trainables.gen5_prime.negatives import PROTOCOL, with_negatives
from trainables.gen5_prime.stamps import Column, Floats, Splits, Stamps
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling, require_both

SHIFT_SHARE: Final = 0.15  # of bricks
TEST_SHARE: Final = 0.2  # of those that are left
VALIDATION_SHARE: Final = 0.2  # likewise
FEWEST: Final = 4  # bricks: one for each split
ARCS: Final = "pairs with an arc"


def make_splits(
    stamps: Stamps,
    *,
    exclude: Collection[str] = (),
    seed: int,
    sampling: Sampling = EVERY_SEED_AFRESH,
) -> Splits:
    """Split pairs by brick.

    Splits without negatives get their controls as such; training's are `negatives`' matter.

    Parameters
    ----------
    stamps : Stamps
    exclude
        Names of bricks.
    seed
        Chooses the bricks that validate.
    sampling : Sampling
        Chooses those that test.

    Raises
    ------
    DataError
        If fewer than four bricks are left, or a split would lack positives.
    """
    kept, dropped = without_bricks(stamps, exclude)
    names = np.unique(kept.brickname)
    if len(names) < FEWEST:
        raise DataError(f"four splits need {FEWEST} bricks or more, got {len(names)}")
    held_out = sampling.held_out_rng(seed)
    order = names[np.argsort(-_seeing(kept, names), kind="stable")]
    shift, rest = _cut(order, SHIFT_SHARE)
    test, rest = _cut(held_out.permutation(np.sort(rest)), TEST_SHARE)
    own = np.random.default_rng([seed])
    validation, train = _cut(own.permutation(np.sort(rest)), VALIDATION_SHARE)
    bricks = {"train": train, "validation": validation, "test": test, "shift": shift}
    parts = {role: kept.take(np.isin(kept.brickname, some)) for role, some in bricks.items()}
    for role in ("validation", "test", "shift"):
        rng = own if role == "validation" else held_out
        parts[role] = _judged(role, parts[role], rng)
    if not parts["train"].label.any():
        raise DataError("the train split has no pair with an arc")
    return Splits.of(parts, dropped)


def without_bricks(stamps: Stamps, exclude: Collection[str]) -> tuple[Stamps, dict[str, int]]:
    """Leave bricks out; return what is left, and how many pairs are not, by brick."""
    if not exclude:
        return stamps, {}
    counts = {name: int((stamps.brickname == name).sum()) for name in sorted(exclude)}
    kept = ~np.isin(stamps.brickname, sorted(exclude))
    return (stamps if kept.all() else stamps.take(kept)), counts


def absent(stamps: Stamps, exclude: Collection[str]) -> list[str]:
    """Say which bricks to exclude are not there: they may be misspelt."""
    names = np.unique(stamps.brickname).tolist()
    return [
        f"there is no brick {name!r} to exclude{did_you_mean(name, names)}"
        for name in sorted(exclude)
        if name not in names
    ]


def _seeing(stamps: Stamps, names: Column) -> Floats:
    """Return the width of each brick's point-spread function; 0 where it is not known."""
    place = np.searchsorted(names, stamps.brickname)
    width = np.nan_to_num(stamps.psf_fwhm)
    return np.bincount(place, width, len(names)) / np.bincount(place, minlength=len(names))


def _cut(names: Column, share: float) -> tuple[Column, Column]:
    n = max(1, round(share * len(names)))
    return names[:n], names[n:]


def _judged(role: str, stamps: Stamps, rng: np.random.Generator) -> Stamps:
    if not (stamps.label == 0).any():
        stamps = with_negatives(PROTOCOL, stamps, rng)
    require_both(role, stamps.label == 1, ARCS)
    return stamps

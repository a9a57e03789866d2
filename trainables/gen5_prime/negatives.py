"""Which pairs a run takes as negatives.

Of positives alone, a constant is the best answer. Three kinds of negatives are there:

other_lrg
    Galaxies without an arc, each with another exposure of it: explicit negatives.
ctrl
    The control of each positive, taken as a stamp. What its own control is, `partner` says: it is
    not observed a third time.
mix
    Half of each.

A partner that is a copy makes the difference of every such negative zero, so that a network that
sees both need not look for arcs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from search.errors import DataError
from trainables.gen5_prime.normalisation import robust
from trainables.gen5_prime.radial import outside
from trainables.gen5_prime.stamps import INJECTED, Images, Stamps, Whole, joined
from trainables.techniques.limits import one_of, positive

Source = Literal["none", "other_lrg", "ctrl", "mix"]
Partner = Literal["copy", "noise", "other"]
SECTION: Final = "data.negatives."
OUTER: Final = 20  # pixels: what is farther out tells the noise


@dataclass(frozen=True)
class NegativesConfig:
    """Which negatives, and how many."""

    source: Source = "other_lrg"
    ratio: float = 1.0  # negatives per positive; what there is too little of is repeated
    partner: Partner = "noise"  # control of a control: itself, with noise added, or a neighbour's


PROTOCOL: Final = NegativesConfig("ctrl")
"""Of splits that have no negatives of their own."""


def negatives_problems(negatives: NegativesConfig) -> Iterator[str]:
    """Yield every value that is out of range."""
    yield from one_of(negatives, "source", get_args(Source), prefix=SECTION)
    yield from one_of(negatives, "partner", get_args(Partner), prefix=SECTION)
    yield from positive(negatives, "ratio", prefix=SECTION)


def with_negatives(config: NegativesConfig, stamps: Stamps, rng: np.random.Generator) -> Stamps:
    """Return the positives of a split with the negatives of a policy.

    Parameters
    ----------
    config : NegativesConfig
    stamps : Stamps
    rng
        Draws which negatives, and noise of controls.

    Raises
    ------
    DataError
        If there is no positive, or explicit negatives are asked for and there are none.
    """
    arcs, others = np.flatnonzero(stamps.label == 1), np.flatnonzero(stamps.label == 0)
    if not len(arcs):
        raise DataError("there is no pair with an arc")
    n = round(config.ratio * len(arcs))
    n_other = {"none": 0, "ctrl": 0, "other_lrg": n, "mix": n // 2}[config.source]
    n_ctrl = 0 if config.source in ("none", "other_lrg") else n - n_other
    if n_other and not len(others):
        raise DataError(
            "there is no pair without an arc: data.negatives.source must be 'ctrl' or 'none', got "
            f"{config.source!r}"
        )
    if n_other == len(others) and not n_ctrl:
        return stamps
    chosen = np.sort(np.concatenate([arcs, drawn(others, n_other, rng)]))
    parts = [stamps.take(chosen)]
    if n_ctrl:
        parts.append(as_negatives(stamps.take(drawn(arcs, n_ctrl, rng)), config.partner, rng))
    return joined(parts)


def drawn(rows: Whole, n: int, rng: np.random.Generator) -> Whole:
    """Draw rows as evenly as possible: none twice before all are drawn once."""
    rounds = -(-n // max(1, len(rows)))
    return np.concatenate([rows[:0], *(rng.permutation(rows) for _ in range(rounds))])[:n]


def as_negatives(stamps: Stamps, partner: Partner, rng: np.random.Generator) -> Stamps:
    """Return controls as stamps without an arc, each with a control of its own."""
    metadata = dict(stamps.metadata)
    for name in INJECTED:
        metadata[name] = np.zeros(len(stamps))
    metadata["is_control"] = np.ones(len(stamps))
    ctrl = stamps.ctrl
    if partner == "noise":
        ctrl = ctrl + noise_of(ctrl) * rng.standard_normal(ctrl.shape, np.float32)
    elif partner == "other":
        ctrl = ctrl[neighbours(stamps.brick, rng)]
    return Stamps(stamps.ctrl, ctrl, metadata)


def noise_of(images: Images) -> Images:
    """Return the noise of each image and band, shape (n, 3, 1, 1), from its outer pixels."""
    return robust(images[..., outside(OUTER)])[1]


def neighbours(brick: Whole, rng: np.random.Generator) -> Whole:
    """Draw another row of the same brick for each row; itself, where it is alone.

    No row is drawn twice.
    """
    shuffled = rng.permutation(len(brick))
    order = shuffled[np.argsort(brick[shuffled], kind="stable")]
    sorted_bricks = brick[order]
    begins = np.searchsorted(sorted_bricks, sorted_bricks, side="left")
    ends = np.searchsorted(sorted_bricks, sorted_bricks, side="right")
    place = np.arange(len(brick)) + 1
    following = order[np.where(place == ends, begins, np.minimum(place, len(brick) - 1))]
    found = np.empty_like(order)
    found[order] = following
    return found

"""Changes of training pairs that leave their label as it is, drawn anew for every batch.

The sky has no up: rotations, reflections and transpositions of a stamp (the group D4) are stamps.
Stamp and control must be turned alike, or their difference is that of two different images; turning
them apart is offered as the negative control.

References
----------
Dieleman, Willett and Dambre 2015, arXiv:1503.07077.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from trainables.techniques.limits import at_least

SECTION: Final = "data.augmentation."
Generator = torch.Generator | None
Flags = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class AugmentationConfig:
    """How training pairs are changed."""

    rot90: bool = False  # by 0, 90, 180 or 270 degrees
    flip: bool = False  # left to right, and up to down
    transpose: bool = False
    paired: bool = True  # stamp and control alike; False is the negative control
    noise: float = 0.0  # deviations of scaled images, added to stamp and control independently


def augmentation_problems(augmentation: AugmentationConfig) -> Iterator[str]:
    """Yield every value that is out of range."""
    yield from at_least(augmentation, 0, "noise", prefix=SECTION)
    turns = augmentation.rot90 or augmentation.flip or augmentation.transpose
    if not augmentation.paired and not turns:
        yield f"{SECTION}paired=False needs rot90, flip or transpose: nothing else is paired"


def augment(
    config: AugmentationConfig, stamp: Tensor, ctrl: Tensor, generator: Generator = None
) -> tuple[Tensor, Tensor]:
    """Change a batch of pairs.

    Parameters
    ----------
    config : AugmentationConfig
    stamp, ctrl : Tensor of shape (n, n_bands, size, size)
        Scaled.
    generator
        Of the tensors' device; by default torch's own.

    Returns
    -------
    tuple of two Tensors of the same shape
    """
    first = draw_turns(config, len(stamp), stamp.device, generator)
    second = first if config.paired else draw_turns(config, len(stamp), stamp.device, generator)
    stamp, ctrl = turn(stamp, first), turn(ctrl, second)
    if config.noise:
        stamp = stamp + config.noise * _normal(stamp, generator)
        ctrl = ctrl + config.noise * _normal(ctrl, generator)
    return stamp, ctrl


def draw_turns(
    config: AugmentationConfig, n: int, device: torch.device, generator: Generator = None
) -> Flags:
    """Draw elements of D4.

    Returns
    -------
    tuple of three Tensors of bool, shape (n,)
        Whether to transpose, then to reverse columns, then to reverse rows. A rotation by 90
        degrees is a transposition and one reversal; by 180, both reversals.
    """
    swap, left, up = torch.zeros((3, n), dtype=torch.bool, device=device)
    if config.rot90:
        quarter, half = torch.randint(2, (2, n), device=device, generator=generator).bool()
        swap, left, up = swap ^ quarter, left ^ quarter ^ half, up ^ half
    if config.flip:
        drawn = torch.randint(2, (2, n), device=device, generator=generator).bool()
        left, up = left ^ drawn[0], up ^ drawn[1]
    if config.transpose:
        drawn = torch.randint(2, (n,), device=device, generator=generator).bool()
        swap, left, up = swap ^ drawn, torch.where(drawn, up, left), torch.where(drawn, left, up)
    return swap, left, up


def turn(images: Tensor, flags: Flags) -> Tensor:
    """Apply to each image its element of D4; see `draw_turns`."""
    swap, left, up = (flag[:, None, None, None] for flag in flags)
    images = torch.where(swap, images.transpose(-1, -2), images)
    images = torch.where(left, images.flip(-1), images)
    return torch.where(up, images.flip(-2), images)


def _normal(images: Tensor, generator: Generator) -> Tensor:
    return torch.randn(images.shape, generator=generator, device=images.device, dtype=images.dtype)

"""What training does lest a network learns what is no arc.

core dropout
    Hides the core of some pairs, so that they have to be told by what is around it.
hard negatives
    Positives whose pixels are shuffled around the centre: they keep every radial profile, and thus
    whatever a shortcut reads from it, but show no arc. Smooth isophotes go, too, so that a network
    may tell them by that; `with_ctrl` shuffles the control alike.

References
----------
Geirhos et al. 2020, "Shortcut learning in deep neural networks", arXiv:2004.07780.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import torch
from torch import Tensor

from trainables.gen5_prime.augmentation import Generator
from trainables.gen5_prime.normalisation import CONSISTENT
from trainables.gen5_prime.radial import disc, outside, rings
from trainables.gen5_prime.stamps import SIZE
from trainables.techniques.limits import one_of, within

Fill = Literal["outer_median", "zero", "noise"]
SECTION: Final = "data.shortcut."
OUTER: Final = 20  # pixels: what is farther out gives the fill


@dataclass(frozen=True)
class ShortcutConfig:
    """How training resists shortcuts."""

    core_dropout: float = 0.0  # share of pairs whose core is hidden
    core_radius: int = 5  # pixels
    fill: Fill = "outer_median"
    hard_negatives: float = 0.0  # per positive of a batch
    shuffle_bins: int = 16  # rings that pixels are shuffled within
    shuffle_ctrl: bool = False  # whether hard negatives' controls are shuffled alike


def shortcut_problems(shortcut: ShortcutConfig) -> Iterator[str]:
    """Yield every value that is out of range."""
    yield from within(shortcut, 0, 1, "core_dropout", "hard_negatives", prefix=SECTION)
    yield from within(shortcut, 1, OUTER, "core_radius", prefix=SECTION)
    yield from within(shortcut, 1, SIZE // 2, "shuffle_bins", prefix=SECTION)
    yield from one_of(shortcut, "fill", get_args(Fill), prefix=SECTION)


def drop_cores(
    config: ShortcutConfig, stamp: Tensor, ctrl: Tensor, generator: Generator = None
) -> tuple[Tensor, Tensor]:
    """Hide the core of some pairs, of stamp and control alike; see `mask_cores`."""
    share = torch.rand(len(stamp), device=stamp.device, generator=generator)
    rows = share < config.core_dropout
    if not rows.any():
        return stamp, ctrl
    hidden = [
        mask_cores(images, config.core_radius, config.fill, generator) for images in (stamp, ctrl)
    ]
    chosen = rows[:, None, None, None]
    return torch.where(chosen, hidden[0], stamp), torch.where(chosen, hidden[1], ctrl)


def mask_cores(
    images: Tensor, radius: float, fill: Fill = "outer_median", generator: Generator = None
) -> Tensor:
    """Return images whose core shows something else.

    Parameters
    ----------
    images : Tensor of shape (n, n_bands, 64, 64)
    radius
        Of the core, in pixels.
    fill : {"outer_median", "zero", "noise"}
        The median of each band's outer pixels; 0; that median with the noise of these pixels.
    generator
        Draws the noise.
    """
    core = torch.as_tensor(disc(radius), device=images.device)
    if fill == "zero":
        return images.masked_fill(core, 0.0)
    outer = images[..., torch.as_tensor(outside(OUTER), device=images.device)]
    middle = outer.median(dim=-1, keepdim=True).values
    shown = middle[..., None].expand_as(images)
    if fill == "noise":
        deviation = CONSISTENT * (outer - middle).abs().median(dim=-1).values[..., None, None]
        noise = torch.randn(
            images.shape, generator=generator, device=images.device, dtype=images.dtype
        )
        shown = shown + deviation * noise
    return torch.where(core, shown, images)


def shuffle_around(images: Tensor, bins: int, generator: Generator = None) -> Tensor:
    """Return images whose pixels are shuffled within rings, all bands alike.

    Parameters
    ----------
    images : Tensor of shape (n, n_bands, 64, 64)
    bins
        As in `radial.rings`.
    """
    ring = torch.as_tensor(rings(bins).copy(), device=images.device).flatten()
    drawn = torch.rand((len(images), ring.numel()), device=images.device, generator=generator)
    source = torch.argsort(ring + drawn.to(torch.float64), dim=1)  # ring by ring, at random within
    target = torch.argsort(ring, stable=True)
    flat = images.flatten(2)
    order = source[:, None].expand(-1, flat.shape[1], -1)
    shuffled = torch.empty_like(flat)
    shuffled[..., target] = flat.gather(2, order)
    return shuffled.reshape(images.shape)


def with_hard_negatives(
    config: ShortcutConfig,
    stamp: Tensor,
    ctrl: Tensor,
    label: Tensor,
    generator: Generator = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Add shuffled positives, as negatives, to a batch.

    Parameters
    ----------
    stamp, ctrl : Tensor of shape (n, n_bands, 64, 64)
    label : Tensor of shape (n,)

    Returns
    -------
    tuple of three Tensors
        The batch, with hard negatives at its end.
    """
    positive = torch.nonzero(label > 0.5).flatten()
    n = round(config.hard_negatives * len(positive))
    if not n:
        return stamp, ctrl, label
    order = torch.randperm(len(positive), device=label.device, generator=generator)[:n]
    rows = positive[order]
    both = torch.cat([stamp[rows], ctrl[rows]], dim=1)
    shuffled = shuffle_around(both, config.shuffle_bins, generator)
    bands = stamp.shape[1]
    partner = shuffled[:, bands:] if config.shuffle_ctrl else ctrl[rows]
    return (
        torch.cat([stamp, shuffled[:, :bands]]),
        torch.cat([ctrl, partner]),
        torch.cat([label, torch.zeros_like(label[rows])]),
    )

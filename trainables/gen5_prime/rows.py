"""Scaled pairs as tensors, and what becomes of a batch of them before a network sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

from trainables.gen5_prime.augmentation import AugmentationConfig, augment
from trainables.gen5_prime.channels import channels
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.normalisation import Normalisation, NormConfig, Pair
from trainables.gen5_prime.shortcuts import drop_cores, with_hard_negatives
from trainables.gen5_prime.stamps import Stamps
from trainables.techniques.process_group import Replicas

UNCHANGED: Final = AugmentationConfig()
KEPT: Final = 4  # scaled splits: those of one run, for the next one on the same pairs


@dataclass(frozen=True, eq=False)
class Rows:
    """Scaled pairs on a device.

    Parameters
    ----------
    stamp, ctrl : Tensor of float32, shape (n, 3, 64, 64)
    label : Tensor of float32, shape (n,)
    """

    stamp: Tensor
    ctrl: Tensor
    label: Tensor

    def __len__(self) -> int:
        return len(self.label)

    @property
    def device(self) -> torch.device:
        """Where the pairs are."""
        return self.label.device

    def batch(self, rows: Tensor) -> Rows:
        """Return some pairs."""
        return Rows(*(part.index_select(0, rows) for part in (self.stamp, self.ctrl, self.label)))

    def in_order(self, size: int) -> Iterator[Rows]:
        """Yield all pairs, at most so many at a time."""
        parts = (torch.split(part, size) for part in (self.stamp, self.ctrl, self.label))
        for stamp, ctrl, label in zip(*parts, strict=True):
            yield Rows(stamp, ctrl, label)

    def with_ctrl(self, ctrl: Tensor) -> Rows:
        """Return the same stamps with other controls."""
        return replace(self, ctrl=ctrl)


@lru_cache(maxsize=1)
def fitted(norm: NormConfig, train: Stamps) -> Normalisation:
    """Return the scaler of a train split."""
    return Normalisation.fit(norm, train.stamp, train.ctrl)


@lru_cache(maxsize=KEPT)
def scaled(scaler: Normalisation, stamps: Stamps) -> Pair:
    """Return scaled pairs: once for the runs of a process that share them."""
    return scaler.apply(stamps.stamp, stamps.ctrl)


def make_rows(scaler: Normalisation, stamps: Stamps, device: torch.device) -> Rows:
    """Return the pairs of a split, scaled."""
    return as_rows(scaled(scaler, stamps), stamps, device)


def as_rows(pair: Pair, stamps: Stamps, device: torch.device) -> Rows:
    """Return scaled pairs as tensors, with their labels."""
    stamp, ctrl = (torch.from_numpy(images).to(device) for images in pair)
    label = torch.as_tensor(stamps.label, dtype=torch.float32, device=device)
    return Rows(stamp, ctrl, label)


@dataclass(frozen=True, eq=False)
class Batch:
    """What a network trains on at one step.

    Parameters
    ----------
    images : Tensor of shape (n, n_channels, 64, 64)
    ctrl : Tensor of the same shape, or None
        Controls as such images, where the loss needs them.
    label : Tensor of float32, shape (n,)
    """

    images: Tensor
    ctrl: Tensor | None
    label: Tensor

    def part(self, replicas: Replicas) -> Batch:
        """Return what this process computes of it, of several that train together."""
        ctrl = None if self.ctrl is None else replicas.part(self.ctrl)
        return Batch(replicas.part(self.images), ctrl, replicas.part(self.label))


class Prepared:
    """Makes batches of pairs: hard negatives, augmentation, hidden cores, channels.

    Everything random is drawn from torch's generator, which a run makes its own. Images keep the
    usual layout: with channels last, gradients of convolutions of fewer than 8 channels corrupt
    memory on a CPU (torch 2.13), though those of wider ones take a fifth less time.

    Parameters
    ----------
    config : DataConfig
    contrasted
        Whether the loss needs controls.
    """

    def __init__(self, config: DataConfig, *, contrasted: bool) -> None:
        self._config, self._contrasted = config, contrasted

    def __call__(self, rows: Rows) -> Batch:
        """Return what a network trains on."""
        config = self._config
        stamp, ctrl, label = with_hard_negatives(config.shortcut, rows.stamp, rows.ctrl, rows.label)
        if config.augmentation != UNCHANGED:
            stamp, ctrl = augment(config.augmentation, stamp, ctrl)
        stamp, ctrl = drop_cores(config.shortcut, stamp, ctrl)
        contrast = channels(config.mode, ctrl, ctrl) if self._contrasted else None
        return Batch(channels(config.mode, stamp, ctrl), contrast, label)

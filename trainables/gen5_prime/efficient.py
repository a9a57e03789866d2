"""A small network in the manner of EfficientNet: inverted bottlenecks that weigh their channels.

References
----------
Tan and Le 2019, "EfficientNet", arXiv:1905.11946.
Sandler et al. 2018, "MobileNetV2", arXiv:1801.04381 (inverted bottlenecks).
Hu, Shen and Sun 2018, "Squeeze-and-excitation networks", arXiv:1709.01507.
Huang et al. 2016, "Deep networks with stochastic depth", arXiv:1603.09382.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from trainables.gen5_prime.backbone import Backbone, Norm, Stem, convolution, make_norm, make_stem

SQUEEZE: Final = 4  # a block's input channels per channel of the squeeze


class Stage(NamedTuple):
    """Blocks of one width."""

    expansion: int  # of channels within a block
    widening: int  # channels, in units of the width
    depth: int
    stride: int
    size: int  # of the depthwise convolution


STAGES: Final = (
    Stage(1, 1, 1, 1, 3),
    Stage(4, 2, 2, 2, 3),
    Stage(4, 4, 2, 2, 5),
    Stage(4, 8, 1, 2, 3),
)
"""About a third of EfficientNet-B0's depth; 64 pixels allow no fifth halving."""


class SqueezeExcite(nn.Module):
    """Weighs channels by what all pixels say together.

    Parameters
    ----------
    width
        Channels.
    squeezed
        Channels between.
    """

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Linear(width, squeezed), nn.SiLU(), nn.Linear(squeezed, width), nn.Sigmoid()
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape."""
        weights: Tensor = self.weigh(maps.mean(dim=(2, 3)))
        return maps * weights[:, :, None, None]


class InvertedBottleneck(nn.Module):
    """Widen, convolve each channel by itself, weigh, narrow; the input goes around where it fits.

    Parameters
    ----------
    n_in
        Channels.
    stage : Stage
    n_out
        Channels.
    stride
    norm
    drop
        Share of images for which a block is left out in training.
    """

    def __init__(
        self, n_in: int, n_out: int, stage: Stage, *, stride: int, norm: Norm, drop: float
    ) -> None:
        super().__init__()
        wide = n_in * stage.expansion
        layers: list[nn.Module] = []
        if stage.expansion > 1:
            layers += [convolution(n_in, wide, 1), make_norm(norm, wide), nn.SiLU()]
        layers += [
            convolution(wide, wide, stage.size, stride, groups=wide),
            make_norm(norm, wide),
            nn.SiLU(),
            SqueezeExcite(wide, max(1, n_in // SQUEEZE)),
            convolution(wide, n_out, 1),
            make_norm(norm, n_out),
        ]
        self.body = nn.Sequential(*layers)
        self.around, self.drop = stride == 1 and n_in == n_out, drop

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the output's size."""
        made: Tensor = self.body(maps)
        if not self.around:
            return made
        return maps + (dropped(made, self.drop) if self.training else made)


def dropped(maps: Tensor, share: float) -> Tensor:
    """Return maps that are 0 for a share of the images, and larger for the others."""
    if not share:
        return maps
    kept = torch.rand(len(maps), 1, 1, 1, device=maps.device) >= share
    return maps * kept / (1 - share)


def efficient(n_channels: int, width: int, stem: Stem, norm: Norm, drop: float) -> Backbone:
    """Return a network in the manner of EfficientNet.

    Parameters
    ----------
    n_channels
        Of the images.
    width
        Of the first stage.
    stem, norm
    drop
        Of the last block; earlier ones have less, in proportion to their place.
    """
    stages: list[nn.Module] = []
    before, place, last = width, 0, sum(stage.depth for stage in STAGES) - 1
    for stage in STAGES:
        blocks = []
        for number in range(stage.depth):
            stride = stage.stride if number == 0 else 1
            after, rate = width * stage.widening, drop * place / last
            block = InvertedBottleneck(before, after, stage, stride=stride, norm=norm, drop=rate)
            blocks.append(block)
            before, place = after, place + 1
        stages.append(nn.Sequential(*blocks))
    return Backbone(make_stem(stem, n_channels, width, norm, nn.SiLU()), stages, before)

"""ResNet-18, at any width.

References
----------
He et al. 2016, "Deep residual learning for image recognition", arXiv:1512.03385.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from trainables.gen5_prime.backbone import Backbone, Norm, Stem, convolution, make_norm, make_stem

STAGES: Final = 4  # each of two blocks, and twice as wide as the one before
DOCUMENTED_WIDTH: Final = 64  # of the first stage


class BasicBlock(nn.Module):
    """Two convolutions around which the input goes.

    Parameters
    ----------
    n_in, n_out
        Channels.
    stride
        Of the first convolution.
    norm
    """

    def __init__(self, n_in: int, n_out: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(n_in, n_out, 3, stride),
            make_norm(norm, n_out),
            nn.ReLU(),
            convolution(n_out, n_out, 3),
            make_norm(norm, n_out),
        )
        self.around: nn.Module = nn.Identity()
        if stride != 1 or n_in != n_out:
            self.around = nn.Sequential(convolution(n_in, n_out, 1, stride), make_norm(norm, n_out))

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the output's size."""
        return torch.relu(self.body(maps) + self.around(maps))


def resnet18(n_channels: int, width: int, stem: Stem, norm: Norm) -> Backbone:
    """Return a ResNet-18.

    Parameters
    ----------
    n_channels
        Of the images.
    width
        Of the first stage: 64 in the paper.
    stem, norm
    """
    stages: list[nn.Module] = []
    before = width
    for stage in range(STAGES):
        after = width * 2**stage
        first = BasicBlock(before, after, 1 if stage == 0 else 2, norm)
        stages.append(nn.Sequential(first, BasicBlock(after, after, 1, norm)))
        before = after
    return Backbone(make_stem(stem, n_channels, width, norm, nn.ReLU()), stages, before)


def parameter_count(n_channels: int, width: int, stem: Stem) -> int:
    """Return how many weights a ResNet-18 with one logit has, in closed form.

    Per unit of width w: a stem of k² c w + 2w; blocks of 9 n w' + 9 w'² + 4 w' for n channels in
    and w' out, and n w' + 2 w' around the first one of each stage but the first; a head of 8w + 1.

    Examples
    --------
    >>> parameter_count(3, 64, "3x3s1")
    11169345
    """
    size = 7 if stem == "7x7s2pool" else 3
    total, before = size * size * n_channels * width + 2 * width, width
    for stage in range(STAGES):
        after = width * 2**stage
        total += _block(before, after) + _block(after, after)
        total += before * after + 2 * after if stage else 0
        before = after
    return total + before + 1


def _block(n_in: int, n_out: int) -> int:
    return 9 * n_in * n_out + 9 * n_out * n_out + 4 * n_out

"""What every convolutional network of the lens finder has: a stem, stages, and their maps.

torchvision's networks are not used: its wheel does not import beside a CPU build of torch.

References
----------
He et al. 2016, "Deep residual learning for image recognition", arXiv:1512.03385 (stem).
He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852 (first weights).
Ioffe and Szegedy 2015, arXiv:1502.03167 (batch norm); Wu and He 2018, arXiv:1803.08494 (group).
"""

from __future__ import annotations

import math
from typing import Final, Literal

from torch import Tensor, nn

Stem = Literal["7x7s2pool", "3x3s2", "3x3s1"]
Norm = Literal["batch", "group"]

GROUPS: Final = 8  # of a group norm, at most


class Backbone(nn.Module):
    """From images to a vector: the mean of the last stage's maps.

    Parameters
    ----------
    stem, stages : nn.Module
    n_features
        Channels of the last stage.
    """

    def __init__(self, stem: nn.Module, stages: list[nn.Module], n_features: int) -> None:
        super().__init__()
        self.stem, self.stages, self.n_features = stem, nn.ModuleList(stages), n_features
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return what each stage makes of the images.

        Parameters
        ----------
        images : Tensor of shape (n, n_channels, 64, 64)

        Returns
        -------
        list of Tensor, each of shape (n, n_stage_channels, size, size)
        """
        found, now = [], self.stem(images)
        for stage in self.stages:
            now = stage(now)
            found.append(now)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Return features of shape (n, n_features)."""
        return self.maps(images)[-1].mean(dim=(2, 3))


def make_stem(kind: Stem, n_channels: int, width: int, norm: Norm, act: nn.Module) -> nn.Sequential:
    """Return the first layers.

    Parameters
    ----------
    kind
        "7x7s2pool" is ResNet's own, for images of 224 pixels: maps have 16 pixels a side of 64.
        "3x3s1" keeps all 64, without a pool, at many times the cost; "3x3s2" is between.
    n_channels
        Of the images.
    width
        Of the maps.
    norm, act
    """
    size, stride = (7, 2) if kind == "7x7s2pool" else (3, 1 if kind == "3x3s1" else 2)
    layers = [convolution(n_channels, width, size, stride), make_norm(norm, width), act]
    if kind == "7x7s2pool":
        layers.append(nn.MaxPool2d(3, stride=2, padding=1))
    return nn.Sequential(*layers)


def convolution(n_in: int, n_out: int, size: int, stride: int = 1, *, groups: int = 1) -> nn.Conv2d:
    """Return a convolution before a norm: without a bias, which the norm would take away."""
    return nn.Conv2d(n_in, n_out, size, stride=stride, padding=size // 2, groups=groups, bias=False)


def make_norm(norm: Norm, width: int) -> nn.Module:
    """Return a normalisation of maps of this width."""
    if norm == "group":
        return nn.GroupNorm(math.gcd(GROUPS, width), width)
    return nn.BatchNorm2d(width)

"""What the days tell together: convolutions over some days, then attention within a window.

References
----------
Beltagy et al. 2020, "Longformer", arXiv:2004.05150 (attention within a window). Bai et al. 2018,
"An empirical evaluation of generic convolutional and recurrent networks for sequence modeling",
arXiv:1803.01271 (padding on the left only). Chollet 2016, "Xception", arXiv:1610.02357 (each
channel convolved by itself, then a matrix across channels).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.han.blocks import Block, GroupedLinear, mask_bias, normalised, visible
from trainables.han.shape import Kernels

KERNELS: Final[Mapping[Kernels, tuple[int, ...]]] = {
    "none": (),
    "3-7": (3, 7),
    "3-7-14": (3, 7, 14),
    "3-7-14-28": (3, 7, 14, 28),
}
LONG = 64  # days from which a convolution is carried out as one


class MultiScale(nn.Module):
    """Convolutions of several lengths in time, each channel by itself, side by side.

    Parameters
    ----------
    channels
        Of what is read.
    kernels
        Lengths, in days.
    causal
        Whether a day's output reads no later day; else the day stands in the middle.
    """

    def __init__(self, channels: int, kernels: Sequence[int], *, causal: bool) -> None:
        super().__init__()
        self.longest = max(kernels)
        self.ahead = 0 if causal else self.longest // 2  # days after its own that a day reads
        self.kernels = nn.ParameterList(_kernel(channels, size) for size in kernels)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (channels, rows, n_days) to (channels · n_kernels, rows, n_days)."""
        return self.by_matrix(x) if x.shape[-1] <= LONG else self.by_convolution(x)

    def by_matrix(self, x: Tensor) -> Tensor:
        """Convolve by one matrix from days to days per channel and kernel: quick if days are few.

        The gradient of a convolution takes a CPU several times as long as these products.
        """
        channels, rows, days = x.shape
        steps = torch.arange(days, device=x.device)
        lag = (steps - steps.unsqueeze(1) + self.ahead).clamp(-1, self.longest) + 1
        padded = functional.pad(self._stacked(), (1, 1))  # no weight beyond a kernel's ends
        matrices = padded.index_select(-1, lag.flatten()).view(channels, -1, days, days)
        return torch.matmul(x.unsqueeze(1), matrices).view(-1, rows, days)

    def by_convolution(self, x: Tensor) -> Tensor:
        """Convolve as usual."""
        kernels = self._stacked().flip(-1).flatten(0, 1).unsqueeze(1)
        series = functional.pad(x.transpose(0, 1), (self.longest - 1 - self.ahead, self.ahead))
        return functional.conv1d(series, kernels, groups=len(x)).transpose(0, 1)

    def _stacked(self) -> Tensor:
        """Return weights by lag, the first lag that of `ahead` days, (channels, n_kernels, lags).

        Shorter kernels are filled up with zeros, at their far end; a centred one at both.
        """
        parts = []
        for kernel in self.kernels:
            before = self.ahead - kernel.shape[1] // 2 if self.ahead else 0
            after = self.longest - kernel.shape[1] - before
            parts.append(functional.pad(kernel, (before, after)))
        return torch.stack(parts, dim=1)


def _kernel(channels: int, size: int) -> nn.Parameter:
    bound = 1 / math.sqrt(size)
    return nn.Parameter(torch.empty(channels, size).uniform_(-bound, bound))


class ScaleBlend(nn.Module):
    """x blended with what convolutions of several lengths say, by a gate per day and channel.

    Parameters
    ----------
    width
        Size of the vectors.
    kernels
        Lengths, in days.
    causal
        Whether a day's output reads no later day.
    """

    def __init__(self, width: int, kernels: Sequence[int], *, causal: bool) -> None:
        super().__init__()
        self.scales = MultiScale(width, kernels, causal=causal)
        self.mix = GroupedLinear(1, width * len(kernels), width)
        self.gate = GroupedLinear(1, 2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Transform x (1, width, n, n_days)."""
        scales = normalised(self.scales(x.squeeze(0)).unsqueeze(0))
        mixed = self.mix(functional.relu(scales))
        gate = torch.sigmoid(self.gate(torch.cat([x, mixed], dim=1)))
        return torch.lerp(x, mixed.to(x), gate.to(x))  # in one precision, whatever the layers have


class DailyEncoder(nn.Module):
    """Convolutions with a gate, then attention over the last days.

    Parameters
    ----------
    days
        Length of a window of the data.
    width, heads
        Size of the vectors; attention heads.
    kernels
        Lengths of the convolutions, in days.
    window
        Days that attention looks back, with its own; 0 for all.
    causal
        Whether a day reads no later day.
    dropout
        Probability of dropping a unit.
    """

    def __init__(
        self,
        days: int,
        *,
        width: int,
        heads: int,
        kernels: Kernels,
        window: int,
        causal: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        lengths = KERNELS[kernels]
        self.scales = ScaleBlend(width, lengths, causal=causal) if lengths else None
        self.block = Block(1, width, heads, dropout)
        self.bias: Tensor
        bias = mask_bias(visible(days, causal=causal, window=window))
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Transform x (1, width, n, n_days); positions (width, n, n_days) are added."""
        x = x + positions
        if self.scales is not None:
            x = self.scales(x)
        return normalised(self.block(x, self.bias))

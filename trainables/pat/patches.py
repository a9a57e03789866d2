"""From minutes to tokens: patches, their embeddings, and the positions added to them.

References
----------
Ruan et al. 2024, "AI foundation models for wearable movement data in mental health research",
arXiv:2411.15240.
Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762 (sinusoidal positions).
Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural
networks" (initial weights).
"""

from __future__ import annotations

import math
from typing import Final, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from search.errors import TrainableError

Embedding = Literal["linear", "conv"]
ConvPool = Literal["mean", "flatten"]
Layer = TypeVar("Layer", nn.Linear, nn.Conv1d)
LONGEST_WAVE: Final = 10_000.0  # of the slowest sine, in units of 2π tokens


def glorot(layer: Layer) -> Layer:
    """Draw a layer's weights as Keras does by default, uniform by fan, and zero its biases."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def patched(activity: Tensor, patch: int) -> Tensor:
    """Cut activity (batch, minutes) into patches (batch, tokens, patch).

    Raises
    ------
    TrainableError
        When the activity has another number of axes, or its length is not a multiple of the patch.
    """
    if activity.ndim != 2:
        raise TrainableError(f"activity has shape (batch, minutes), not {tuple(activity.shape)}")
    minutes = activity.shape[1]
    if minutes == 0 or minutes % patch:
        below = minutes - minutes % patch
        near = f"{below} or {below + patch}" if below else f"{patch}"
        raise TrainableError(
            f"the number of minutes is a multiple of the patch, {patch} minutes; "
            f"it is {minutes}: cut or pad it to {near}"
        )
    return activity.reshape(len(activity), minutes // patch, patch)


def sinusoids(tokens: int, width: int, *, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return the fixed positions: all sines first, then all cosines, not interleaved.

    Parameters
    ----------
    tokens, width
        Size of the result.
    device, dtype
        Of the result. It is computed in single precision at least: lower ones do not tell token
        1,119 from its neighbours.

    Returns
    -------
    Tensor of shape (tokens, width)
        ``sin(t r_k)`` in column k and ``cos(t r_k)`` in column ``width / 2 + k``, with
        ``r_k = exp(-ln 1e4 · 2k / width)``.
    """
    precise = torch.promote_types(dtype, torch.float32)
    place = torch.arange(tokens, device=device, dtype=precise).unsqueeze(1)  # (tokens, 1)
    even = torch.arange(0, width, 2, device=device, dtype=precise)
    angle = place * torch.exp(even * (-math.log(LONGEST_WAVE) / width))  # (tokens, width / 2)
    return torch.cat([angle.sin(), angle.cos()], dim=1).to(dtype)


class LinearPatches(nn.Module):
    """One linear layer on a patch's minutes.

    Parameters
    ----------
    patch
        Minutes per token.
    width
        Size of a token's vector.
    """

    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        self.linear = glorot(nn.Linear(patch, width))

    def forward(self, patches: Tensor) -> Tensor:
        """Return the tokens (batch, tokens, width) of patches (batch, tokens, patch)."""
        tokens: Tensor = self.linear(patches)
        return tokens


class ConvPatches(nn.Module):
    """A convolution inside each patch, then the mean over the patch's minutes.

    The convolution never crosses a patch's border: zeros stand beyond it. By default its channels
    are the token's vector and nothing follows, as published; with another number of channels, or
    without the mean, a linear projection to the width is unavoidable.

    Parameters
    ----------
    width
        Size of a token's vector.
    kernel
        Minutes that the convolution sees at once; odd, so that "same" padding is symmetric.
    channels
        Number of filters; None for the width, without a projection.
    flat
        Minutes of a patch whose filters' answers are all kept, as the projection's inputs; None
        for their mean.

    Raises
    ------
    TrainableError
        When the kernel is even or the number of channels below 1.
    """

    def __init__(
        self,
        width: int,
        kernel: int = 3,
        channels: int | None = None,
        flat: int | None = None,
    ) -> None:
        super().__init__()
        channels = width if channels is None else channels
        if kernel < 1 or kernel % 2 == 0:
            raise TrainableError(f"the convolution's kernel is odd and positive, not {kernel}")
        if channels < 1:
            raise TrainableError(f"the convolution has at least 1 channel, not {channels}")
        self.conv = glorot(nn.Conv1d(1, channels, kernel, padding=kernel // 2))
        self._flat = flat is not None
        plain = channels == width and flat is None
        self.projection = None if plain else glorot(nn.Linear(channels * (flat or 1), width))

    def forward(self, patches: Tensor) -> Tensor:
        """Return the tokens (batch, tokens, width) of patches (batch, tokens, patch)."""
        separate = patches.flatten(0, 1).unsqueeze(1)  # (batch · tokens, 1, patch)
        found = functional.relu(self.conv(separate))  # (batch · tokens, channels, patch)
        pooled = found.flatten(1) if self._flat else found.mean(dim=-1)
        tokens: Tensor = pooled if self.projection is None else self.projection(pooled)
        return tokens.view(patches.shape[0], patches.shape[1], -1)

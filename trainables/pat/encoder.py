"""The encoder: patch embedding, fixed positions, and post-norm transformer blocks.

References
----------
Ruan et al. 2024, "AI foundation models for wearable movement data in mental health research",
arXiv:2411.15240.
Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762 (post-norm block).
Dao et al. 2022, "FlashAttention", arXiv:2205.14135 (fused attention: memory linear in the tokens).
"""

from __future__ import annotations

import math
from typing import Final, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from search.errors import TrainableError, near_miss
from trainables.pat.patches import (
    ConvPatches,
    ConvPool,
    Embedding,
    LinearPatches,
    glorot,
    patched,
    sinusoids,
)
from trainables.pat.sizes import Size
from trainables.techniques.randomness import RandomStream

Attention = Literal["fused", "plain"]
NORM_EPS: Final = 1e-6


class SelfAttention(nn.Module):
    """Multi-head attention of tokens on all tokens; each head has `key` dimensions of its own.

    Parameters
    ----------
    width
        Size of a token's vector.
    heads, key
        Number of heads; size of the queries, keys and values of each.
    attention
        "fused" never holds the (tokens, tokens) weights of all heads at once; "plain" does. Both
        compute the same.
    """

    def __init__(self, width: int, heads: int, key: int, attention: Attention = "fused") -> None:
        super().__init__()
        self.heads, self.key, self.attention = heads, key, attention
        self.project = nn.Linear(width, 3 * heads * key)  # queries, keys, values
        self.out = nn.Linear(heads * key, width)
        # Keras counts the fans of kernels (width, heads, key) and (heads, key, width) as those of
        # convolutions, whose last two axes are the channels; the published encoders start so.
        _uniform(self.project, width * heads, width * key)
        _uniform(self.out, heads * key, heads * width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the attended tokens, shape (batch, tokens, width) as x has."""
        parts = self.project(x).unflatten(-1, (3, self.heads, self.key))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (batch, heads, tokens, key)
        if self.attention == "fused":
            heads = functional.scaled_dot_product_attention(query, key, value)
        else:
            scores = query @ key.transpose(-2, -1) / math.sqrt(self.key)
            heads = scores.softmax(dim=-1) @ value
        attended: Tensor = self.out(heads.transpose(1, 2).flatten(2))
        return attended


class PostNormBlock(nn.Module):
    """``x = LN(x + Drop(MHA(x, x)))``, then ``LN(x + Drop(W2 ReLU(W1 x)))``.

    Parameters
    ----------
    size
        Its width, heads, key and feed-forward size count.
    dropout
        Probability of dropping a unit.
    attention
        How attention is computed.
    """

    def __init__(self, size: Size, dropout: float, attention: Attention = "fused") -> None:
        super().__init__()
        self.attention = SelfAttention(size.width, size.heads, size.key, attention)
        self.attention_norm = nn.LayerNorm(size.width, eps=NORM_EPS)
        self.expand = glorot(nn.Linear(size.width, size.feed_forward))  # W1
        self.contract = glorot(nn.Linear(size.feed_forward, size.width))  # W2
        self.norm = nn.LayerNorm(size.width, eps=NORM_EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the transformed tokens, shape (batch, tokens, width) as x has."""
        x = self.attention_norm(x + self.dropout(self.attention(x)))
        change = self.contract(functional.relu(self.expand(x)))
        normed: Tensor = self.norm(x + self.dropout(change))
        return normed


class PatEncoder(nn.Module):
    """From activity to one vector per patch.

    The embedding is drawn from a stream of its own, which one number of torch's begins: what is
    drawn after it, here and elsewhere, is the same whichever embedding it is.

    Parameters
    ----------
    size
        Number and size of everything.
    embedding
        How a patch becomes a token: "linear", or "conv" (a convolution inside the patch, averaged).
    conv_kernel, conv_channels, conv_pool
        Of the "conv" embedding: minutes seen at once; number of filters, None for the width; their
        "mean" over a patch's minutes, or all of them ("flatten"). With another number than the
        width, or without the mean, a linear projection follows that the published encoder lacks.
    dropout
        Probability of dropping a unit; None for the size's.
    attention
        "fused", or "plain" with the attention weights in memory; both compute the same.

    Raises
    ------
    TrainableError
        When there is no such embedding or attention, or the convolution cannot be.

    Examples
    --------
    >>> from trainables.pat.sizes import SIZES
    >>> sum(parameter.numel() for parameter in PatEncoder(SIZES["L"]).parameters())
    1984192
    """

    def __init__(
        self,
        size: Size,
        embedding: Embedding = "linear",
        *,
        conv_kernel: int = 3,
        conv_channels: int | None = None,
        conv_pool: ConvPool = "mean",
        dropout: float | None = None,
        attention: Attention = "fused",
    ) -> None:
        super().__init__()
        _check_kind("embedding", embedding, get_args(Embedding))
        _check_kind("pooling", conv_pool, get_args(ConvPool))
        _check_kind("attention", attention, get_args(Attention))
        self.size, self.embedding, self.attention = size, embedding, attention
        self.conv_kernel, self.conv_pool = conv_kernel, conv_pool
        self.conv_channels = size.width if conv_channels is None else conv_channels
        self.dropout = size.dropout if dropout is None else dropout
        with RandomStream(int(torch.randint(2**32, ())), torch.device("cpu")).active():
            self.patches = self._patches()
        self.blocks = nn.ModuleList(self.block() for _ in range(size.layers))

    def forward(self, activity: Tensor) -> Tensor:
        """Return tokens (batch, minutes / patch, width) of activity (batch, minutes).

        Raises
        ------
        TrainableError
            When the number of minutes is not a multiple of the patch.
        """
        return self.encode(self.embed(activity))

    def embed(self, activity: Tensor) -> Tensor:
        """Return embedded patches with their positions added, (batch, minutes / patch, width)."""
        tokens: Tensor = self.patches(patched(activity, self.size.patch))
        return tokens + self.positions(tokens.shape[1])

    def encode(self, tokens: Tensor) -> Tensor:
        """Run the blocks on any subset of embedded tokens, (batch, tokens, width)."""
        for block in self.blocks:
            tokens = block(tokens)
        return tokens

    def positions(self, tokens: int) -> Tensor:
        """Return the positions of that many tokens, (tokens, width), where the parameters are."""
        like = next(self.parameters())
        return sinusoids(tokens, self.size.width, device=like.device, dtype=like.dtype)

    def block(self) -> PostNormBlock:
        """Return a new block like this encoder's."""
        return PostNormBlock(self.size, self.dropout, self.attention)

    def _patches(self) -> LinearPatches | ConvPatches:
        patch, width = self.size.patch, self.size.width
        if self.embedding == "linear":
            return LinearPatches(patch, width)
        flat = patch if self.conv_pool == "flatten" else None
        return ConvPatches(width, self.conv_kernel, self.conv_channels, flat)

    def stages(self) -> list[nn.Module]:
        """Return the parts in the order of the forward pass: embedding, then each block.

        Gradual unfreezing starts at the list's end.
        """
        return [self.patches, *self.blocks]

    def layout(self) -> dict[str, int | str]:
        """Return everything that an encoder must share with another to take its weights."""
        names = ("patch", "heads", "layers", "width", "key", "feed_forward")
        layout: dict[str, int | str] = {name: getattr(self.size, name) for name in names}
        layout["embedding"] = self.embedding
        if self.embedding == "conv":
            conv = ("conv_kernel", "conv_channels", "conv_pool")
            layout |= {name: getattr(self, name) for name in conv}
        return layout


def _check_kind(name: str, kind: str, known: tuple[str, ...]) -> None:
    if kind not in known:
        raise TrainableError(f"an encoder has no {name} {kind!r}{near_miss(kind, known)}")


def _uniform(linear: nn.Linear, fan_in: int, fan_out: int) -> None:
    bound = math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        linear.weight.uniform_(-bound, bound)
        linear.bias.zero_()

"""Cross-attention: the tokens of each protein look at those of the other, back and forth.

Attention over a single token is the identity, whatever its weights: softmax of one number is 1.
An embedding that is pooled over the whole sequence is therefore cut into chunks of its dimensions.

References
----------
Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from search.errors import DataError
from trainables.esm2_pair.features import FeatureConfig
from trainables.esm2_pair.heads import Classifier, MlpConfig, Outputs
from trainables.techniques.limits import at_least

SECTION: Final = "model.attention."


@dataclass(frozen=True)
class AttentionConfig:
    """Size of the interaction between two proteins."""

    chunks: int = 8  # that a pooled embedding is cut into; several tokens are taken as they are
    d_attn: int = 32
    n_heads: int = 2
    depth: int = 1  # how often both proteins look at each other


def attention_problems(attention: AttentionConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    names = ("chunks", "d_attn", "n_heads", "depth")
    yield from at_least(attention, 1, *names, prefix=SECTION)
    if attention.n_heads >= 1 and attention.d_attn % attention.n_heads:
        yield (
            f"model.attention.d_attn must be a multiple of n_heads={attention.n_heads}, got "
            f"{attention.d_attn}"
        )


def check_tokens(n_tokens: int, dims: int, chunks: int) -> None:
    """Refuse embeddings over which attention could not choose.

    Raises
    ------
    DataError
        If there would be one token, or chunks of unequal size.
    """
    if n_tokens > 1:
        return
    if chunks == 1:
        raise DataError(
            "model.arch='cross_attention' needs several tokens per protein: embeddings have one, "
            "over which attention is the identity; set model.attention.chunks to 2 or more"
        )
    if dims % chunks:
        raise DataError(
            f"model.attention.chunks must divide the {dims} dimensions of an embedding, got "
            f"{chunks}"
        )


class Tokens(nn.Module):
    """Tokens of the width of attention: projected ones, or chunks with a projection each.

    Parameters
    ----------
    n_tokens, dims
        Of the embeddings.
    attention : AttentionConfig
    """

    def __init__(self, n_tokens: int, dims: int, attention: AttentionConfig) -> None:
        super().__init__()
        check_tokens(n_tokens, dims, attention.chunks)
        count = n_tokens if n_tokens > 1 else attention.chunks
        self._chunks = 0 if n_tokens > 1 else attention.chunks
        width = attention.d_attn
        if self._chunks:  # a chunk's dimensions are its own: no other chunk has their meaning
            bound = (dims // self._chunks) ** -0.5
            weight = torch.empty(self._chunks, dims // self._chunks, width)
            self.weight = nn.Parameter(weight.uniform_(-bound, bound))
        else:
            self.project = nn.Linear(dims, width)
        self.position = nn.Parameter(0.02 * torch.randn(count, width))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens of shape (batch, 2, count, d_attn)."""
        if self._chunks:
            parts = tokens.view(len(tokens), 2, self._chunks, -1)
            projected = torch.einsum("bpcd,cdw->bpcw", parts, self.weight)
        else:
            projected = self.project(tokens)
        normalised: Tensor = self.norm(projected + self.position)
        return normalised


class Interaction(nn.Module):
    """Both directions at once: a ← LayerNorm(a + attention(a, b)), and b likewise.

    Parameters
    ----------
    width, n_heads
        Of the attention.
    dropout
        Of what it adds.
    """

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.forth = nn.MultiheadAttention(width, n_heads, batch_first=True)
        self.back = nn.MultiheadAttention(width, n_heads, batch_first=True)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.dropout = nn.Dropout(dropout)

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Return both proteins' tokens, of shape (batch, count, width) each."""
        seen, _ = self.forth(first, second, second, need_weights=False)
        looked, _ = self.back(second, first, first, need_weights=False)
        after = self.norms[0](first + self.dropout(seen))
        return after, self.norms[1](second + self.dropout(looked))


class CrossAttention(nn.Module):
    """Interactions between tokens, their means, and a classifier on features of these.

    Parameters
    ----------
    n_tokens, dims
        Of the embeddings.
    attention : AttentionConfig
    features : FeatureConfig
        Of the two means.
    mlp : MlpConfig
    """

    def __init__(
        self,
        n_tokens: int,
        dims: int,
        attention: AttentionConfig,
        features: FeatureConfig,
        mlp: MlpConfig,
    ) -> None:
        super().__init__()
        width = attention.d_attn
        self.tokens = Tokens(n_tokens, dims, attention)
        self.interactions = nn.ModuleList(
            Interaction(width, attention.n_heads, mlp.dropout) for _ in range(attention.depth)
        )
        self.classifier = Classifier(width, features, mlp)

    def forward(self, tokens: Tensor, _: Tensor) -> Outputs:
        """Return logits, of tokens of shape (batch, 2, tokens, dims)."""
        first, second = self.tokens(tokens).unbind(dim=1)
        for interaction in self.interactions:
            first, second = interaction(first, second)
        means = torch.stack([first.mean(dim=1), second.mean(dim=1)], dim=1)
        return Outputs(self.classifier(means))

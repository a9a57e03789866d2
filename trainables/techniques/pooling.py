"""Pooling of masked sequences: last position, mean, and learned attention.

Every pool summarises all prefixes of a sequence at once: position t of its result sees positions
0 to t only, and the last position is the summary of the whole. A forecast can so be read off
after every message, at the cost of one.

References
----------
Lin et al. 2017, "A structured self-attentive sentence embedding", arXiv:1703.03130.
Ilse, Tomczak and Welling 2018, "Attention-based deep multiple instance learning",
arXiv:1802.04712.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Pooling = Literal["last", "mean", "attention"]
TINY = 1e-12  # keeps a prefix of nothing but padding at zero instead of 0/0


def pool(kind: Pooling, width: int, hidden: int) -> LastPool | MeanPool | AttentionPool:
    """Return the pooling module of a name; `hidden` is used by attention only."""
    if kind == "last":
        return LastPool()
    return MeanPool() if kind == "mean" else AttentionPool(width, hidden)


class LastPool(nn.Module):
    """The prefix's last position: expects left padding, so that the last one is always real."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return x itself, (batch, length, width), with padding zeroed."""
        return x * mask.unsqueeze(-1)

    def weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return each position's share in the final summary, shape (batch, length)."""
        share = torch.zeros_like(x[..., 0])
        share[:, -1] = mask[:, -1].to(share.dtype)
        return share


class MeanPool(nn.Module):
    """Mean over the prefix's real positions."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return prefix means, shape (batch, length, width); zero before the first real one."""
        real = mask.unsqueeze(-1).to(x.dtype)  # (batch, length, 1)
        return (x * real).cumsum(dim=1) / real.cumsum(dim=1).clamp_min(1.0)

    def weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return each position's share in the final summary, shape (batch, length)."""
        real = mask.to(x.dtype)
        return real / real.sum(dim=1, keepdim=True).clamp_min(1.0)


class AttentionPool(nn.Module):
    """Softmax-weighted mean over the prefix's real positions, with learned scores.

    Parameters
    ----------
    width
        Size of the sequence's vectors.
    hidden
        Size of the hidden layer of the score, Linear-tanh-Linear; 0 for a single linear layer.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        if hidden:
            self.score: nn.Module = nn.Sequential(
                nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1)
            )
        else:
            self.score = nn.Linear(width, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return prefix summaries, shape (batch, length, width); zero before the first real one."""
        relevance = self._relevance(x, mask).unsqueeze(-1)  # (batch, length, 1)
        total = relevance.cumsum(dim=1).clamp_min(TINY)
        return (relevance * x).cumsum(dim=1) / total

    def weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return each position's share in the final summary, shape (batch, length)."""
        relevance = self._relevance(x, mask)
        return relevance / relevance.sum(dim=1, keepdim=True).clamp_min(TINY)

    def _relevance(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return exp(score), scaled so that a sequence's greatest is 1; 0 at padding."""
        score = self.score(x).squeeze(-1).masked_fill(~mask, -torch.inf)  # (batch, length)
        peak = score.amax(dim=1, keepdim=True).clamp_min(torch.finfo(score.dtype).min)
        relevance: Tensor = (score - peak.detach()).exp()
        return relevance

"""From the sources' vectors of a day to one.

References
----------
Vaswani et al. 2017, arXiv:1706.03762 (attention). The gate in time is the source document's.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.han.blocks import GroupedLinear, PositionWise, SharedDropout, normalised, token
from trainables.han.daily_encoder import MultiScale
from trainables.han.shape import Fusion

GATE_KERNELS = (3, 7, 14)  # days
GATE_CHANNELS = 4  # of each of these


class ConcatFusion(nn.Module):
    """Sources side by side through one matrix: the plain way.

    Parameters
    ----------
    n_sources
        Number of sources.
    width
        Size of the vectors.
    """

    def __init__(self, n_sources: int, width: int) -> None:
        super().__init__()
        self.mix = GroupedLinear(1, n_sources * width, width)

    def forward(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor | None]:
        """Fuse x; see `AttentionFusion`. Positions are not read."""
        del positions
        return self.mix(x.flatten(0, 1).unsqueeze(0)), None


class SourceAttention(nn.Module):
    """Each source of a day looks at all of that day.

    A day has few sources: their products are taken channel by channel along the days, instead of
    in one small matrix product per day and head.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = GroupedLinear(1, width, 3 * width)  # queries, keys, values
        self.out = GroupedLinear(1, width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Attend across the sources of x (1, width, n_sources, n, n_days)."""
        size = x.shape[1] // self.heads
        parts = self.project(x).view(3, self.heads, size, x.shape[2], -1)
        query, key, value = parts.unbind(0)  # each (heads, size, n_sources, rows)
        heard = []
        for asking in query.unbind(2):  # source by source: what stays small stays in the cache
            scores = (asking.unsqueeze(2) * key).sum(dim=1) / math.sqrt(size)
            weights = scores.softmax(dim=1).unsqueeze(1)  # (heads, 1, n_sources, rows)
            heard.append((weights * value).sum(dim=2))
        attended: Tensor = self.out(torch.stack(heard, dim=2).view(x.shape))
        return attended


class SourceBlock(nn.Module):
    """A transformer block across the sources of a day; see `trainables.han.blocks.Block`."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = SourceAttention(width, heads)
        self.position_wise = PositionWise(1, width)
        self.dropout = SharedDropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Transform x (1, width, n_sources, n, n_days)."""
        x = x + self._dropped(self.attention(normalised(x)))
        return x + self._dropped(self.position_wise(normalised(x)))

    def _dropped(self, x: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(x.flatten(2, 3))
        return dropped.view(x.shape)


class SourceGate(nn.Module):
    """How much each source counts on each day: softmax(score / temperature) over the sources.

    The score of a source follows from its last 3, 7 and 14 days, and from where the day stands.

    Parameters
    ----------
    n_sources
        Number of sources.
    width
        Size of the vectors.
    temperature
        Low: one source counts; high: all count alike.
    causal
        Whether days after it have no say in a day's gate.
    """

    def __init__(self, n_sources: int, width: int, *, temperature: float, causal: bool) -> None:
        super().__init__()
        self.temperature = temperature
        self.channels = GroupedLinear(1, width, GATE_CHANNELS)
        self.scales = MultiScale(GATE_CHANNELS, GATE_KERNELS, causal=causal)
        self.score = GroupedLinear(1, len(GATE_KERNELS) * GATE_CHANNELS, 1)
        self.prior = nn.Parameter(torch.zeros(n_sources, 1, 1))

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Return weights (n_sources, n, n_days) for x (1, width, n_sources, n, n_days)."""
        series = self.channels(x + positions.unsqueeze(1)).squeeze(0).flatten(1, 2)
        scales = self.scales(series).unsqueeze(0)  # (1, channels, n_sources · n, n_days)
        scores = self.score(functional.relu(scales)).view(x.shape[2:]) + self.prior
        return torch.softmax(scores / self.temperature, dim=0)


class AttentionFusion(nn.Module):
    """Attention across the sources of each day, then their mean, or a gated one.

    Parameters
    ----------
    n_sources
        Number of sources.
    width, heads, layers
        Size of the vectors; attention heads and number of blocks.
    dropout
        Probability of dropping a unit.
    gate
        See `SourceGate`; None for a plain mean.
    """

    def __init__(
        self,
        n_sources: int,
        *,
        width: int,
        heads: int,
        layers: int,
        dropout: float,
        gate: SourceGate | None,
    ) -> None:
        super().__init__()
        self.source = token(width, n_sources, 1, 1)  # which source a vector comes from
        self.blocks = nn.ModuleList(SourceBlock(width, heads, dropout) for _ in range(layers))
        self.gate = gate

    def forward(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor | None]:
        """Fuse the sources of each day.

        Parameters
        ----------
        x : Tensor of shape (n_sources, width, n, n_days)
        positions : Tensor of shape (width, n, n_days)
            Where each day stands.

        Returns
        -------
        days : Tensor of shape (1, width, n, n_days)
        weights : Tensor of shape (n, n_days, n_sources), or None without a gate
        """
        x = (x.transpose(0, 1) + self.source).unsqueeze(0)
        for block in self.blocks:
            x = block(x)
        if self.gate is None:
            return x.mean(dim=2), None
        weights = self.gate(x, positions)
        return (x * weights).sum(dim=2), weights.permute(1, 2, 0)


def fusion(
    kind: Fusion,
    n_sources: int,
    *,
    width: int,
    heads: int,
    layers: int,
    dropout: float,
    temperature: float,
    causal: bool,
) -> ConcatFusion | AttentionFusion:
    """Return the fusion of that kind; see the classes."""
    if kind == "concat":
        return ConcatFusion(n_sources, width)
    gate = SourceGate(n_sources, width, temperature=temperature, causal=causal)
    return AttentionFusion(
        n_sources,
        width=width,
        heads=heads,
        layers=layers,
        dropout=dropout,
        gate=gate if kind == "gated" else None,
    )

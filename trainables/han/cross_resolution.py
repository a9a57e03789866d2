"""Months as the days tell them, and months as the monthly sources do: each hears the other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainables.han.blocks import GroupedLinear, SharedDropout, attend, normalised
from trainables.han.shape import CrossResolution


class CrossAttention(nn.Module):
    """One sequence of months attends to another, and takes of it what a gate lets through.

    Parameters
    ----------
    width, heads
        Size of the vectors; attention heads.
    gating
        Whether a gate per month and channel stands in front of what was heard.
    dropout
        Probability of dropping a unit of what was heard.
    """

    def __init__(self, width: int, heads: int, *, gating: bool, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = GroupedLinear(1, width, width)
        self.project = GroupedLinear(1, width, 2 * width)  # keys, values
        self.out = GroupedLinear(1, width, width)
        self.gate = GroupedLinear(1, 2 * width, width) if gating else None
        self.dropout = SharedDropout(dropout)

    def forward(self, x: Tensor, other: Tensor, bias: Tensor) -> Tensor:
        """Return x (1, width, n, n_months) with what it heard of the other, of the same shape.

        The bias (n_months, n_months) says which months of the other (columns) each month of x
        (rows) looks at.
        """
        parts = [self.query(normalised(x)), self.project(normalised(other))]
        heard = self.out(attend(torch.cat(parts, dim=1), bias, self.heads))
        if self.gate is not None:
            heard = heard * torch.sigmoid(self.gate(torch.cat([x, heard], dim=1)))
        listened: Tensor = x + self.dropout(heard)
        return listened


class CrossResolutionFusion(nn.Module):
    """Both sequences of months to one.

    Parameters
    ----------
    width, heads, layers
        Size of the vectors; attention heads and number of rounds.
    direction
        Who listens: nobody; the monthly sources to the days; both, each to the other as it was
        before the round.
    gating
        See `CrossAttention`.
    dropout
        Probability of dropping a unit.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        layers: int,
        direction: CrossResolution,
        gating: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        to_monthly = layers if direction != "none" else 0
        to_daily = layers if direction == "both" else 0

        def attention() -> CrossAttention:
            return CrossAttention(width, heads, gating=gating, dropout=dropout)

        self.to_monthly = nn.ModuleList(attention() for _ in range(to_monthly))
        self.to_daily = nn.ModuleList(attention() for _ in range(to_daily))
        self.join = GroupedLinear(1, 2 * width, width)

    def forward(self, daily: Tensor, monthly: Tensor, bias: Tensor) -> Tensor:
        """Return months (1, width, n, n_months); see `CrossAttention` for the arguments' shapes."""
        for place, listen in enumerate(self.to_monthly):
            heard = listen(monthly, daily, bias)
            if place < len(self.to_daily):
                daily = self.to_daily[place](daily, monthly, bias)
            monthly = heard
        joined: Tensor = self.join(torch.cat([daily, monthly], dim=1))
        return joined

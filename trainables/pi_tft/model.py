"""PI-TFT: a Temporal Fusion Transformer encoder on conjunction data messages (CDMs).

Variable selection with static context, an MLP embedding of the continuous time to closest approach
in place of positions, causal interpretable attention, gated residuals, a pool over the CDMs, and
two heads: the logit of a high final risk and the final miss distance. Attention is causal, as in
the paper's decoder, so that the forecast after the k-th CDM knows k CDMs.

References
----------
Lim et al. 2021, "Temporal Fusion Transformers for interpretable multi-horizon time series
forecasting", arXiv:1912.09363.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainables.pi_tft.blocks import (
    GatedLinearUnit,
    GatedResidual,
    InterpretableAttention,
    Packing,
    VariableSelection,
)
from trainables.techniques.pooling import Pooling, pool

WEEK_DAYS = 7.0  # the span of a CDM sequence: brings the embedded time to order 1


class Insight(NamedTuple):
    """What the network looked at.

    Parameters
    ----------
    attention : Tensor of shape (batch, length, length)
        Weights of the last block's attention, mean over heads.
    pooling : Tensor of shape (batch, length)
        Each CDM's share in the summary that the heads read.
    selection : Tensor of shape (batch, length, n_temporal)
        Weights of variable selection; 0 at padding.
    """

    attention: Tensor
    pooling: Tensor
    selection: Tensor


class FusionBlock(nn.Module):
    """Static enrichment, attention, and a position-wise network, each behind a gated residual."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.enrichment = GatedResidual(width, width, width, dropout, n_context=width)
        self.attention = InterpretableAttention(width, heads)
        self.attention_gate = GatedLinearUnit(width, width, dropout)
        self.attention_norm = nn.LayerNorm(width)
        self.position_wise = GatedResidual(width, width, width, dropout)
        self.block_gate = GatedLinearUnit(width, width, dropout)
        self.block_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, context: Tensor, packing: Packing) -> tuple[Tensor, Tensor]:
        """Return the transformed positions (n_real, width) and the attention weights."""
        enriched = self.enrichment(x, context, packing)
        attended, weights = self.attention(enriched, packing)
        attended = self.attention_norm(enriched + self.attention_gate(attended, packing))
        out = self.block_gate(self.position_wise(attended, packing=packing), packing)
        return self.block_norm(x + out), weights


class Encoder(nn.Module):
    """From CDMs and static features to one summary per prefix of the CDM sequence.

    Parameters
    ----------
    n_temporal, n_static
        Number of features per CDM and per event.
    width, layers, heads
        Size of the vectors, number of fusion blocks, attention heads of each.
    dropout
        Probability of dropping a unit.
    gated_selection
        Embed each variable with its own gated residual network.
    pooling, pool_hidden
        How CDMs become one summary; hidden size of the attention pool's score.
    """

    def __init__(
        self,
        n_temporal: int,
        n_static: int,
        *,
        width: int,
        layers: int,
        heads: int,
        dropout: float,
        gated_selection: bool,
        pooling: Pooling,
        pool_hidden: int,
    ) -> None:
        super().__init__()
        self.static_selection = VariableSelection(n_static, width, dropout, gated=gated_selection)
        self.selection_context = GatedResidual(width, width, width, dropout)  # c_s
        self.enrichment_context = GatedResidual(width, width, width, dropout)  # c_e
        self.selection = VariableSelection(
            n_temporal, width, dropout, n_context=width, gated=gated_selection
        )
        self.time = nn.Sequential(nn.Linear(2, width), nn.ELU(), nn.Linear(width, width))
        self.entry = GatedResidual(width, width, width, dropout)
        self.blocks = nn.ModuleList(FusionBlock(width, heads, dropout) for _ in range(layers))
        with torch.random.fork_rng(devices=[]):  # so that all else starts alike whatever the pool
            self.pool = pool(pooling, width, pool_hidden)

    def forward(
        self,
        temporal: Tensor,
        mask: Tensor,
        time_to_tca: Tensor,
        static: Tensor,
        owners: Tensor | None = None,
    ) -> Tensor:
        """Return the summary of every prefix.

        Parameters
        ----------
        temporal : Tensor of shape (rows, length, n_temporal)
            Left-padded: the last position is real.
        mask : bool Tensor of shape (rows, length)
            True where there is a CDM.
        time_to_tca : Tensor of shape (rows, length)
            In days.
        static : Tensor of shape (n_events, n_static)
        owners : Tensor of shape (rows,), optional
            Event that each row belongs to; by default, one row per event.

        Returns
        -------
        Tensor of shape (rows, length, width)
        """
        packing = _packing(mask, owners, len(static))
        sequence, _, _ = self._sequence(packing, temporal, time_to_tca, static)
        summaries: Tensor = self.pool(sequence, mask)
        return summaries

    def inspect(
        self, temporal: Tensor, mask: Tensor, time_to_tca: Tensor, static: Tensor
    ) -> Insight:
        """Return what the network looked at; arguments as for a forward pass."""
        packing = _packing(mask, None, len(static))
        sequence, attention, selected = self._sequence(packing, temporal, time_to_tca, static)
        return Insight(attention, self.pool.weights(sequence, mask), packing.spread(selected))

    def _sequence(
        self, packing: Packing, temporal: Tensor, time_to_tca: Tensor, static: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return vectors (rows, length, width), attention, and selection weights."""
        fixed, _ = self.static_selection(static)  # (n_events, width)
        x, selected = self._embed(packing, temporal, time_to_tca, fixed)
        context = self.enrichment_context(fixed)  # (n_events, width)
        attention = torch.zeros_like(packing.allowed)
        for block in self.blocks:
            x, attention = block(x, context, packing)
        return packing.spread(x), attention, selected

    def _embed(
        self, packing: Packing, temporal: Tensor, time_to_tca: Tensor, fixed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return vectors (n_real, width) and selection weights (n_real, n_temporal)."""
        context = self.selection_context(fixed)  # (n_events, width)
        mix, weights = self.selection(packing.gather(temporal), context, packing)
        days = packing.gather(time_to_tca.unsqueeze(-1))  # (n_real, 1)
        clock = torch.cat([days / WEEK_DAYS, days.clamp_min(0).log1p()], dim=-1)
        return self.entry(mix + self.time(clock), packing=packing), weights


def _packing(mask: Tensor, owners: Tensor | None, n_events: int) -> Packing:
    if owners is None:
        owners = torch.arange(len(mask), device=mask.device)
    return Packing(mask, owners, n_events)


class PiTftNetwork(nn.Module):
    """Encoder and heads.

    Parameters
    ----------
    encoder
        Shared by both tasks.
    width
        Size of the encoder's summaries.
    prior_logit
        Log-odds of a high risk in the training data: where the risk head starts, so that the
        first steps are not spent on learning the base rate.
    """

    def __init__(self, encoder: Encoder, width: int, *, prior_logit: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.risk_head = nn.Linear(width, 1)
        self.miss_head = nn.Linear(width, 1)
        nn.init.constant_(self.risk_head.bias, prior_logit)

    def risk_logits(self, summaries: Tensor) -> Tensor:
        """Return the logit of a high final risk after every CDM, shape (batch, length)."""
        logits: Tensor = self.risk_head(summaries)
        return logits.squeeze(-1)

    def miss(self, summaries: Tensor) -> Tensor:
        """Return the standardised log1p final miss distance after the last CDM, shape (batch,)."""
        miss: Tensor = self.miss_head(summaries[:, -1])
        return miss.squeeze(-1)

    def forward(
        self, temporal: Tensor, mask: Tensor, time_to_tca: Tensor, static: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return risk logits (batch, length) and standardised misses (batch,)."""
        summaries = self.encoder(temporal, mask, time_to_tca, static)
        return self.risk_logits(summaries), self.miss(summaries)

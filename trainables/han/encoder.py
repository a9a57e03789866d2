"""From a batch of windows to states of days and months: all that the tasks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainables.han.batch import Batch
from trainables.han.blocks import Block, apart, mask_bias, normalised, visible
from trainables.han.cross_resolution import CrossResolutionFusion
from trainables.han.daily_encoder import DailyEncoder
from trainables.han.fusion import fusion
from trainables.han.geography import GeographicEncoder
from trainables.han.months import aggregation
from trainables.han.positions import DayPositions, MonthPositions
from trainables.han.shape import DataShape, ModelConfig
from trainables.han.source_encoder import FeatureEmbedding, SourceEncoder


class Encoded(NamedTuple):
    """What the encoder makes of a batch.

    Parameters
    ----------
    days : Tensor of shape (n, n_days, width)
    months : Tensor of shape (n, n_months, width)
    weights : mapping of str to Tensor
        See `trainables.han.batch.Outputs`.
    """

    days: Tensor
    months: Tensor
    weights: Mapping[str, Tensor]

    @property
    def state(self) -> Tensor:
        """The last day's state and the last month's, side by side, shape (n, 2 · width)."""
        return torch.cat([self.days[:, -1], self.months[:, -1]], dim=-1)


class DailySources(nn.Module):
    """All daily sources, regional ones among them, to one vector per source and day.

    Parameters
    ----------
    shape
        Of the data.
    config
        Of the network.
    """

    def __init__(self, shape: DataShape, config: ModelConfig) -> None:
        super().__init__()
        self.daily, self.regional = tuple(shape.daily), tuple(shape.regional)
        counts = tuple(shape.daily.values())
        self.embedding = _embedding(counts, config) if counts else None
        self.geography = nn.ModuleList(
            _geography(features, shape, config) for _, features in shape.regional.values()
        )
        self.encoder = _source_encoder(len(self.daily) + len(self.regional), config)

    def forward(self, batch: Batch, positions: Tensor, bias: Tensor) -> Tensor:
        """Return vectors (n_sources, width, n, n_days)."""
        pairs: list[tuple[Tensor, Tensor]] = []
        if self.embedding is not None:
            pairs.append(self.embedding([batch.daily[name] for name in self.daily]))
        for name, encoder in zip(self.regional, self.geography, strict=True):
            vectors, observed = encoder(batch.regional[name])
            pairs.append((vectors.unsqueeze(0), observed.unsqueeze(0)))
        vectors, observed = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        encoded: Tensor = self.encoder(vectors, observed, positions, bias)
        return encoded


class MonthlySources(nn.Module):
    """All monthly sources to one vector per month, their mean; arguments as for `DailySources`."""

    def __init__(self, shape: DataShape, config: ModelConfig) -> None:
        super().__init__()
        self.monthly = tuple(shape.monthly)
        self.embedding = _embedding(tuple(shape.monthly.values()), config)
        self.encoder = _source_encoder(len(self.monthly), config)

    def forward(self, batch: Batch, positions: Tensor, bias: Tensor) -> Tensor:
        """Return vectors (1, width, n, n_months)."""
        vectors, observed = self.embedding([batch.monthly[name] for name in self.monthly])
        encoded: Tensor = self.encoder(vectors, observed, positions, bias)
        return encoded.mean(dim=0, keepdim=True)


class TemporalEncoder(nn.Module):
    """Attention over the months; arguments as for `trainables.han.blocks.Block`."""

    def __init__(self, layers: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(1, width, heads, dropout) for _ in range(layers))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Transform x (1, width, n, n_months); bias has shape (n_months, n_months)."""
        for block in self.blocks:
            x = block(x, bias)
        return normalised(x)


class HanEncoder(nn.Module):
    """Sources, their fusion, days, months, and both resolutions together.

    Parameters
    ----------
    shape
        Of the data; any kind of source may be missing, but for one by day.
    config
        Of the network.
    """

    def __init__(self, shape: DataShape, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        self.day_positions = apart(lambda: DayPositions(config.positions, width, shape.days))
        self.month_positions = apart(lambda: MonthPositions(config.positions, width, shape.months))
        self.daily_encoders = apart(lambda: DailySources(shape, config))
        self.daily_fusion = apart(lambda: _fusion(shape, config))
        self.daily_temporal_encoder = apart(lambda: _daily_encoder(shape, config))
        self.monthly_aggregation = apart(
            lambda: aggregation(config.aggregation, width, config.heads, shape.months)
        )
        self.monthly_encoder = (
            apart(lambda: MonthlySources(shape, config)) if shape.monthly else None
        )
        self.cross_resolution_fusion = apart(lambda: _cross_resolution(config))
        self.temporal_encoder = apart(
            lambda: TemporalEncoder(config.temporal_layers, width, config.heads, config.dropout)
        )
        self.day_bias: Tensor
        self.month_bias: Tensor
        for name, length in (("day_bias", shape.days), ("month_bias", shape.months)):
            bias = mask_bias(visible(length, causal=config.causal))
            self.register_buffer(name, bias, persistent=False)

    def forward(self, batch: Batch) -> Encoded:
        """Encode a batch."""
        days, gate = self._days(batch)
        positions = self.month_positions(batch.month_season)
        aggregated, attention = self.monthly_aggregation(days, batch.month)
        aggregated = aggregated.permute(2, 0, 1).unsqueeze(0) + positions
        monthly = torch.zeros_like(aggregated)
        if self.monthly_encoder is not None:
            monthly = self.monthly_encoder(batch, positions, self.month_bias)
        months = self.cross_resolution_fusion(aggregated, monthly, self.month_bias)
        months = self.temporal_encoder(months, self.month_bias).squeeze(0).permute(1, 2, 0)
        weights = {"fusion": gate, "aggregation": attention}
        kept = {name: weight.detach() for name, weight in weights.items() if weight is not None}
        return Encoded(days, months, kept)

    def days(self, batch: Batch) -> Tensor:
        """Return the days' states alone, shape (n, n_days, width)."""
        return self._days(batch)[0]

    def _days(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        positions = self.day_positions(batch.weekday, batch.season)
        sources = self.daily_encoders(batch, positions, self.day_bias)
        fused, gate = self.daily_fusion(sources, positions)
        days = self.daily_temporal_encoder(fused, positions)
        return days.squeeze(0).permute(1, 2, 0), gate


def _embedding(features: tuple[int, ...], config: ModelConfig) -> FeatureEmbedding:
    return FeatureEmbedding(
        features,
        config.width,
        embeddings=config.feature_embeddings,
        compression=config.compression,
    )


def _geography(features: int, shape: DataShape, config: ModelConfig) -> GeographicEncoder:
    return GeographicEncoder(
        features,
        shape.distances,
        width=config.width,
        heads=config.heads,
        scale_km=config.scale_km,
        geographic=config.geographic,
        embeddings=config.feature_embeddings,
        compression=config.compression,
    )


def _source_encoder(n_sources: int, config: ModelConfig) -> SourceEncoder:
    return SourceEncoder(
        n_sources,
        width=config.width,
        heads=config.heads,
        layers=config.source_layers,
        dropout=config.dropout,
    )


def _fusion(shape: DataShape, config: ModelConfig) -> nn.Module:
    return fusion(
        config.fusion,
        len(shape.daily) + len(shape.regional),
        width=config.width,
        heads=config.heads,
        layers=config.fusion_layers,
        dropout=config.dropout,
        temperature=config.gate_temperature,
        causal=config.causal,
    )


def _daily_encoder(shape: DataShape, config: ModelConfig) -> DailyEncoder:
    return DailyEncoder(
        shape.days,
        width=config.width,
        heads=config.heads,
        kernels=config.kernels,
        window=config.window,
        causal=config.causal,
        dropout=config.dropout,
    )


def _cross_resolution(config: ModelConfig) -> CrossResolutionFusion:
    return CrossResolutionFusion(
        config.width,
        config.heads,
        layers=config.cross_layers,
        direction=config.cross_resolution,
        gating=config.cross_gating,
        dropout=config.dropout,
    )

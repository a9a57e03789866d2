"""The shape of the network: which parts it has and how large, and what data it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from trainables.techniques.limits import at_least, below_one, one_of, positive

Fusion = Literal["concat", "attention", "gated"]
Kernels = Literal["none", "3-7", "3-7-14", "3-7-14-28"]
Aggregation = Literal["mean", "attention", "constrained"]
CrossResolution = Literal["none", "daily_to_monthly", "both"]
Positions = Literal["none", "sinusoidal", "weekday", "weekday_month"]
ForecastHead = Literal["features", "latent"]
Decoder = Literal["linear", "low_rank"]
Uncertainty = Literal["none", "learned", "density"]


@dataclass(frozen=True)
class ModelConfig:
    """Size and shape of the network; each part can be taken away."""

    width: int = 16  # 64 to 128 in the source document
    heads: int = 2
    source_layers: int = 1  # of each source's encoder; 4 in the source document
    causal: bool = True  # whether a day sees only days before it
    feature_embeddings: bool = True  # of each feature, and of whether it was observed
    compression: bool = True  # values above 100 are compressed by a logarithm
    positions: Positions = "weekday_month"  # sinusoidal, with day of the week, with month
    geographic: bool = True  # attention across regions, with a prior of distance; else their mean
    scale_km: float = 100.0  # of that prior, exp(-distance / scale)
    fusion: Fusion = "gated"  # of the daily sources: side by side, attention, with a gate in time
    fusion_layers: int = 1  # 2 in the source document
    gate_temperature: float = 1.0
    kernels: Kernels = "3-7-14-28"  # days, of the convolutions of the daily encoder
    window: int = 31  # days that its attention looks back; 0 for all
    aggregation: Aggregation = "constrained"  # of days to months: within a month's own days
    cross_resolution: CrossResolution = "both"
    cross_layers: int = 1
    cross_gating: bool = True
    temporal_layers: int = 1  # of the last encoder, over months; 2 in the source document
    dropout: float = 0.1
    forecast_hidden: int = 128  # of both forecasts' heads
    forecast_head: ForecastHead = "features"  # "latent": days' states first, features from them
    latent_hidden: int = 64  # of the predictor of states
    horizon_embedding: bool = True  # whether that predictor knows which day it predicts by name
    decoder: Decoder = "linear"  # from a day's state to its features
    rank: int = 8  # of the low-rank one
    uncertainty: Uncertainty = "none"  # of the anomaly score: learned, growing as data thin out


@dataclass(frozen=True, eq=False)
class DataShape:
    """What the network must know of the data before it sees any.

    Parameters
    ----------
    daily, monthly
        Number of features by source.
    regional
        Number of regions and of features by source.
    distances : Tensor of shape (n_regions, n_regions)
        Kilometres between regions; empty where there is no regional source.
    days, months
        Of a window.
    forecast
        Number of features that are forecast.
    """

    daily: Mapping[str, int]
    regional: Mapping[str, tuple[int, int]]
    monthly: Mapping[str, int]
    distances: Tensor
    days: int
    months: int
    forecast: int


def model_problems(model: ModelConfig) -> Iterator[str]:
    """Yield what is wrong with a network's configuration."""
    words = (
        ("positions", Positions),
        ("fusion", Fusion),
        ("kernels", Kernels),
        ("aggregation", Aggregation),
        ("cross_resolution", CrossResolution),
        ("forecast_head", ForecastHead),
        ("decoder", Decoder),
        ("uncertainty", Uncertainty),
    )
    for name, kinds in words:
        yield from one_of(model, name, get_args(kinds), prefix="model.")
    counts = ("width", "heads", "source_layers", "fusion_layers", "cross_layers")
    yield from at_least(model, 1, *counts, "forecast_hidden", "latent_hidden", prefix="model.")
    yield from at_least(model, 1, "rank", prefix="model.")
    yield from at_least(model, 0, "window", "temporal_layers", prefix="model.")
    yield from positive(model, "scale_km", "gate_temperature", prefix="model.")
    yield from below_one(model, "dropout", prefix="model.")
    if model.heads > 0 and model.width % (2 * model.heads):
        yield f"model.width must be divisible by twice model.heads={model.heads}, got {model.width}"

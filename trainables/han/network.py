"""Multi-Resolution HAN: a shared encoder of days and months, and a head per task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from trainables.han.batch import AHEAD, REGIMES, Batch, Observed, Outputs, Task
from trainables.han.blocks import apart
from trainables.han.encoder import Encoded, HanEncoder
from trainables.han.heads import (
    AnomalyHead,
    FeatureForecast,
    HasPrior,
    LatentForecast,
    LatentStatePredictor,
    Readout,
)
from trainables.han.shape import DataShape, ModelConfig

COMPONENTS: Final[Mapping[str, str]] = {
    "encoder.daily_encoders": "daily_encoders",
    "encoder.daily_fusion": "daily_fusion",
    "encoder.daily_temporal_encoder": "daily_temporal_encoder",
    "encoder.monthly_aggregation": "monthly_aggregation",
    "encoder.monthly_encoder": "monthly_encoder",
    "encoder.cross_resolution_fusion": "cross_resolution_fusion",
    "encoder.temporal_encoder": "temporal_encoder",
    "encoder.day_positions": "positions",
    "encoder.month_positions": "positions",
    "heads.forecast": "forecast_head",
    "heads.daily_forecast": "daily_forecast_head",
    "heads.regime": "prediction_heads",
    "heads.casualty": "prediction_heads",
    "heads.anomaly": "prediction_heads",
    "heads.transition": "prediction_heads",
}
CASUALTY = 3  # numbers that describe a distribution of counts


class HanNetwork(nn.Module):
    """Encoder and heads.

    Parameters
    ----------
    shape
        Of the data.
    config
        Of the network.

    Attributes
    ----------
    encoder : HanEncoder
        Shared by all tasks.
    heads : nn.ModuleDict
        By task.
    """

    def __init__(self, shape: DataShape, config: ModelConfig) -> None:
        super().__init__()
        self.encoder = apart(lambda: HanEncoder(shape, config))
        n_state = 2 * config.width
        self.heads = nn.ModuleDict(
            {
                "regime": apart(lambda: Readout(n_state, REGIMES)),
                "casualty": apart(lambda: Readout(n_state, CASUALTY)),
                "anomaly": apart(lambda: AnomalyHead(n_state, config.uncertainty)),
                "transition": apart(lambda: Readout(n_state, 1)),
                "forecast": apart(lambda: _features(shape.forecast, config)),
                "daily_forecast": apart(lambda: _daily_forecast(shape.forecast, config)),
            }
        )

    def forward(self, batch: Batch) -> Outputs:
        """Return what is said about a batch."""
        return self.read(self.encoder(batch), batch)

    def read(self, encoded: Encoded, batch: Batch) -> Outputs:
        """Return what the heads say about a batch that has been encoded.

        In single precision, whatever the encoder computes in: a forecast of thousands, in its own
        unit, has more digits than half precision.
        """
        with torch.autocast(encoded.state.device.type, enabled=False):
            return self._read(encoded.state.float(), encoded, batch)

    def _read(self, state: Tensor, encoded: Encoded, batch: Batch) -> Outputs:
        heads = self.heads
        daily, latents, cycle = self._days_ahead(state)
        return Outputs(
            state=state,
            regime=heads["regime"](state),
            casualty=heads["casualty"](state),
            anomaly=heads["anomaly"](state, observation_density(batch)),
            transition=heads["transition"](state).squeeze(-1),
            forecast=heads["forecast"](state),
            daily_forecast=daily,
            latents=latents,
            cycle=cycle,
            weights=encoded.weights,
        )

    def day_states(self, batch: Batch) -> Tensor:
        """Return the daily encoder's states, shape (n, n_days, width)."""
        return self.encoder.days(batch)

    def month_state(self, batch: Batch) -> Tensor:
        """Return the last month's state, shape (n, width)."""
        encoded: Encoded = self.encoder(batch)
        return encoded.months[:, -1]

    def set_priors(self, priors: Mapping[Task, Tensor]) -> None:
        """Tell heads what to say as long as they have learned nothing.

        Parameters
        ----------
        priors
            By task, one constant in the form of `Outputs`, before any softplus: "regime" (REGIMES,)
            logarithms of the classes' frequencies; "casualty" (3,); "anomaly" (1,), its mean;
            "transition" (1,), a logit; "forecast" (n_forecast,); "daily_forecast" (n_forecast,) or
            (AHEAD, n_forecast).
        """
        for task, constant in priors.items():
            head: HasPrior = self.heads[task]  # type: ignore[assignment]  # each head has one
            head.set_prior(constant)

    def components(self) -> dict[str, int]:
        """Return the number of parameters of each component, all of them together the network's.

        Raises
        ------
        KeyError
            When a parameter belongs to no component.
        """
        counts: Counter[str] = Counter(dict.fromkeys(COMPONENTS.values(), 0))
        for name, parameter in self.named_parameters():
            counts[COMPONENTS[".".join(name.split(".")[:2])]] += parameter.numel()
        return dict(counts)

    def _days_ahead(self, state: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        head = self.heads["daily_forecast"]
        if isinstance(head, LatentForecast):
            forecast, latents, cycle = head(state)
            return forecast, latents, cycle
        return head(state).view(len(state), AHEAD, -1), None, None


def observation_density(batch: Batch) -> Tensor:
    """Return the share of a window's values that was observed, mean over sources, shape (n,)."""
    sources: list[Observed] = []
    for resolution in (batch.daily, batch.regional, batch.monthly):
        sources += resolution.values()
    shares = [source.mask.flatten(1).float().mean(dim=1) for source in sources]
    return torch.stack(shares).mean(dim=0)


def _features(n_out: int, config: ModelConfig) -> FeatureForecast:
    return FeatureForecast(2 * config.width, config.forecast_hidden, n_out, config.dropout)


def _daily_forecast(n_features: int, config: ModelConfig) -> nn.Module:
    if config.forecast_head == "features":
        return _features(AHEAD * n_features, config)
    predictor = LatentStatePredictor(
        2 * config.width,
        config.latent_hidden,
        config.width,
        by_name=config.horizon_embedding,
        dropout=config.dropout,
    )
    return LatentForecast(
        predictor, config.width, n_features, decoder=config.decoder, rank=config.rank
    )

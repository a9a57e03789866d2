"""Configuration of the Multi-Resolution HAN: the plain state of the source document, made small.

The baseline sums six losses as they are, at one learning rate, and drops nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from search.errors import SpaceError
from trainables.han.balance import MtlConfig, mtl_problems
from trainables.han.batch import AHEAD
from trainables.han.data_config import DataConfig, data_problems
from trainables.han.loss_config import LossConfig, loss_problems
from trainables.han.shape import ModelConfig, model_problems
from trainables.han.training import OptimConfig, optim_problems
from trainables.han.windows import WindowConfig
from trainables.techniques.limits import one_of
from trainables.techniques.stopping import StopConfig as PlainStopConfig
from trainables.techniques.stopping import stop_problems

Watched = Literal["skill", "anchored"]


@dataclass(frozen=True)
class StopConfig(PlainStopConfig):
    """When a run ends, and by which metric: 30 epochs' patience in the source document."""

    watch: Watched = "skill"  # on validation windows; "anchored": losses relative to first ones


@dataclass(frozen=True)
class HanConfig:
    """Everything that a run of the HAN depends on, but its seed.

    Raises
    ------
    SpaceError
        With every value that is out of range, or that does not fit another.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    mtl: MtlConfig = field(default_factory=MtlConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    stop: StopConfig = StopConfig()

    def __post_init__(self) -> None:
        if problems := [
            *data_problems(self.data),
            *model_problems(self.model),
            *loss_problems(self.loss),
            *mtl_problems(self.mtl),
            *optim_problems(self.optim),
            *stop_problems(self.stop),
            *one_of(self.stop, "watch", get_args(Watched), prefix="stop."),
            *_combined_problems(self),
        ]:
            raise SpaceError(problems)


def documented() -> HanConfig:
    """Return the size of the source document: width 128, 8 heads, a year of days and months."""
    return HanConfig(
        data=DataConfig(windows=WindowConfig(days=365, months=12, stride=1)),
        model=ModelConfig(
            width=128,
            heads=8,
            source_layers=4,
            fusion_layers=2,
            cross_layers=2,
            temporal_layers=2,
            forecast_hidden=512,
        ),
        optim=OptimConfig(lr=1e-4, batch_size=8, accum_steps=4, warmup=0.2, schedule="cosine"),
        stop=StopConfig(patience=30),
    )


def _combined_problems(config: HanConfig) -> Iterator[str]:
    consistency, mtl = config.loss.consistency, config.mtl
    latent = config.model.forecast_head == "latent"
    if consistency.physical_weight and not (mtl.tasks.forecast and mtl.tasks.daily_forecast):
        yield (
            "loss.consistency.physical_weight needs mtl.tasks.forecast and mtl.tasks.daily_forecast"
        )
    if consistency.latent_weight and config.data.windows.days < AHEAD:
        yield (
            f"loss.consistency.latent_weight needs data.windows.days of {AHEAD} or more, got "
            f"{config.data.windows.days}"
        )
    for name in ("latent_weight", "cycle_weight"):
        if getattr(consistency, name) and not latent:
            yield f"loss.consistency.{name} needs model.forecast_head='latent'"
    if latent and not mtl.tasks.daily_forecast:
        yield "model.forecast_head='latent' needs mtl.tasks.daily_forecast"
    if config.loss.anomaly.kind == "nll" and config.model.uncertainty == "none":
        yield "loss.anomaly.kind='nll' needs model.uncertainty 'learned' or 'density'"
    if mtl.aggregator == "gradnorm" and mtl.weighting.kind in ("kendall", "a3dro"):
        yield (
            f"mtl.aggregator='gradnorm' goes by losses relative to their first ones: those of "
            f"mtl.weighting.kind='{mtl.weighting.kind}' may be negative"
        )
    if mtl.aggregator == "hierarchical" and not mtl.tasks.regime:
        yield "mtl.aggregator='hierarchical' needs mtl.tasks.regime, its anchor"

"""Configuration of the pair classifier: the plain state of the source document, made small.

The baseline is an MLP on two concatenated embeddings, with binary cross-entropy and one rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from search.errors import SpaceError
from trainables.esm2_pair.data_config import DataConfig, data_problems
from trainables.esm2_pair.generator import GeneratorConfig
from trainables.esm2_pair.heads import MlpConfig
from trainables.esm2_pair.losses import OF_TOWERS, LossConfig, loss_problems
from trainables.esm2_pair.network import ModelConfig, model_problems
from trainables.esm2_pair.training import OptimConfig, optim_problems
from trainables.techniques.limits import one_of
from trainables.techniques.stopping import StopConfig as PlainStopConfig
from trainables.techniques.stopping import stop_problems

Watched = Literal["loss", "f1", "auroc", "ap", "hard_auroc"]


@dataclass(frozen=True)
class StopConfig(PlainStopConfig):
    """When a run ends, and by which validation metric."""

    watch: Watched = "loss"  # the source document's first choice; a plateau schedule follows it too


@dataclass(frozen=True)
class Esm2PairConfig:
    """Everything that a run of the pair classifier depends on, but its seed.

    Raises
    ------
    SpaceError
        With every value that is out of range, or that does not fit another.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    stop: StopConfig = field(default_factory=lambda: StopConfig(epochs=6))

    def __post_init__(self) -> None:
        if problems := [
            *data_problems(self.data),
            *model_problems(self.model),
            *loss_problems(self.loss),
            *optim_problems(self.optim),
            *stop_problems(self.stop),
            *one_of(self.stop, "watch", get_args(Watched), prefix="stop."),
            *_combined_problems(self),
        ]:
            raise SpaceError(problems)


def documented() -> Esm2PairConfig:
    """Return the size of the source document: 1280 dimensions, 512-256-64, 120 epochs."""
    return Esm2PairConfig(
        data=DataConfig(generator=GeneratorConfig(n_dims=1280, n_tokens=1)),
        model=ModelConfig(mlp=MlpConfig(hidden_dims="512-256-64")),
        optim=OptimConfig(lr=1e-3, batch_size=16, plateau_patience=10),
        stop=StopConfig(epochs=120, patience=15, watch="f1"),
    )


def _combined_problems(config: Esm2PairConfig) -> Iterator[str]:
    if config.loss.kind in OF_TOWERS and config.model.arch != "siamese":
        yield (
            f"loss.kind='{config.loss.kind}' is about the distance between two towers' vectors: "
            f"it needs model.arch='siamese', got '{config.model.arch}'"
        )
    if config.model.mlp.norm == "batch" and config.optim.batch_size < 2:
        yield "model.mlp.norm='batch' needs optim.batch_size of 2 or more, got 1"

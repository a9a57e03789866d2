"""Configuration of the lens finder: the plain state of the source document, made small.

The baseline is what its authors had before: a ResNet-18 that sees a stamp's three bands, scaled by
the train split's mean and deviation, against galaxies without an arc; AdamW along one cosine;
nothing against shortcuts. What the document adds is a technique each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from search.errors import SpaceError
from trainables.gen5_prime.augmentation import AugmentationConfig
from trainables.gen5_prime.bricks import KNOWN_BAD
from trainables.gen5_prime.data_config import DataConfig, data_problems
from trainables.gen5_prime.losses import LossConfig, loss_problems
from trainables.gen5_prime.network import ModelConfig, model_problems
from trainables.gen5_prime.normalisation import NormConfig
from trainables.gen5_prime.resnet import DOCUMENTED_WIDTH
from trainables.gen5_prime.training import OptimConfig, optim_problems
from trainables.techniques.limits import at_least, one_of
from trainables.techniques.stopping import StopConfig as PlainStopConfig
from trainables.techniques.stopping import stop_problems

Watched = Literal["loss", "auroc", "core_masked_auroc"]


@dataclass(frozen=True)
class StopConfig(PlainStopConfig):
    """When a run ends, and by which validation metric."""

    watch: Watched = "loss"  # the source document's; its best AUROC came long after the best loss


@dataclass(frozen=True)
class EvaluationConfig:
    """What is looked at besides metrics; no training depends on it."""

    min_per_brick: int = 10  # pairs of a brick whose AUROC is counted
    probes: bool = True  # linear models, hidden cores, hard negatives, deployed controls
    attention: bool = True  # Grad-CAM at a fifth, at half and at the end of a run


@dataclass(frozen=True)
class Gen5Config:
    """Everything that a run of the lens finder depends on, but its seed.

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
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)

    def __post_init__(self) -> None:
        if problems := [
            *data_problems(self.data),
            *model_problems(self.model),
            *loss_problems(self.loss),
            *optim_problems(self.optim),
            *stop_problems(self.stop),
            *one_of(self.stop, "watch", get_args(Watched), prefix="stop."),
            *at_least(self.evaluation, 2, "min_per_brick", prefix="evaluation."),
            *_combined_problems(self),
        ]:
            raise SpaceError(problems)


def documented() -> Gen5Config:
    """Return the source document's own settings: six channels, width 64, 50 epochs."""
    return Gen5Config(
        data=DataConfig(
            exclude_bricks=KNOWN_BAD,
            norm=NormConfig("per_sample_robust", clip=True),
            mode="paired6",
            augmentation=AugmentationConfig(rot90=True, flip=True, transpose=True),
        ),
        model=ModelConfig(width=DOCUMENTED_WIDTH),
        optim=OptimConfig(batch_size=256, schedule="warm_restarts", restart_epochs=10),
        stop=StopConfig(epochs=50, patience=10, min_delta=1e-4),
    )


def _combined_problems(config: Gen5Config) -> Iterator[str]:
    if config.loss.contrast != "none" and config.data.mode != "single3":
        yield (
            f"loss.contrast='{config.loss.contrast}' compares a stamp with its control, each by "
            f"itself: it needs data.mode='single3', got '{config.data.mode}'"
        )

"""The configuration's section about data: which there are, and how they are prepared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from trainables.han.augmentation import AugmentConfig, augment_problems
from trainables.han.generator import GeneratorConfig, generator_problems
from trainables.han.reduction import ReductionConfig, reduction_problems
from trainables.han.scaling import Scale
from trainables.han.windows import WindowConfig, window_problems
from trainables.techniques.limits import one_of

Missing = Literal["mask", "zero", "mean", "last"]


@dataclass(frozen=True)
class DataConfig:
    """Which windows a run trains on, and how they are prepared."""

    generator: GeneratorConfig = field(default_factory=GeneratorConfig)  # where no data are given
    windows: WindowConfig = field(default_factory=WindowConfig)
    reduction: ReductionConfig = field(default_factory=ReductionConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    handcrafted: bool = False  # rolling means of the daily columns, as one more daily source
    scale: Scale = "standard"  # of the inputs, fitted to the training period; see `scaling`
    missing: Missing = "mask"  # said to be missing; else a number passes for an observed value


def data_problems(data: DataConfig) -> Iterator[str]:
    """Yield what is wrong with the section about data."""
    yield from generator_problems(data.generator)
    yield from window_problems(data.windows)
    yield from reduction_problems(data.reduction)
    yield from augment_problems(data.augment)
    yield from one_of(data, "scale", get_args(Scale), prefix="data.")
    yield from one_of(data, "missing", get_args(Missing), prefix="data.")

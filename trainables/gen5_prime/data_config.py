"""What a run of the lens finder trains and is judged on, and how stamps are prepared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from trainables.gen5_prime.augmentation import AugmentationConfig, augmentation_problems
from trainables.gen5_prime.channels import MODES, InputMode
from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.negatives import NegativesConfig, negatives_problems
from trainables.gen5_prime.normalisation import NormConfig, norm_problems
from trainables.gen5_prime.shortcuts import ShortcutConfig, shortcut_problems
from trainables.techniques.limits import one_of


@dataclass(frozen=True)
class DataConfig:
    """Which pairs a run trains on, and what a network sees of them."""

    generator: GeneratorConfig = field(default_factory=GeneratorConfig)  # where no data is given
    exclude_bricks: tuple[str, ...] = ()  # in no split; `bricks.KNOWN_BAD` in the source document
    negatives: NegativesConfig = field(default_factory=NegativesConfig)  # of the train split
    norm: NormConfig = field(default_factory=NormConfig)
    mode: InputMode = "single3"
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)  # of training
    shortcut: ShortcutConfig = field(default_factory=ShortcutConfig)  # likewise


def data_problems(data: DataConfig) -> Iterator[str]:
    """Yield every value of the section that is out of range."""
    yield from negatives_problems(data.negatives)
    yield from norm_problems(data.norm)
    yield from one_of(data, "mode", MODES, prefix="data.")
    yield from augmentation_problems(data.augmentation)
    yield from shortcut_problems(data.shortcut)

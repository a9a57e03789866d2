"""Configuration of PAT: the plain state of the source document, at a size a laptop can train.

The baseline fine-tunes a network from scratch, all of it with one learning rate, for ten epochs,
without class weights, on windows of one day that are scaled minute by minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from search.errors import SpaceError
from trainables.pat.encoder import Attention
from trainables.pat.generator import MAX_DAYS, GeneratorConfig
from trainables.pat.heads import HeadKind, HeadPool
from trainables.pat.nonwear import NonWear
from trainables.pat.normalisation import KINDS, Kind
from trainables.pat.patches import ConvPool, Embedding
from trainables.pat.pretraining import PretrainConfig
from trainables.pat.sizes import SIZES
from trainables.techniques.limits import at_least, below_one, one_of, positive, within
from trainables.techniques.stopping import StopConfig, stop_problems

Mode = Literal["full", "probe", "two_stage", "gradual"]
Schedule = Literal["none", "cosine", "warmup_cosine", "plateau"]
ClassWeight = Literal["none", "balanced", "sqrt"]
Start = Literal["scratch", "masked", "file"]


@dataclass(frozen=True)
class DataConfig:
    """Which windows a run trains on, and how they are scaled."""

    generator: GeneratorConfig = field(default_factory=GeneratorConfig)  # where no data is given
    days: int = 1  # of a window of recorded data; generated ones have the generator's
    norm: Kind = "per_minute"  # fitted on the train split
    log1p: bool = False  # the paper takes none
    clip: float = 0.0  # standard deviations; 0 for none, as in the paper
    smooth: bool = False  # Savitzky-Golay over 51 minutes, a variant of the paper
    nonwear: NonWear = field(default_factory=NonWear)


@dataclass(frozen=True)
class ModelConfig:
    """Size and shape of the network."""

    size: str = "S"  # the paper's smallest; L in the source document
    patch_embed: Embedding = "linear"
    conv_kernel: int = 3  # minutes, where the embedding is a convolution
    conv_channels: int = 96  # the width: then nothing stands between convolution and tokens
    conv_pool: ConvPool = "mean"  # over a patch's minutes; "flatten" keeps all, and projects them
    head_pool: HeadPool = "mean"  # over tokens; "attention" learns their weights
    head: HeadKind = "mlp"  # the official one; the source document has a single linear layer
    dropout: float = 0.1  # the official one, in blocks and head
    attention: Attention = "fused"  # "plain" writes the attention matrix out


@dataclass(frozen=True)
class InitConfig:
    """Where an encoder's first weights come from."""

    start: Start = "scratch"  # "masked": pre-trained here; "file": from `path`
    path: str = ""  # of official weights (.h5), or of a file that `save_encoder` wrote
    seed: int = 0  # of pre-training: one encoder for all seeds, as published weights are one
    masked: PretrainConfig = field(default_factory=PretrainConfig)


@dataclass(frozen=True)
class LossConfig:
    """The loss of fine-tuning: cross-entropy."""

    class_weight: ClassWeight = "none"  # "balanced" is the official one: the other class's share
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class OptimConfig:
    """Optimisation: Adam, with decoupled weight decay where there is any."""

    mode: Mode = "full"  # what is trained: see `training`
    unfreeze_epoch: int = 3  # two-stage: epochs with a frozen encoder before
    layers_per_stage: int = 1  # gradual: blocks that join per epoch, the last ones first
    differential: bool = False  # whether encoder and head have learning rates of their own
    lr: float = 1e-3  # of both, otherwise; 1e-4 in the source document, for size L
    encoder_lr: float = 2e-4  # a fifth of the head's; 2e-5 in the source document
    head_lr: float = 1e-3  # 5e-4 in the source document
    weight_decay: float = 0.0  # none in the official code
    batch_size: int = 32  # the source document's; 64 in the official code
    schedule: Schedule = "none"  # constant, as in the official code
    warmup: float = 0.1  # share of the optimizer steps, for "warmup_cosine"
    plateau_patience: int = 3  # epochs without a better val_auroc before the rate falls
    plateau_factor: float = 0.3
    clip: float = 0.0  # of the gradient's norm; 0 for none, as in the official code
    mixed: bool = True  # bfloat16 where there is an accelerator; a CPU computes in float32


@dataclass(frozen=True)
class PatConfig:
    """Everything that a run of PAT depends on, but its seed.

    Raises
    ------
    SpaceError
        With every value that is out of range, or that does not fit another.
    """

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    init: InitConfig = InitConfig()
    loss: LossConfig = LossConfig()
    optim: OptimConfig = OptimConfig()
    stop: StopConfig = field(default_factory=lambda: StopConfig(epochs=10))

    def __post_init__(self) -> None:
        if problems := [
            *_data_problems(self.data),
            *_model_problems(self.model),
            *_init_problems(self.init),
            *_optim_problems(self.optim),
            *below_one(self.loss, "label_smoothing", prefix="loss."),
            *stop_problems(self.stop),
        ]:
            raise SpaceError(problems)


def _data_problems(data: DataConfig) -> Iterator[str]:
    yield from one_of(data, "norm", KINDS, prefix="data.")
    yield from within(data, 1, MAX_DAYS, "days", prefix="data.")
    yield from at_least(data, 0, "clip", prefix="data.")


def _model_problems(model: ModelConfig) -> Iterator[str]:
    yield from one_of(model, "size", SIZES, prefix="model.")
    for name, kinds in (("conv_pool", ConvPool), ("head_pool", HeadPool), ("head", HeadKind)):
        yield from one_of(model, name, get_args(kinds), prefix="model.")
    if model.conv_kernel < 1 or model.conv_kernel % 2 == 0:
        yield f"model.conv_kernel must be odd, got {model.conv_kernel}"
    yield from at_least(model, 1, "conv_channels", prefix="model.")
    yield from below_one(model, "dropout", prefix="model.")


def _init_problems(init: InitConfig) -> Iterator[str]:
    yield from one_of(init, "start", get_args(Start), prefix="init.")
    yield from at_least(init, 0, "seed", prefix="init.")
    if init.start == "file" and not init.path:
        yield "init.start='file' needs init.path, the file's"
    if init.start != "file" and init.path:
        yield f"init.path is read with init.start='file' only, got start='{init.start}'"


def _optim_problems(optim: OptimConfig) -> Iterator[str]:
    yield from one_of(optim, "mode", get_args(Mode), prefix="optim.")
    yield from positive(optim, "lr", "encoder_lr", "head_lr", "plateau_factor", prefix="optim.")
    counts = ("unfreeze_epoch", "layers_per_stage", "batch_size", "plateau_patience")
    yield from at_least(optim, 1, *counts, prefix="optim.")
    yield from at_least(optim, 0, "weight_decay", "clip", prefix="optim.")
    yield from below_one(optim, "warmup", "plateau_factor", prefix="optim.")

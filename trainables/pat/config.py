"""Configuration of PAT: the plain state of the source document, at a size a laptop can train.

The baseline fine-tunes a network from scratch, all of it with one learning rate, for ten epochs,
without class weights, on windows of one day that are scaled minute by minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from search.errors import SpaceError, near_miss
from trainables.pat.encoder import Attention
from trainables.pat.generator import GeneratorConfig
from trainables.pat.heads import HeadKind
from trainables.pat.nonwear import NonWear
from trainables.pat.normalisation import KINDS, Kind
from trainables.pat.patches import Embedding
from trainables.pat.pretraining import PretrainConfig
from trainables.pat.sizes import SIZES

Mode = Literal["full", "probe", "two_stage", "gradual"]
Schedule = Literal["none", "cosine", "warmup_cosine", "plateau"]
ClassWeight = Literal["none", "balanced", "sqrt"]
Start = Literal["scratch", "masked", "file"]
MODES: tuple[Mode, ...] = ("full", "probe", "two_stage", "gradual")


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
    split_seed: int = 0  # draws the held-out participants of recorded data
    replication: Literal["fixed", "resplit"] = "fixed"  # whether a new seed redraws them


@dataclass(frozen=True)
class ModelConfig:
    """Size and shape of the network."""

    size: str = "S"  # the paper's smallest; L in the source document
    patch_embed: Embedding = "linear"
    conv_kernel: int = 3  # minutes, where the embedding is a convolution
    conv_channels: int = 96  # the width: then nothing stands between convolution and tokens
    head: HeadKind = "mlp"  # the official one; the source document has a single linear layer
    dropout: float = 0.1  # the official one, in blocks and head
    attention: Attention = "fused"  # "plain" writes the attention matrix out


@dataclass(frozen=True)
class InitConfig:
    """Where an encoder's first weights come from."""

    start: Start = "scratch"  # "masked": pre-trained here; "file": from `path`
    path: str = ""  # of official weights (.h5), or of a file that `save_encoder` wrote
    seed: int = 0  # of pre-training: one encoder for all seeds, as published weights are one
    lr: float = 0.0  # of pre-training; 0 for the published one of the size
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
class StopConfig:
    """When a run ends."""

    epochs: int = 10  # never more than the study's max_steps
    patience: int = 0  # epochs without a better val_auroc before stopping; 0 for no early stopping
    min_delta: float = 0.0  # what counts as better


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
    stop: StopConfig = StopConfig()

    def __post_init__(self) -> None:
        if problems := [
            *_data_problems(self.data),
            *_model_problems(self.model),
            *_init_problems(self.init),
            *_optim_problems(self.optim),
            *_range_problems(self),
        ]:
            raise SpaceError(problems)


def _data_problems(data: DataConfig) -> Iterator[str]:
    if data.norm not in KINDS:
        yield f"data.norm has no '{data.norm}'{near_miss(str(data.norm), KINDS)}"
    if not 1 <= data.days <= 7:
        yield f"data.days must lie in [1, 7], got {data.days}"
    if data.clip < 0:
        yield f"data.clip must not be negative, got {data.clip}"


def _model_problems(model: ModelConfig) -> Iterator[str]:
    if model.size not in SIZES:
        yield f"model.size has no '{model.size}'{near_miss(str(model.size), SIZES)}"
    if model.conv_kernel < 1 or model.conv_kernel % 2 == 0:
        yield f"model.conv_kernel must be odd, got {model.conv_kernel}"
    if model.conv_channels < 1:
        yield f"model.conv_channels must be positive, got {model.conv_channels}"


def _init_problems(init: InitConfig) -> Iterator[str]:
    if init.start == "file" and not init.path:
        yield "init.start='file' needs init.path, the file's"
    if init.lr < 0:
        yield f"init.lr must not be negative, got {init.lr}"
    if init.start != "file" and init.path:
        yield f"init.path is read with init.start='file' only, got start='{init.start}'"


def _optim_problems(optim: OptimConfig) -> Iterator[str]:
    if optim.mode not in MODES:
        yield f"optim.mode has no '{optim.mode}'{near_miss(str(optim.mode), MODES)}"
    for name in ("lr", "encoder_lr", "head_lr"):
        if not getattr(optim, name) > 0:
            yield f"optim.{name} must be positive, got {getattr(optim, name)}"
    for name in ("unfreeze_epoch", "layers_per_stage", "batch_size", "plateau_patience"):
        if getattr(optim, name) < 1:
            yield f"optim.{name} must be at least 1, got {getattr(optim, name)}"
    for name in ("weight_decay", "clip"):
        if getattr(optim, name) < 0:
            yield f"optim.{name} must not be negative, got {getattr(optim, name)}"


def _range_problems(config: PatConfig) -> Iterator[str]:
    shares = {
        "model.dropout": config.model.dropout,
        "loss.label_smoothing": config.loss.label_smoothing,
        "optim.warmup": config.optim.warmup,
    }
    for name, value in shares.items():
        if not 0 <= value < 1:
            yield f"{name} must lie in [0, 1), got {value}"
    if not 0 < config.optim.plateau_factor < 1:
        yield f"optim.plateau_factor must lie in (0, 1), got {config.optim.plateau_factor}"
    for name in ("patience", "min_delta"):
        if getattr(config.stop, name) < 0:
            yield f"stop.{name} must not be negative, got {getattr(config.stop, name)}"
    if config.stop.epochs < 1:
        yield f"stop.epochs must be at least 1, got {config.stop.epochs}"

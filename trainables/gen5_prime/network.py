"""The network of a run: a backbone on the channels of a pair, and a logit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

from torch import Tensor, nn
from torch.nn import functional

from trainables.gen5_prime.backbone import Backbone, Norm, Stem
from trainables.gen5_prime.channels import N_CHANNELS, InputMode
from trainables.gen5_prime.efficient import efficient
from trainables.gen5_prime.resnet import resnet18
from trainables.techniques.limits import at_least, below_one, one_of

Name = Literal["resnet18", "efficient"]
SECTION: Final = "model."


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of the lens finder."""

    name: Name = "resnet18"
    width: int = 8  # of the first stage; 64 in the source document
    stem: Stem = "7x7s2pool"  # ResNet's own; "3x3s1" without a pool suits 64 pixels, at a cost
    norm: Norm = "batch"
    dropout: float = 0.0  # of the features before the logit
    drop_path: float = 0.1  # stochastic depth of "efficient"; its paper has 0.2


def model_problems(model: ModelConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from one_of(model, "name", get_args(Name), prefix=SECTION)
    yield from one_of(model, "stem", get_args(Stem), prefix=SECTION)
    yield from one_of(model, "norm", get_args(Norm), prefix=SECTION)
    yield from at_least(model, 1, "width", prefix=SECTION)
    yield from below_one(model, "dropout", "drop_path", prefix=SECTION)


class Outputs(NamedTuple):
    """What a network says of images.

    Parameters
    ----------
    logits : Tensor of shape (n,)
        σ of it is the probability of an arc.
    embedding : Tensor of shape (n, n_features)
        Of length 1.
    """

    logits: Tensor
    embedding: Tensor


class LensNetwork(nn.Module):
    """From images to a logit.

    Parameters
    ----------
    config : ModelConfig
    mode
        What the images' channels are.
    """

    def __init__(self, config: ModelConfig, mode: InputMode) -> None:
        super().__init__()
        self.backbone = _backbone(config, N_CHANNELS[mode])
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(self.backbone.n_features, 1)

    @property
    def first(self) -> list[nn.Parameter]:
        """The weights of the first layers, where a gradient vanishes first."""
        return list(self.backbone.stem.parameters())

    def forward(self, images: Tensor) -> Outputs:
        """Return what the network says of images of shape (n, n_channels, 64, 64)."""
        features = self.backbone(images)
        logits = self.logits(features).float()  # losses are computed in full, whatever came before
        return Outputs(logits, functional.normalize(features.float(), dim=1))

    def logits(self, features: Tensor) -> Tensor:
        """Return logits, of shape (n,), of a backbone's features."""
        found: Tensor = self.head(self.dropout(features))
        return found.squeeze(1)


def _backbone(config: ModelConfig, n_channels: int) -> Backbone:
    if config.name == "efficient":
        return efficient(n_channels, config.width, config.stem, config.norm, config.drop_path)
    return resnet18(n_channels, config.width, config.stem, config.norm)

"""The network of a run: a transform of the embeddings, then one of three architectures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from torch import Tensor, nn

from trainables.esm2_pair.attention import AttentionConfig, CrossAttention, attention_problems
from trainables.esm2_pair.batches import Distinct
from trainables.esm2_pair.features import (
    FeatureConfig,
    SlotStatistics,
    feature_problems,
    make_transform,
)
from trainables.esm2_pair.heads import MlpConfig, Outputs, PairMlp, mlp_problems
from trainables.esm2_pair.towers import Siamese, TowerConfig, tower_problems
from trainables.techniques.limits import one_of

Arch = Literal["mlp", "siamese", "cross_attention"]
SECTION: Final = "model."


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of the classifier on frozen embeddings."""

    arch: Arch = "mlp"
    features: FeatureConfig = field(default_factory=FeatureConfig)
    mlp: MlpConfig = field(default_factory=MlpConfig)
    tower: TowerConfig = field(default_factory=TowerConfig)  # of arch="siamese"
    attention: AttentionConfig = field(default_factory=AttentionConfig)  # of "cross_attention"

    @property
    def pools(self) -> bool:
        """Whether a protein's tokens are read as their mean."""
        return self.arch != "cross_attention"

    @property
    def reads_one_by_one(self) -> bool:
        """Whether its first layer is a sum of what it makes of either protein by itself.

        That of |a - b| or a * b is none, a tower's has dropout and normalisation of its own.
        """
        return self.arch == "mlp" and not (self.features.use_diff or self.features.use_prod)


def model_problems(model: ModelConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from one_of(model, "arch", get_args(Arch), prefix=SECTION)
    yield from feature_problems(model.features)
    yield from mlp_problems(model.mlp)
    yield from tower_problems(model.tower)
    yield from attention_problems(model.attention)
    if model.arch == "siamese" and model.features.slot_transform == "unit_diff":
        yield (
            "model.features.slot_transform='unit_diff' is about a feature, which "
            "model.arch='siamese' does not read; it takes 'slot_norm'"
        )


class PairNetwork(nn.Module):
    """From the tokens of two proteins to a logit.

    Parameters
    ----------
    config : ModelConfig
    n_tokens
        Of an embedding.
    statistics : SlotStatistics
        Of the train split; its shape says how many slots and dimensions there are.

    Raises
    ------
    DataError
        If attention is wanted over a single token.
    """

    def __init__(self, config: ModelConfig, n_tokens: int, statistics: SlotStatistics) -> None:
        super().__init__()
        n_slots, dims = statistics.mean.shape
        self.transform = make_transform(config.features.slot_transform, statistics)
        self.body: nn.Module
        match config.arch:
            case "siamese":
                self.body = Siamese(dims, n_slots, config.tower, config.mlp)
            case "cross_attention":
                self.body = CrossAttention(
                    n_tokens, dims, config.attention, config.features, config.mlp
                )
            case _:
                self.body = PairMlp(dims, config.features, config.mlp)

    def forward(self, tokens: Tensor | Distinct, slots: Tensor) -> Outputs:
        """Return what the network says.

        Parameters
        ----------
        tokens : Tensor of shape (batch, 2, tokens, dims), or Distinct
            The latter where `ModelConfig.reads_one_by_one`.
        slots : Tensor of int, shape (batch, 2)
        """
        if isinstance(tokens, Distinct):
            ready: Tensor | Distinct = tokens.map(self.transform)
        else:
            ready = self.transform(tokens, slots)
        outputs: Outputs = self.body(ready, slots)
        return outputs

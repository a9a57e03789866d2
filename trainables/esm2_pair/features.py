"""What a classifier reads of two embeddings: themselves, their difference, their product.

Proteins of different kinds lie in different places of a language model's space, so that a
difference is mostly one of kinds. Transforms per *slot* (the kind of protein) take that away.

References
----------
Reimers and Gurevych 2019, "Sentence-BERT", arXiv:1908.10084 (u, v, |u - v|).
Conneau et al. 2017, "Supervised learning of universal sentence representations",
arXiv:1705.02364 (u * v).
Ba, Kiros and Hinton 2016, "Layer normalization", arXiv:1607.06450.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from trainables.esm2_pair.batches import Embeddings
from trainables.esm2_pair.pairs import Pairs, Whole
from trainables.techniques.limits import one_of

SlotTransform = Literal["none", "slot_norm", "slot_layer_norm", "unit_norm", "unit_diff"]
Doubles = NDArray[np.float64]

SECTION: Final = "model.features."
READ_TOGETHER: Final = 1024  # proteins: a few MB of a memory-mapped file at a time
SMALLEST_DEVIATION: Final = 1e-6  # of a dimension that is constant within a slot


@dataclass(frozen=True)
class FeatureConfig:
    """Which features of a pair are read, and what is done to its embeddings before."""

    use_concat: bool = True  # (a, b)
    use_diff: bool = False  # |a - b|
    use_prod: bool = False  # a * b
    slot_transform: SlotTransform = "none"


def feature_problems(features: FeatureConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from one_of(features, "slot_transform", get_args(SlotTransform), prefix=SECTION)
    if not (features.use_concat or features.use_diff or features.use_prod):
        yield "model.features: one of use_concat, use_diff and use_prod must be on"
    if features.slot_transform == "unit_diff" and not features.use_diff:
        yield "model.features.slot_transform='unit_diff' needs model.features.use_diff"


@dataclass(frozen=True, eq=False)
class SlotStatistics:
    """Mean and deviation of the embeddings in each slot.

    Parameters
    ----------
    mean, deviation : ndarray of float32, shape (n_slots, n_dims)
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


def slot_statistics(embeddings: Embeddings, pairs: Pairs, n_slots: int) -> SlotStatistics:
    """Return the statistics of the pairs' proteins, each of them counted once.

    A slot without proteins has mean 0 and deviation 1.

    Parameters
    ----------
    embeddings : Embeddings
        Read in parts.
    pairs : Pairs
        Of the train split.
    n_slots
        Number of slots, also of those that these pairs lack.
    """
    proteins = np.concatenate([pairs.first, pairs.second])
    slots = np.concatenate([pairs.slots[:, 0], pairs.slots[:, 1]])
    mean = np.zeros((n_slots, embeddings.n_dims))
    deviation = np.ones_like(mean)
    for slot in range(n_slots):
        if len(rows := np.unique(proteins[slots == slot])):
            mean[slot], deviation[slot] = _moments(embeddings, rows)
    return SlotStatistics(mean.astype(np.float32), deviation.astype(np.float32))


def _moments(embeddings: Embeddings, rows: Whole) -> tuple[Doubles, Doubles]:
    """Return mean and deviation over proteins and tokens, in two passes: no cancellation."""
    count = len(rows) * embeddings.n_tokens
    parts = np.array_split(rows, math.ceil(len(rows) / READ_TOGETHER))
    mean, square = np.zeros(embeddings.n_dims), np.zeros(embeddings.n_dims)
    for part in parts:
        mean += embeddings.read(part).sum(axis=(0, 1), dtype=np.float64) / count
    for part in parts:
        square += np.square(embeddings.read(part) - mean).sum(axis=(0, 1)) / count
    return mean, np.maximum(np.sqrt(square), SMALLEST_DEVIATION)


class SlotNorm(nn.Module):
    """(x - mean) / deviation of the slot, as fitted.

    Parameters
    ----------
    statistics : SlotStatistics
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, statistics: SlotStatistics) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(statistics.mean))
        self.register_buffer("scale", torch.from_numpy(1 / statistics.deviation))

    def forward(self, tokens: Tensor, slots: Tensor) -> Tensor:
        """Return scaled tokens, of shape (batch, 2, tokens, dims) as given."""
        mean, scale = self.mean[slots].unsqueeze(2), self.scale[slots].unsqueeze(2)
        return (tokens - mean) * scale


class SlotLayerNorm(nn.Module):
    """LayerNorm over dimensions, with a gain and a shift of each slot's own.

    Parameters
    ----------
    n_slots, dims
    """

    def __init__(self, n_slots: int, dims: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(n_slots, dims))
        self.shift = nn.Parameter(torch.zeros(n_slots, dims))

    def forward(self, tokens: Tensor, slots: Tensor) -> Tensor:
        """Return scaled tokens, of shape (batch, 2, tokens, dims) as given."""
        plain = functional.layer_norm(tokens, tokens.shape[-1:])
        return plain * self.gain[slots].unsqueeze(2) + self.shift[slots].unsqueeze(2)


class UnitNorm(nn.Module):
    """x / |x|, times √dims: entries are about 1, however many there are."""

    def forward(self, tokens: Tensor, _: Tensor) -> Tensor:
        """Return scaled tokens, of shape (batch, 2, tokens, dims) as given."""
        return unit(tokens)


class Unchanged(nn.Module):
    """No transform."""

    def forward(self, tokens: Tensor, _: Tensor) -> Tensor:
        """Return the tokens as they are."""
        return tokens


def make_transform(kind: SlotTransform, statistics: SlotStatistics) -> nn.Module:
    """Return the transform of a kind; "unit_diff" standardises per slot, as "slot_norm" does."""
    match kind:
        case "slot_norm" | "unit_diff":
            return SlotNorm(statistics)
        case "slot_layer_norm":
            return SlotLayerNorm(*statistics.mean.shape)
        case "unit_norm":
            return UnitNorm()
    return Unchanged()


def unit(values: Tensor) -> Tensor:
    """Return vectors of length √dims, of the same directions; zero stays zero."""
    return functional.normalize(values, dim=-1) * math.sqrt(values.shape[-1])


class PairFeatures(nn.Module):
    """(a, b), |a - b| and a * b, those that are wanted, side by side.

    Parameters
    ----------
    dims
        Of one embedding.
    config : FeatureConfig
    """

    def __init__(self, dims: int, config: FeatureConfig) -> None:
        super().__init__()
        self._config = config
        self.width = dims * (2 * config.use_concat + config.use_diff + config.use_prod)

    def forward(self, both: Tensor) -> Tensor:
        """Return features of shape (batch, width), of embeddings of shape (batch, 2, dims)."""
        parts = [both.flatten(1)] if self._config.use_concat else []
        if self._config.use_diff:
            difference = (both[:, 0] - both[:, 1]).abs()
            whole = self._config.slot_transform == "unit_diff"
            parts.append(unit(difference) if whole else difference)
        if self._config.use_prod:
            parts.append(both[:, 0] * both[:, 1])
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

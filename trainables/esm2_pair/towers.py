"""Siamese networks: a tower makes a vector of each protein, and their distance decides.

References
----------
Bromley et al. 1993, "Signature verification using a Siamese time delay neural network",
doi:10.1142/S0218001493000339.
Koch, Zemel and Salakhutdinov 2015, "Siamese neural networks for one-shot image recognition" (the
learned, weighted L1 distance).
Hadsell, Chopra and LeCun 2006, "Dimensionality reduction by learning an invariant mapping",
doi:10.1109/CVPR.2006.100 (Euclidean distance).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.esm2_pair.heads import (
    Measured,
    MlpConfig,
    Outputs,
    hidden_layers,
    widths_of,
    widths_problems,
)
from trainables.techniques.limits import one_of

Sharing = Literal["shared", "two_tower", "shared_adapter"]
DistanceKind = Literal["cosine", "l2", "learned"]
SECTION: Final = "model.tower."
FIRST_SCALE: Final = 4.0  # logits per unit of distance: probabilities of 2 % to 98 % at first
FIRST_CENTRE: Final = 1.0  # the distance of probability 1/2: that of orthogonal vectors
SPEED: Final = 10.0  # of a shift or a scale, which may have to go many steps of an optimizer
SMALLEST_SQUARE: Final = 1e-12  # keeps the gradient of a root finite


@dataclass(frozen=True)
class TowerConfig:
    """Size of a tower, what both proteins share of it, and the distance of what it makes."""

    dims: str = "64-32"  # widths; the last one is the vector's
    sharing: Sharing = "shared"
    distance: DistanceKind = "learned"


def tower_problems(tower: TowerConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from widths_problems(tower.dims, f"{SECTION}dims")
    yield from one_of(tower, "sharing", get_args(Sharing), prefix=SECTION)
    yield from one_of(tower, "distance", get_args(DistanceKind), prefix=SECTION)


class Distance(nn.Module):
    """How far apart two vectors are, from 0 on.

    Parameters
    ----------
    kind
        "cosine": 1 - cos(u, v), at most 2. "l2": |u - v|. "learned": Σ w_j |u_j - v_j| with
        positive weights, 1 / width at first.
    width
        Of the vectors.
    """

    def __init__(self, kind: DistanceKind, width: int) -> None:
        super().__init__()
        self._kind = kind
        first = math.log(math.expm1(1 / width))  # softplus of it is 1 / width
        self.weight = nn.Parameter(torch.full((width,), first)) if kind == "learned" else None

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return distances along the last dimension; the others are broadcast."""
        if self._kind == "cosine":
            return 1 - functional.cosine_similarity(first, second, dim=-1)
        if self.weight is None:
            squares = (first - second).square().sum(dim=-1)
            return (squares + SMALLEST_SQUARE).sqrt()
        return (first - second).abs() @ functional.softplus(self.weight)


class SlotAdapter(nn.Module):
    """A gain and a shift of each slot's own, before what all slots share; none at first.

    Parameters
    ----------
    n_slots, dims
    """

    def __init__(self, n_slots: int, dims: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(n_slots, dims))
        self.shift = nn.Parameter(torch.zeros(n_slots, dims))

    def forward(self, both: Tensor, slots: Tensor) -> Tensor:
        """Return embeddings of shape (batch, 2, dims), as given."""
        return both * (1 + self.gain[slots]) + SPEED * self.shift[slots]


class Siamese(nn.Module):
    """Towers, their distance d, and the logit scale · (centre - d).

    Parameters
    ----------
    dims
        Of one embedding.
    n_slots
        Kinds of proteins, each of which has an adapter of its own, where there are adapters.
    tower : TowerConfig
    mlp : MlpConfig
        Its dropout and normalisation are those of the towers' hidden layers.
    """

    def __init__(self, dims: int, n_slots: int, tower: TowerConfig, mlp: MlpConfig) -> None:
        super().__init__()
        adapts = tower.sharing == "shared_adapter"
        self.adapter = SlotAdapter(n_slots, dims) if adapts else None
        count = 2 if tower.sharing == "two_tower" else 1
        self.towers = nn.ModuleList(_tower(dims, tower, mlp) for _ in range(count))
        self.distance = Distance(tower.distance, widths_of(tower.dims)[-1])
        self.scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE) / SPEED))
        self.centre = nn.Parameter(torch.tensor(FIRST_CENTRE / SPEED))

    def forward(self, tokens: Tensor, slots: Tensor) -> Outputs:
        """Return logits, distances and the towers' vectors.

        Parameters
        ----------
        tokens : Tensor of shape (batch, 2, 1, dims)
            Pooled.
        slots : Tensor of int, shape (batch, 2)
        """
        both = tokens.squeeze(2)
        if self.adapter is not None:
            both = self.adapter(both, slots)
        if len(self.towers) == 1:
            made = self.towers[0](both.flatten(0, 1)).unflatten(0, (-1, 2))
        else:
            made = torch.stack([tower(both[:, k]) for k, tower in enumerate(self.towers)], dim=1)
        distance = self.distance(made[:, 0], made[:, 1])
        logits = (SPEED * self.scale).exp() * (SPEED * self.centre - distance)
        return Outputs(logits, Measured(made, distance, self.distance))


def _tower(dims: int, tower: TowerConfig, mlp: MlpConfig) -> nn.Sequential:
    *hidden, last = widths_of(tower.dims)
    layers = hidden_layers(
        dims, tuple(hidden), dropout=mlp.dropout, norm=mlp.norm, position=mlp.norm_position
    )
    return nn.Sequential(*layers, nn.Linear(hidden[-1] if hidden else dims, last))

"""Losses for pairs: of the logit, of the distance between two towers' vectors, or of both.

References
----------
King and Zeng 2001, "Logistic regression in rare events data",
doi:10.1093/oxfordjournals.pan.a004868 (class weights).
Szegedy et al. 2016, arXiv:1512.00567; Mueller et al. 2019, arXiv:1906.02629 (label smoothing).
Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002.
Hadsell, Chopra and LeCun 2006, doi:10.1109/CVPR.2006.100 (contrastive loss).
Chen et al. 2020, "A simple framework for contrastive learning of visual representations",
arXiv:2002.05709 (NT-Xent).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainables.esm2_pair.batches import Batch
from trainables.esm2_pair.heads import Measured, Outputs
from trainables.esm2_pair.pairs import Pairs
from trainables.techniques.focal import cross_entropy, focal_loss
from trainables.techniques.limits import at_least, below_one, one_of, positive, within

LossKind = Literal["bce", "focal", "contrastive", "bce+contrastive", "nt_xent"]
ClassWeight = Literal["none", "auto", "fixed"]
SECTION: Final = "loss."
OF_TOWERS: Final = ("contrastive", "bce+contrastive", "nt_xent")
OF_DISTANCES: Final = ("contrastive", "nt_xent")  # they say nothing about the logit's scale


@dataclass(frozen=True)
class LossConfig:
    """The training loss."""

    kind: LossKind = "bce"
    class_weight: ClassWeight = "none"  # "auto": negatives per positive; "fixed": `pos_weight`
    pos_weight: float = 2.0  # of positives, with class_weight="fixed"
    label_smoothing: float = 0.0  # of both classes: y (1 - ε) + ε / 2
    gamma: float = 2.0  # of the focal loss
    alpha: float = 0.5  # of the focal loss: the weight of positives; 1/2 treats both alike
    margin: float = 1.0  # distance beyond which the contrastive loss leaves negatives alone
    weight: float = 0.5  # of the contrastive loss in "bce+contrastive"; the logit's has the rest
    temperature: float = 0.1  # of NT-Xent


def loss_problems(loss: LossConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from one_of(loss, "kind", get_args(LossKind), prefix=SECTION)
    yield from one_of(loss, "class_weight", get_args(ClassWeight), prefix=SECTION)
    yield from positive(loss, "pos_weight", "margin", "temperature", prefix=SECTION)
    yield from below_one(loss, "label_smoothing", prefix=SECTION)
    yield from at_least(loss, 0, "gamma", prefix=SECTION)
    yield from within(loss, 0, 1, "alpha", "weight", prefix=SECTION)
    crossed = loss.kind in ("bce", "bce+contrastive")
    for name, plain in (("class_weight", "none"), ("label_smoothing", 0.0)):
        if not crossed and (value := getattr(loss, name)) != plain:
            yield (
                f"loss.{name} belongs to cross-entropy, which loss.kind='{loss.kind}' has no part "
                f"of, got {value!r}"
            )


class Criterion:
    """The mean loss of a batch.

    Parameters
    ----------
    config : LossConfig
    train : Pairs
        Says how many negatives there are per positive.
    """

    def __init__(self, config: LossConfig, train: Pairs) -> None:
        self._config = config
        self._pos_weight = pos_weight(config, train)

    @property
    def of_distances(self) -> bool:
        """Whether logits are distances on a scale that no loss has fitted."""
        return self._config.kind in OF_DISTANCES

    def __call__(self, outputs: Outputs, batch: Batch) -> Tensor:
        """Return the loss, a scalar."""
        config = self._config
        match config.kind:
            case "focal":
                logits, alpha = outputs.logits, config.alpha
                return focal_loss(logits, batch.label, gamma=config.gamma, alpha=alpha).mean()
            case "bce":
                return self._crossed(outputs, batch)
        if (measured := outputs.measured) is None:
            raise ValueError(f"the loss '{config.kind}' needs the distance between two towers")
        if config.kind == "nt_xent":
            return nt_xent(measured, batch, temperature=config.temperature)
        apart = contrastive(measured.distance, batch.label, margin=config.margin).mean()
        if config.kind == "contrastive":
            return apart
        return config.weight * apart + (1 - config.weight) * self._crossed(outputs, batch)

    def _crossed(self, outputs: Outputs, batch: Batch) -> Tensor:
        epsilon = self._config.label_smoothing
        soft = batch.label * (1 - epsilon) + epsilon / 2
        return cross_entropy(outputs.logits, soft, pos_weight=self._pos_weight).mean()


def pos_weight(config: LossConfig, train: Pairs) -> float:
    """Return the weight of positives: 1, the configured one, or negatives per positive."""
    match config.class_weight:
        case "auto":
            positives = int(np.count_nonzero(train.label))
            return (len(train) - positives) / positives
        case "fixed":
            return config.pos_weight
    return 1.0


def contrastive(distance: Tensor, label: Tensor, *, margin: float) -> Tensor:
    """Return y d² + (1 - y) max(0, m - d)² per pair.

    Examples
    --------
    >>> distance, label = torch.tensor([0.5, 0.5, 2.0]), torch.tensor([1.0, 0.0, 0.0])
    >>> contrastive(distance, label, margin=1.0)
    tensor([0.2500, 0.2500, 0.0000])
    """
    apart = functional.relu(margin - distance)
    return label * distance.square() + (1 - label) * apart.square()


def nt_xent(measured: Measured, batch: Batch, *, temperature: float) -> Tensor:
    """Return the temperature-scaled cross-entropy of the batch's positives.

    Each protein of a positive is to find its partner among all proteins of the other side, those of
    labelled negatives included, by the network's own distance d: the paper's cosines are 1 - d. A
    copy of the partner is no wrong answer, nor is the partner of a copy of its own: these pairs are
    positives as well.

    Parameters
    ----------
    measured : Measured
    batch : Batch
    temperature
        τ, which distances are divided by.

    Returns
    -------
    Tensor
        A scalar, the mean over both directions; 0 of a batch without positives.
    """
    positive_rows = batch.label > 0.5
    if not bool(positive_rows.any()):
        return 0.0 * measured.distance.sum()
    first, second = measured.towers.unbind(dim=1)
    near = -measured.between(first[:, None], second[None]) / temperature  # (first i, second j)
    own = torch.eye(len(batch), dtype=torch.bool, device=near.device)
    near = near.masked_fill(_linked(batch.proteins, positive_rows) & ~own, -torch.inf)
    places = torch.arange(len(batch), device=near.device)[positive_rows]
    forth = functional.cross_entropy(near[positive_rows], places)
    back = functional.cross_entropy(near.T[positive_rows], places)
    return (forth + back) / 2


def _linked(proteins: Tensor, positive_rows: Tensor) -> Tensor:
    """Return, of shape (batch, batch), whether first i and second j are a positive of the batch."""
    alike = proteins[:, None] == proteins[None]  # (batch, batch, 2)
    known = positive_rows.to(torch.float32)
    return (alike[..., 0].float() * known) @ alike[..., 1].float() > 0

"""The training loss: cross-entropy, and a contrast between stamps and controls beside it.

The contrast is control usage C: a stamp with an arc is to be far from its control, and one without
an arc near to it.

References
----------
King and Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868 (class weights).
Szegedy et al. 2016, arXiv:1512.00567 (label smoothing).
Hadsell, Chopra and LeCun 2006, doi:10.1109/CVPR.2006.100 (contrastive loss).
Khosla et al. 2020, "Supervised contrastive learning", arXiv:2004.11362.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from trainables.gen5_prime.network import Outputs
from trainables.techniques.focal import cross_entropy
from trainables.techniques.limits import below_one, one_of, positive

Contrast = Literal["none", "margin", "supervised"]
SECTION: Final = "loss."


@dataclass(frozen=True)
class LossConfig:
    """The training loss."""

    label_smoothing: float = 0.0  # of both classes: y (1 - ε) + ε / 2
    pos_weight: float = 1.0  # of positives
    contrast: Contrast = "none"  # "margin": by pairs; "supervised": by all of a batch
    weight: float = 0.3  # of the contrast, beside cross-entropy's 1
    margin: float = 1.0  # distance beyond which "margin" leaves pairs with an arc alone, up to 2
    temperature: float = 0.1  # of "supervised"


def loss_problems(loss: LossConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from one_of(loss, "contrast", get_args(Contrast), prefix=SECTION)
    yield from below_one(loss, "label_smoothing", prefix=SECTION)
    yield from positive(loss, "pos_weight", "weight", "margin", "temperature", prefix=SECTION)


def loss_of(config: LossConfig, outputs: Outputs, ctrl: Tensor | None, label: Tensor) -> Tensor:
    """Return the mean loss of a batch.

    Parameters
    ----------
    config : LossConfig
    outputs : Outputs
    ctrl : Tensor of shape (n, n_features), or None
        Embeddings of controls, which a contrast needs.
    label : Tensor of shape (n,)
    """
    soft = label * (1 - config.label_smoothing) + config.label_smoothing / 2
    crossed = cross_entropy(outputs.logits, soft, pos_weight=config.pos_weight).mean()
    if ctrl is None:
        return crossed
    if config.contrast == "margin":
        apart = by_margin(outputs.embedding, ctrl, label, margin=config.margin)
    else:
        apart = supervised(outputs.embedding, ctrl, label, temperature=config.temperature)
    return crossed + config.weight * apart


def by_margin(stamp: Tensor, ctrl: Tensor, label: Tensor, *, margin: float) -> Tensor:
    """Return the mean of (1 - y) d² + y max(0, m - d)²: arcs belong m away from their control.

    Parameters
    ----------
    stamp, ctrl : Tensor of shape (n, n_features)
        Of length 1, so that distances lie in [0, 2].
    label : Tensor of shape (n,)
    margin
        m.

    Examples
    --------
    >>> stamp, ctrl = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    >>> by_margin(stamp, ctrl, torch.tensor([0.0, 1.0]), margin=1.0)  # (2 + 1) / 2
    tensor(1.5000)
    """
    distance = functional.pairwise_distance(stamp, ctrl)
    apart = functional.relu(margin - distance)
    return ((1 - label) * distance.square() + label * apart.square()).mean()


def supervised(stamp: Tensor, ctrl: Tensor, label: Tensor, *, temperature: float) -> Tensor:
    """Return the loss by which images of one class are each other's neighbours.

    The images are a batch's stamps and controls; controls are of the class without an arc. This is
    the paper's "out" form: -1/|P(i)| Σ log softmax over the others, for those that have a P(i).

    Parameters
    ----------
    stamp, ctrl : Tensor of shape (n, n_features)
        Of length 1.
    label : Tensor of shape (n,)
    temperature
        τ, which cosines are divided by.
    """
    images = torch.cat([stamp, ctrl])
    kind = torch.cat([label, torch.zeros_like(label)]) > 0.5
    own = torch.eye(len(images), dtype=torch.bool, device=images.device)
    near = (images @ images.T / temperature).masked_fill(own, -torch.inf)
    chance = near.log_softmax(dim=1).masked_fill(own, 0.0)
    same = (kind[:, None] == kind[None]) & ~own
    partners = same.sum(dim=1)
    found = -(chance * same).sum(dim=1)[partners > 0] / partners[partners > 0]
    return found.mean()

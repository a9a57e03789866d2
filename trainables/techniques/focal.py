"""Losses for rare positives: weighted cross-entropy and focal loss, per example.

References
----------
Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002.
King and Zeng 2001, "Logistic regression in rare events data", for the weighted likelihood.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, targets: Tensor, *, pos_weight: float = 1.0) -> Tensor:
    """Return -(w y log p + (1 - y) log(1 - p)) per example.

    Parameters
    ----------
    logits : Tensor
    targets : Tensor of the same shape
        0 or 1.
    pos_weight
        w, the weight of positives; 1 for plain cross-entropy.
    """
    positive = -functional.logsigmoid(logits)
    negative = -functional.logsigmoid(-logits)
    return pos_weight * targets * positive + (1 - targets) * negative


def focal_loss(logits: Tensor, targets: Tensor, *, gamma: float, alpha: float) -> Tensor:
    """Return -α_t (1 - p_t)^γ log p_t per example, eq. 5 of the paper.

    Computed from logarithms throughout, so that its gradient is finite for every γ ≥ 0, also where
    1 - p_t underflows.

    Parameters
    ----------
    logits : Tensor
    targets : Tensor of the same shape
        0 or 1.
    gamma
        γ, how strongly easy examples are weighed down; 0 for weighted cross-entropy.
    alpha
        α, the weight of the *positive* class; negatives weigh 1 - α. Hence γ = 0 and α = 1/2 give
        half the plain cross-entropy.

    Examples
    --------
    >>> import torch
    >>> float(focal_loss(torch.zeros(1), torch.ones(1), gamma=2.0, alpha=0.75))  # ln 2 * 0.75 / 4
    0.12996509671211243
    """
    margin = (2 * targets - 1) * logits  # p_t = σ(margin)
    weight = alpha * targets + (1 - alpha) * (1 - targets)
    modulation = (gamma * functional.logsigmoid(-margin)).exp()
    return -weight * modulation * functional.logsigmoid(margin)

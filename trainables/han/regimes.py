"""The loss of the regime, and what is to keep its forecasts from being all the same.

References
----------
Cui et al. 2019, "Class-balanced loss based on effective number of samples", arXiv:1901.05555.
Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002.
Szegedy et al. 2016, "Rethinking the Inception architecture", arXiv:1512.00567 (label smoothing).
Pereyra et al. 2017, "Regularizing neural networks by penalizing confident output distributions",
arXiv:1701.06548.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from trainables.han.batch import REGIMES
from trainables.han.loss_config import RegimeLoss


def regime_loss(
    config: RegimeLoss, logits: Tensor, labels: Tensor, *, balance: Tensor, prior: Tensor
) -> Tensor:
    """Return the mean loss of a classification of regimes, 0 or more.

    Parameters
    ----------
    config : RegimeLoss
    logits : Tensor of shape (n, REGIMES)
    labels : Tensor of int64, shape (n,)
    balance : Tensor of shape (REGIMES,)
        Weight of each class.
    prior : Tensor of shape (REGIMES,)
        Share of each class among the training targets.
    """
    log_p = functional.log_softmax(logits, dim=-1)
    hit = log_p.gather(1, labels[:, None]).squeeze(1)
    smooth = config.label_smoothing
    each = -(1 - smooth) * hit - smooth * log_p.mean(dim=-1)
    if config.focal_gamma:
        miss = (-torch.expm1(hit)).clamp_min(torch.finfo(hit.dtype).eps)  # 1 - p; 0^γ has no slope
        each = each * miss.pow(config.focal_gamma)
    loss = (balance[labels] * each).mean()
    if config.entropy_weight:
        entropy = -(log_p.exp() * log_p).sum(dim=-1).mean()
        loss = loss + config.entropy_weight * (math.log(REGIMES) - entropy)
    if config.diversity_weight:
        mean = log_p.exp().mean(dim=0)
        divergence = (mean * (mean.clamp_min(1e-12).log() - prior.log())).sum()
        loss = loss + config.diversity_weight * divergence
    return loss


def class_weights(counts: Tensor, beta: float) -> Tensor:
    """Return weights inverse to the effective numbers of examples, (1 - β^n) / (1 - β).

    They average to 1 over the training targets, so that losses keep their size. A class that never
    occurs counts as one that occurs once.

    Parameters
    ----------
    counts : Tensor of shape (n_classes,)
    beta
        β in [0, 1); 0 for equal weights.

    Examples
    --------
    >>> class_weights(torch.tensor([90.0, 10.0]), 0.0)
    tensor([1., 1.])
    """
    wide = counts.double()
    weights = (1 - beta) / (1 - beta ** wide.clamp_min(1.0))
    mean = (weights * wide).sum() / wide.sum().clamp_min(1.0)
    return (weights / mean if bool(mean > 0) else torch.ones_like(wide)).float()


def frequencies(counts: Tensor) -> Tensor:
    """Return the classes' shares, shape (n_classes,); none is zero, so that it has a logarithm."""
    smoothed = counts.double() + 0.5
    return (smoothed / smoothed.sum()).float()

"""Counts with excess zeros: the zero-inflated negative binomial, and a log-normal alternative.

With probability π a count is 0; else it is negative binomial with mean μ and variance μ + μ²/θ.

References
----------
Lambert 1992, "Zero-inflated Poisson regression", doi:10.2307/1269547.
Greene 1994, "Accounting for excess zeros and sample selection in Poisson and negative binomial
regression models".
Lopez et al. 2018, "Deep generative modeling for single-cell transcriptomics",
doi:10.1038/s41592-018-0229-2 (this parameterisation, in networks).
Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit
from torch import Tensor
from torch.nn import functional

from trainables.techniques.focal import focal_loss

LARGEST_LOG: Final = 30.0  # of 1 + count: e^30 is beyond any count, and finite in every precision

Floats = NDArray[np.float64]


def zinb_nll(counts: Tensor, zero_logit: Tensor, mean: Tensor, shape: Tensor) -> Tensor:
    """Return -log P(count) of a zero-inflated negative binomial, per example.

    Computed in double precision: in single, differences of log Γ at large θ are all rounding.

    Parameters
    ----------
    counts : Tensor
        Whole numbers, 0 or more.
    zero_logit, mean, shape : Tensor of the same shape
        Logit of π; μ > 0; θ > 0.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> float(zinb_nll(0 * one, -torch.inf * one, one, one).exp())  # 1 / P(0) = (θ + μ) / θ
    2.0
    """
    y, logit, mu, theta = (each.double() for each in (counts, zero_logit, mean, shape))
    none = _log_no_event(mu, theta)
    inflated, plain = functional.logsigmoid(logit), functional.logsigmoid(-logit)
    zero = torch.logaddexp(inflated, plain + none)
    some = plain + _log_negative_binomial(y, mu, theta, none)
    return -torch.where(y > 0, some, zero).to(counts)


def zinb_focal_loss(
    counts: Tensor,
    zero_logit: Tensor,
    mean: Tensor,
    shape: Tensor,
    *,
    gamma: float,
    alpha: float,
) -> Tensor:
    """Return the likelihood's loss with a focal loss on whether the count is zero, per example.

    -log P(y) is the cross-entropy of "y > 0" plus, where y > 0, -log P(y | y > 0), which is that of
    a zero-truncated negative binomial. Only the first is a decision between two classes, so that
    only it becomes focal, times 2: γ = 0 and α = 1/2 give `zinb_nll`.

    Parameters
    ----------
    counts, zero_logit, mean, shape : Tensor
        As for `zinb_nll`.
    gamma
        How strongly easy examples are weighed down.
    alpha
        Weight of counts above zero; zeros weigh 1 - α.
    """
    y, logit, mu, theta = (each.double() for each in (counts, zero_logit, mean, shape))
    none = _log_no_event(mu, theta)
    inflated, plain = functional.logsigmoid(logit), functional.logsigmoid(-logit)
    occurs = torch.log(-torch.expm1(none))  # log of 1 - NB(0)
    margin = plain + occurs - torch.logaddexp(inflated, plain + none)  # logit of P(y > 0)
    event = (y > 0).to(y)
    decision = 2 * focal_loss(margin, event, gamma=gamma, alpha=alpha)
    truncated = occurs - _log_negative_binomial(y, mu, theta, none)
    return (decision + torch.where(y > 0, truncated, 0.0)).to(counts)


def _log_no_event(mu: Tensor, theta: Tensor) -> Tensor:
    """Return log NB(0) = θ (log θ - log(θ + μ)), exact also for μ far below θ."""
    return -theta * torch.log1p(mu / theta)


def _log_negative_binomial(y: Tensor, mu: Tensor, theta: Tensor, none: Tensor) -> Tensor:
    ways = torch.lgamma(y + theta) - torch.lgamma(theta) - torch.lgamma(y + 1)
    return ways + none + y * (torch.log(mu) - torch.log(theta + mu))


def zinb_quantiles(
    levels: Sequence[float], zero_logit: Floats, mean: Floats, shape: Floats
) -> Floats:
    """Return the least counts at which the distribution reaches the levels.

    Parameters
    ----------
    levels : sequence of n_levels numbers in (0, 1)
    zero_logit, mean, shape : ndarray of shape (n,)
        Logit of π; μ > 0; θ > 0.

    Returns
    -------
    ndarray of shape (n, n_levels)
        NaN where a parameter is.

    Examples
    --------
    >>> zinb_quantiles([0.1, 0.5, 0.9], np.array([0.0]), np.array([9.0]), np.array([1.0]))
    array([[ 0.,  0., 15.]])
    """
    zero = expit(np.asarray(zero_logit, np.float64))[:, np.newaxis]
    mu, theta = (np.asarray(each, np.float64)[:, np.newaxis] for each in (mean, shape))
    share = (np.asarray(levels) - zero) / np.maximum(1 - zero, np.finfo(np.float64).tiny)
    none = np.exp(-theta * np.log1p(mu / theta))
    some = share > none  # the rest are 0
    sizes = np.broadcast_arrays(theta, theta / (theta + mu), share)
    found = np.where(np.isfinite(zero + mu + theta), np.zeros_like(share), np.nan)
    found[some] = stats.nbinom.ppf(sizes[2][some], sizes[0][some], sizes[1][some])
    return found


def log_normal_nll(counts: Tensor, mean: Tensor, deviation: Tensor, *, least: float) -> Tensor:
    """Return -log of the normal density of log(1 + count), per example, less its least value.

    The density's logarithm has no zero of its own. This one is zero at best, so that ratios of
    losses, which some weightings of tasks live by, have a meaning; its gradient is the same.

    Parameters
    ----------
    counts : Tensor
        0 or more.
    mean, deviation : Tensor of the same shape
        Of log(1 + count).
    least
        The smallest deviation that there is.
    """
    standard = (torch.log1p(counts) - mean) / deviation
    return 0.5 * standard.square() + torch.log(deviation / least)


def log_normal_quantiles(levels: Sequence[float], mean: Floats, deviation: Floats) -> Floats:
    """Return the quantiles of a count whose log(1 + count) is normal; below 0, they are 0.

    Parameters
    ----------
    levels : sequence of n_levels numbers in (0, 1)
    mean, deviation : ndarray of shape (n,)
        Of log(1 + count).

    Returns
    -------
    ndarray of shape (n, n_levels)

    Examples
    --------
    >>> log_normal_quantiles([0.5], np.log([8.0]), np.array([1.0])).round(9)
    array([[7.]])
    """
    normal = stats.norm.ppf(np.asarray(levels))
    log = np.asarray(mean)[:, np.newaxis] + np.asarray(deviation)[:, np.newaxis] * normal
    return np.asarray(np.expm1(np.clip(log, 0.0, LARGEST_LOG)), np.float64)

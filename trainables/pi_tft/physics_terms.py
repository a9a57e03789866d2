"""What the physics of a short encounter says about a risk forecast, as penalties per event.

The forecast of final log10 Pc is read off the classification logit z: if the final value is
logistic around r̂ with scale s, then P(final ≥ -6) = σ((r̂ + 6)/s), hence r̂ = -6 + s z, exactly.
The penalties so act on the classifier itself. Each is zero where the forecast agrees with its law:

- *bound*: no covariance size makes the risk greater than its maximum, r̂ ≤ log10 Pc_max;
- *consistency*: r̂ = log10 Pc of the forecast miss distance at the latest covariance;
- *monotone*: a longer miss at the same covariance never raises the risk (and with the Mahalanobis
  distance held fixed instead, the covariance grows with the miss, and Pc falls as well);
- *martingale*: a forecast of one fixed outcome has no drift, E[p_{k+1} | k CDMs] = p_k.

There is deliberately no term "more covariance, less risk": Pc rises with the covariance up to
M² = 2 and falls beyond (the dilution region).

References
----------
Alfano 2003, "Relating position uncertainty to maximum conjunction probability", AAS 03-548.
Sutton 1988, "Learning to predict by the methods of temporal differences",
doi:10.1007/BF00115009 (the martingale condition as a target).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from trainables.pi_tft.physics import HIGH_RISK, SMALLEST_MAHALANOBIS

LN10 = math.log(10.0)
NEGLIGIBLE = HIGH_RISK - 4.0  # log10 Pc below which forecasts need not agree: 1e-10 is 1e-14 is 0
LONGEST_LOG_MISS = 20.0  # log1p of half a million kilometres: keeps an exponential finite


def log10_risk(logits: Tensor, dex_per_logit: float) -> Tensor:
    """Return r̂ = -6 + s z."""
    return HIGH_RISK + dex_per_logit * logits


def log10_probability(max_risk: Tensor, mahalanobis: Tensor, stretch: Tensor | float = 1) -> Tensor:
    """Return log10 Pc at the covariance that has a given maximum, the miss stretched by a factor.

    K - (stretch M)² / (2 ln 10), where K = log10(R² / (2 σx σy)) = log10 Pc_max + log10(e M²/2).

    Parameters
    ----------
    max_risk, mahalanobis : Tensor
        log10 Pc_max and M, in the encounter plane, of the miss as it is.
    stretch : Tensor or float
        How many times as long the miss is.
    """
    square = mahalanobis.clamp_min(SMALLEST_MAHALANOBIS).square()
    ceiling = max_risk + (square / 2).log10() + 1 / LN10
    return ceiling - square * stretch**2 / (2 * LN10)


def miss_ratio(log_miss: Tensor, log_miss_latest: Tensor) -> Tensor:
    """Return forecast over latest miss distance, both given as log1p of metres."""
    forecast = log_miss.clamp(SMALLEST_MAHALANOBIS, LONGEST_LOG_MISS).expm1()
    return forecast / log_miss_latest.clamp_min(SMALLEST_MAHALANOBIS).expm1()


def bound(risk: Tensor, max_risk: Tensor) -> Tensor:
    """Return by how many decades the forecast exceeds the maximum."""
    return functional.relu(risk - max_risk)


def consistency(risk: Tensor, implied: Tensor) -> Tensor:
    """Return by how many decades two forecasts disagree, above the negligible."""
    return (risk.clamp_min(NEGLIGIBLE) - implied.clamp_min(NEGLIGIBLE)).abs()


def monotone(risk: Tensor, risk_further: Tensor, step: float) -> Tensor:
    """Return how steeply the forecast rises with the miss, in decades per unit of the step."""
    return functional.relu(risk_further - risk) / step


def martingale(logits: Tensor, mask: Tensor) -> Tensor:
    """Return the mean divergence of each forecast from the next one.

    KL(p_{k+1} ‖ p_k), with the later forecast held fixed: its expected minimiser is
    p_k = E[p_{k+1} | k CDMs], the martingale condition, unlike a plain smoothness penalty's.

    Parameters
    ----------
    logits : Tensor of shape (batch, length)
        Forecast after every CDM.
    mask : bool Tensor of shape (batch, length)

    Returns
    -------
    Tensor of shape (batch,)
        Mean over neighbouring CDMs; 0 for a single one.
    """
    pairs = (mask[:, :-1] & mask[:, 1:]).to(logits.dtype)  # (batch, length - 1)
    earlier, later = logits[:, :-1], logits[:, 1:].detach()
    target = later.sigmoid()
    cross = functional.binary_cross_entropy_with_logits(earlier, target, reduction="none")
    entropy = functional.binary_cross_entropy_with_logits(later, target, reduction="none")
    return torch.sum((cross - entropy) * pairs, dim=1) / pairs.sum(dim=1).clamp_min(1)

"""Metrics of PI-TFT: ranking, decisions, calibration, and the challenge's own score.

Scores are logits of a high final risk (log10 Pc ≥ -6). Thresholds are found on the validation split
and applied to both.

References
----------
Uriot et al. 2021, "Spacecraft collision avoidance challenge", arXiv:2008.03069 (MSE_HR / F2).
Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning" (ECE).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from search.trainable import Predictions
from trainables.pi_tft.physics import HIGH_RISK, RISK_FLOOR
from trainables.techniques.calibration import negative_log_likelihood
from trainables.techniques.ranking import (
    area_under_roc,
    average_precision,
    f_score_at,
    ranking_curve,
    threshold_of,
)

CALIBRATION_BINS = 15  # of equal width, as in Guo et al. 2017, arXiv:1706.04599
SMALLEST_F2 = (
    0.01  # stands for an F2 of 0, so that a forecast that finds nothing scores badly, not ∞
)

Floats = NDArray[np.float64]

RANKING_AND_CALIBRATION = ("ap", "auroc", "f1", "f2", "brier", "ece", "nll")


def evaluate(predictions: Predictions) -> dict[str, float]:
    """Return the metrics that need nothing but logits and labels; decisions are at p = 1/2.

    This is what a study passes as `metrics`, to judge post-hoc techniques.

    Parameters
    ----------
    predictions : Predictions
        Logits and labels.

    Returns
    -------
    dict
        ``ap``, ``auroc``, ``f1``, ``f2``, ``brier``, ``ece``, ``nll``; all NaN if a logit is.
    """
    logits = np.asarray(predictions.scores, np.float64)
    labels = np.asarray(predictions.targets, np.float64)
    if not np.isfinite(logits).all():
        return dict.fromkeys(RANKING_AND_CALIBRATION, math.nan)
    curve = ranking_curve(logits, labels)
    probabilities = expit(logits)
    return {
        "ap": average_precision(curve),
        "auroc": area_under_roc(curve),
        "f1": f_score_at(logits, labels, 0.0, beta=1.0),
        "f2": f_score_at(logits, labels, 0.0, beta=2.0),
        "brier": float(np.mean(np.square(probabilities - labels))),
        "ece": expected_calibration_error(probabilities, labels),
        "nll": negative_log_likelihood(logits, labels),
    }


def tuned_thresholds(predictions: Predictions) -> tuple[float, float]:
    """Return the logits at which F1 and F2 are greatest; NaN if a logit is."""
    logits = np.asarray(predictions.scores, np.float64)
    if not np.isfinite(logits).all():
        return math.nan, math.nan
    curve = ranking_curve(logits, predictions.targets)
    return threshold_of(curve, beta=1.0), threshold_of(curve, beta=2.0)


def evaluate_tuned(
    predictions: Predictions, risk: Floats, thresholds: tuple[float, float], *, dex_per_logit: float
) -> dict[str, float]:
    """Return the metrics of decisions at thresholds found elsewhere.

    Parameters
    ----------
    predictions : Predictions
        Logits and labels.
    risk : ndarray of shape (n_rows,)
        True final log10 Pc.
    thresholds
        Logits, from `tuned_thresholds` on the validation split.
    dex_per_logit
        Decades of risk per unit of logit; see `challenge_score`.

    Returns
    -------
    dict
        ``f1_tuned``, ``f2_tuned``, ``challenge``.
    """
    logits = np.asarray(predictions.scores, np.float64)
    labels = predictions.targets
    if not (np.isfinite(logits).all() and np.isfinite(thresholds).all()):
        return dict.fromkeys(("f1_tuned", "f2_tuned", "challenge"), math.nan)
    return {
        "f1_tuned": f_score_at(logits, labels, thresholds[0], beta=1.0),
        "f2_tuned": f_score_at(logits, labels, thresholds[1], beta=2.0),
        "challenge": challenge_score(HIGH_RISK + dex_per_logit * (logits - thresholds[1]), risk),
    }


def challenge_score(forecast: Floats, risk: Floats) -> float:
    """Return the challenge's L = MSE_HR / F2; lower is better.

    MSE_HR is the mean squared error of the forecast log10 Pc over the events whose *true* final
    risk is high (≥ -6); F2 is over all events, a forecast ≥ -6 calling one high. An F2 below 0.01
    counts as 0.01.

    Parameters
    ----------
    forecast, risk : ndarray of shape (n_rows,)
        Forecast and true final log10 Pc. Forecasts are clipped to [-30, 0], where log10 Pc lies.

    Examples
    --------
    >>> challenge_score(np.array([-5.0, -7.0, -20.0]), np.array([-4.0, -5.0, -9.0]))
    4.5
    """
    forecast = np.clip(forecast, RISK_FLOOR, 0.0)
    high = risk >= HIGH_RISK
    error = float(np.mean(np.square(forecast[high] - risk[high])))
    return error / max(SMALLEST_F2, f_score_at(forecast, high, HIGH_RISK, beta=2.0))


def expected_calibration_error(probabilities: Floats, labels: Floats) -> float:
    """Return Σ_b n_b/n |mean probability - frequency|, of the positive class."""
    count, probability, frequency = reliability(probabilities, labels)
    filled = count > 0
    gaps = np.abs(probability[filled] - frequency[filled])
    return float(count[filled] @ gaps / len(labels))


def reliability(probabilities: Floats, labels: Floats) -> tuple[Floats, Floats, Floats]:
    """Return count, mean probability and frequency of positives per bin of equal width.

    An empty bin has NaN for the last two.
    """
    place = np.minimum((probabilities * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)

    def total(weights: Floats) -> Floats:
        return np.bincount(place, weights, CALIBRATION_BINS).astype(np.float64)

    count = total(np.ones_like(probabilities))
    divisor = np.where(count > 0, count, np.nan)
    return count, total(probabilities) / divisor, total(labels) / divisor

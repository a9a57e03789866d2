"""What binary forecasts are worth: ranking, decisions at one half, calibration. Scores are logits.

References
----------
Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning" (ECE).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from search.trainable import Predictions
from trainables.techniques.calibration import negative_log_likelihood
from trainables.techniques.ranking import (
    area_under_roc,
    average_precision,
    f_score_at,
    ranking_curve,
    threshold_of,
)

CALIBRATION_BINS = 15  # of equal width, as in Guo et al. 2017, arXiv:1706.04599
METRICS = ("ap", "auroc", "f1", "f2", "brier", "ece", "nll")

Floats = NDArray[np.float64]


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
        return dict.fromkeys(METRICS, math.nan)
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

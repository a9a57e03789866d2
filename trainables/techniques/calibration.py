"""Post-hoc techniques: temperature, Platt and isotonic calibration, and threshold search.

All of them take and return predictions whose scores are **logits**, so that the probability is
σ(score) and a decision is "score ≥ 0". Each is fitted on the validation split only, and returns a
small callable that transforms any split's predictions.

Temperature and Platt scaling (with a positive slope) and the threshold's shift keep the ranking;
isotonic regression may tie what was apart.

References
----------
Guo et al. 2017, "On calibration of modern neural networks", arXiv:1706.04599 (temperature).
Platt 1999, "Probabilistic outputs for support vector machines".
Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass probability
estimates", doi:10.1145/775047.775151 (isotonic).
Saito and Rehmsmeier 2015, doi:10.1371/journal.pone.0118432 (precision and recall).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import expit, log_expit, logit

from search.trainable import Predictions
from trainables.techniques.ranking import best_threshold

WIDEST_LOG_TEMPERATURE = 5.0  # e^±5: beyond it, a split is separated and has no best temperature
SMALLEST_PROBABILITY = 1e-6  # keeps the logit of an isotonic 0 or 1 finite

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Affine:
    """logit ← slope · logit + offset."""

    slope: float
    offset: float

    def __call__(self, predictions: Predictions) -> Predictions:
        """Return the predictions with transformed logits."""
        scores = np.asarray(predictions.scores, np.float64)
        return replace(predictions, scores=self.slope * scores + self.offset)


@dataclass(frozen=True)
class Stairs:
    """logit ← logit of a non-decreasing, piecewise linear function of the logit.

    Parameters
    ----------
    logits, probabilities
        Corners of the function, constant beyond the outermost.
    """

    logits: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, predictions: Predictions) -> Predictions:
        """Return the predictions with transformed logits."""
        probabilities = np.interp(predictions.scores, self.logits, self.probabilities)
        clipped = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        return replace(predictions, scores=logit(clipped))


def negative_log_likelihood(logits: Floats, targets: Floats) -> float:
    """Return the mean of -log p(target)."""
    return float(-np.mean(targets * log_expit(logits) + (1 - targets) * log_expit(-logits)))


def fit_temperature(validation: Predictions) -> Affine:
    """Return logit ← logit / T, with the T that minimises the validation log-likelihood's negative.

    T > 1 softens an over-confident model, T < 1 sharpens a timid one. The ranking stays.

    Examples
    --------
    >>> timid = Predictions(np.array([-0.1, 0.1] * 8 + [0.1, -0.1]), np.array([0, 1] * 8 + [0, 1]))
    >>> round(1 / fit_temperature(timid).slope, 3)  # 8 of 9 are right: logit ln 8 = 2.079
    0.048
    """
    logits, targets = _arrays(validation)

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(logits * np.exp(-log_temperature), targets)

    width = WIDEST_LOG_TEMPERATURE
    found = optimize.minimize_scalar(
        loss, bounds=(-width, width), method="bounded", options={"xatol": 1e-6}
    )
    return Affine(float(np.exp(-found.x)), 0.0)


def fit_platt(validation: Predictions) -> Affine:
    """Return logit ← a · logit + b, fitted with Platt's smoothed targets."""
    logits, targets = _arrays(validation)
    positives = float(targets.sum())
    negatives = len(targets) - positives
    smooth = np.where(targets > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(line: Floats) -> float:
        return negative_log_likelihood(line[0] * logits + line[1], smooth)

    def slope(line: Floats) -> Floats:
        excess = expit(line[0] * logits + line[1]) - smooth
        return np.array([np.mean(excess * logits), np.mean(excess)])

    found = optimize.minimize(loss, np.array([1.0, 0.0]), jac=slope, method="BFGS")
    return Affine(float(found.x[0]), float(found.x[1]))


def fit_isotonic(validation: Predictions) -> Stairs:
    """Return logit ← logit of the isotonic regression of the targets on the logits."""
    logits, targets = _arrays(validation)
    distinct, where = np.unique(logits, return_inverse=True)
    count = np.bincount(where).astype(np.float64)
    mean = np.bincount(where, weights=targets) / count
    fitted = optimize.isotonic_regression(mean, weights=count).x
    return Stairs(tuple(distinct.tolist()), tuple(fitted.tolist()))


def fit_threshold(validation: Predictions, *, beta: float = 1.0) -> Affine:
    """Return logit ← logit - t, with the t at which F_β on the validation split is greatest.

    A decision at probability 1/2 is then one at that threshold. The shift says nothing about
    calibration, and usually spoils it.

    Parameters
    ----------
    validation
        Logits and targets.
    beta
        Recall counts β times as much as precision.
    """
    logits, targets = _arrays(validation)
    return Affine(1.0, -best_threshold(logits, targets, beta=beta))


def _arrays(predictions: Predictions) -> tuple[Floats, Floats]:
    scores = np.asarray(predictions.scores, np.float64)
    return scores, np.asarray(predictions.targets, np.float64)

"""Pictures of binary forecasts: reliability, precision and recall, as arrays and as figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from search.trainable import Predictions
from trainables.techniques.binary import reliability
from trainables.techniques.calibration import fit_temperature
from trainables.techniques.ranking import ranking_curve, threshold_of

CURVE_POINTS = 200  # of a curve as it is drawn: no eye sees more

Arrays = dict[str, NDArray[Any]]


def calibration(predictions: Predictions) -> Arrays:
    """Return the reliability diagram and the temperature that would calibrate best.

    Returns
    -------
    dict
        ``reliability_count``, ``reliability_probability``, ``reliability_frequency``, each of shape
        (n_bins,), NaN in empty bins, and the scalar ``temperature``.
    """
    labels = np.asarray(predictions.targets, np.float64)
    count, probability, frequency = reliability(expit(predictions.scores), labels)
    return {
        "reliability_count": count,
        "reliability_probability": probability,
        "reliability_frequency": frequency,
        "temperature": np.asarray(1 / fit_temperature(predictions).slope),
    }


def precision_recall(predictions: Predictions) -> Arrays:
    """Return the precision-recall curve, and the thresholds that F1 and F2 choose on it.

    Returns
    -------
    dict
        ``pr_precision``, ``pr_recall``, ``pr_threshold`` (logits), each of shape (n_distinct,), and
        the scalars ``threshold_f1`` and ``threshold_f2``.
    """
    curve = ranking_curve(predictions.scores, predictions.targets)
    return {
        "pr_precision": curve.precision,
        "pr_recall": curve.recall,
        "pr_threshold": curve.thresholds,
        "threshold_f1": np.asarray(threshold_of(curve, beta=1.0)),
        "threshold_f2": np.asarray(threshold_of(curve, beta=2.0)),
    }


def figures(arrays: Arrays) -> dict[str, Any]:
    """Return the arrays of this module as a study's reports draw them."""
    return {"reliability": _reliability(arrays), "precision_recall": _precision_recall(arrays)}


def _reliability(arrays: Arrays) -> dict[str, Any]:
    filled = arrays["reliability_count"] > 0
    return {
        "kind": "curve",
        "title": "Reliability on validation data",
        "note": f"temperature {float(arrays['temperature']):.2f}",
        "x_name": "predicted probability",
        "y_name": "observed frequency",
        "diagonal": True,
        "x": arrays["reliability_probability"][filled],
        "y": arrays["reliability_frequency"][filled],
    }


def _precision_recall(arrays: Arrays) -> dict[str, Any]:
    n = len(arrays["pr_recall"])
    kept = np.unique(np.linspace(0, n - 1, min(n, CURVE_POINTS)).round().astype(int))
    marks = []
    for beta in ("f1", "f2"):
        threshold = float(arrays[f"threshold_{beta}"])
        place = int(np.argmin(np.abs(arrays["pr_threshold"] - threshold)))
        marks.append(
            {
                "name": f"best {beta.upper()}: threshold {expit(threshold):.2f}",
                "x": arrays["pr_recall"][place],
                "y": arrays["pr_precision"][place],
            }
        )
    return {
        "kind": "curve",
        "title": "Precision and recall on validation data",
        "x_name": "recall",
        "y_name": "precision",
        "x": arrays["pr_recall"][kept],
        "y": arrays["pr_precision"][kept],
        "marks": marks,
    }

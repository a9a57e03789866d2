"""What guards watch in predictions: whether a task still tells one day from another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from search.trainable import Predictions
from trainables.han.batch import TASKS, Task
from trainables.han.columns import forecast_features, score_columns, target_columns

Floats = NDArray[np.float64]


def spreads(predictions: Predictions) -> dict[str, float]:
    """Return how much each task's predictions vary over the rows.

    Parameters
    ----------
    predictions : Predictions
        See `trainables.han.metrics.evaluate`.

    Returns
    -------
    dict
        ``<task>_prediction_sd``: of probabilities for regime and transition; for the others
        relative to the standard deviation of the truth, which is about 1 for good forecasts; the
        mean over columns. NaN where a score is not finite, or no column's truth varies.

    Examples
    --------
    >>> constant = Predictions(np.zeros((3, 15)), np.eye(3, 4))
    >>> spreads(constant)["regime_prediction_sd"], spreads(constant)["anomaly_prediction_sd"]
    (0.0, 0.0)
    """
    scores = np.asarray(predictions.scores, np.float64)
    targets = np.asarray(predictions.targets, np.float64)
    features = forecast_features(targets.shape[1])
    said, truth = score_columns(features), target_columns(features)
    return {
        f"{task}_prediction_sd": _spread(task, scores[:, said[task]], targets[:, truth[task]])
        for task in TASKS
    }


def _spread(task: Task, scores: Floats, targets: Floats) -> float:
    if not np.isfinite(scores).all():
        return np.nan
    if task == "regime":
        return float(softmax(scores, axis=1).std(axis=0).mean())
    if task == "transition":
        return float(expit(scores).std())
    known = ~np.isnan(targets)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, targets, 0.0).sum(axis=0) / count
    unit = np.sqrt(np.square(np.where(known, targets - mean, 0.0)).sum(axis=0) / count)
    deviation, unit = np.broadcast_arrays(scores.std(axis=0), unit)  # quantiles share one truth
    varied = unit > 0
    return float(np.mean(deviation[varied] / unit[varied])) if varied.any() else np.nan

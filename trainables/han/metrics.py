"""What forecasts of all six tasks are worth: a proper metric each, and one skill for the search.

The skill of a task is (m - m₀) / (m* - m₀): m its metric, m* that of perfect forecasts, and m₀ that
of the best *constant* forecast on the same split, such as the split's own mean. No technique can
move m₀, so that configurations with whatever losses, scalings and weights compare.

References
----------
Gneiting and Raftery 2007, "Strictly proper scoring rules, prediction, and estimation",
doi:10.1198/016214506000001437 (CRPS, skill scores, quantile scores).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from search.trainable import Predictions
from trainables.han.batch import TASKS, Task
from trainables.han.columns import LEVELS, forecast_features, score_columns, target_columns
from trainables.techniques.ranking import area_under_roc, average_precision, ranking_curve

WORST_SKILL: Final = -1.0  # one exploding task, or feature, must not decide the mean
METRICS: Final[dict[Task, tuple[str, ...]]] = {
    "regime": ("regime_macro_f1", "regime_nll"),
    "casualty": ("casualty_crps", "casualty_mae"),
    "anomaly": ("anomaly_r2",),
    "transition": ("transition_ap", "transition_auroc"),
    "forecast": ("forecast_r2",),
    "daily_forecast": ("daily_forecast_r2",),
}

Floats = NDArray[np.float64]
Judged = tuple[tuple[float, ...], float]  # a task's metrics and its skill
UNKNOWN: Final = math.nan


def evaluate(predictions: Predictions) -> dict[str, float]:
    """Return the metrics and the skill of every task, and their mean skill.

    This is what a study passes as `metrics`; ``skill`` is the objective of its search.

    Parameters
    ----------
    predictions : Predictions
        Scores of shape (n_rows, 15 + 8 F) and targets of shape (n_rows, 4 + 8 F) as
        `trainables.han.columns` orders them, F features being forecast. A target that is not known
        is NaN, and its score is not judged.

    Returns
    -------
    dict
        ``regime_macro_f1`` (mean over the classes that occur in the truth) and ``regime_nll``;
        ``casualty_crps`` (twice the mean pinball loss of the nine quantiles) and ``casualty_mae``
        (of the median); ``anomaly_r2``; ``transition_ap`` and ``transition_auroc``;
        ``forecast_r2`` and ``daily_forecast_r2`` (means over features, and days ahead, of each
        one's R²); ``skill_<task>``, in terms of the first-named metric of its task; and
        ``skill``, the mean over the tasks that can be judged.

        Skills are 1 for perfect and 0 for the best constant forecasts, and never below -1, so that
        one exploding task cannot decide the mean; a forecast's skill is the mean over features
        of such clipped skills, for the same reason.

        A task is NaN, and not counted, if its truth is constant or not known at all: no forecast
        could be better than the best constant. The same holds for a feature within a forecast. A
        task with a score that is not finite is NaN too, and then so is ``skill``.

    Examples
    --------
    >>> truth = np.array([[0.0, 3.0, np.nan, 1.0], [1.0, 0.0, np.nan, 0.0]])
    >>> logits, quantiles = [[5.0, 0, 0, 0], [0, 5.0, 0, 0]], [[3.0] * 9, [0.0] * 9]
    >>> said = np.hstack([logits, quantiles, [[7.0, 2.0], [7.0, -2.0]]])
    >>> found = evaluate(Predictions(said, truth))
    >>> found["skill"], found["skill_anomaly"]  # nothing is known about the anomaly
    (1.0, nan)
    """
    scores = np.asarray(predictions.scores, np.float64)
    targets = np.asarray(predictions.targets, np.float64)
    features = forecast_features(targets.shape[1])
    said, truth = score_columns(features), target_columns(features)
    values: dict[str, float] = {}
    skills: dict[Task, float] = {}
    sound = bool(np.isfinite(scores).all())
    for task in TASKS:
        judged = _judge(task, scores[:, said[task]], targets[:, truth[task]])
        values |= dict(zip(METRICS[task], judged[0], strict=True))
        skills[task] = values[f"skill_{task}"] = judged[1]
    counted = [skill for skill in skills.values() if not math.isnan(skill)]
    values["skill"] = sum(counted) / len(counted) if sound and counted else UNKNOWN
    return values


def _judge(task: Task, scores: Floats, targets: Floats) -> Judged:
    judges: dict[Task, Callable[[Floats, Floats], Judged | None]] = {
        "regime": _regime,
        "casualty": _casualty,
        "anomaly": _regression,
        "transition": _transition,
        "forecast": _regression,
        "daily_forecast": _regression,
    }
    judged = judges[task](scores, targets) if np.isfinite(scores).all() else None
    return judged or ((UNKNOWN,) * len(METRICS[task]), UNKNOWN)


def _known(scores: Floats, targets: Floats) -> tuple[Floats, Floats] | None:
    """Return the rows whose truth is known, or nothing if these are all the same."""
    known = ~np.isnan(targets[:, 0])
    truth = targets[known, 0]
    return (scores[known], truth) if len(truth) and np.ptp(truth) > 0 else None


def _regime(scores: Floats, targets: Floats) -> Judged | None:
    if (rows := _known(scores, targets)) is None:
        return None
    logits, truth = rows[0], rows[1].astype(np.int64)
    classes = logits.shape[1]
    confusion = np.bincount(classes * truth + logits.argmax(axis=1), minlength=classes**2)
    confusion = confusion.reshape(classes, classes)  # truth in rows
    occurring = confusion.sum(axis=1) > 0
    pairs = confusion.sum(axis=0) + confusion.sum(axis=1)
    macro_f1 = float(np.mean(2 * np.diag(confusion)[occurring] / pairs[occurring]))
    most = int(confusion.sum(axis=1).max())  # rows of the most frequent class
    constant = 2 * most / (most + len(truth)) / int(np.count_nonzero(occurring))
    nll = np.mean(logsumexp(logits, axis=1) - logits[np.arange(len(truth)), truth])
    return (macro_f1, float(nll)), _skill(macro_f1, constant, perfect=1.0)


def _casualty(scores: Floats, targets: Floats) -> Judged | None:
    if (rows := _known(scores, targets)) is None:
        return None
    quantiles, truth = rows
    crps = continuous_ranked_probability(quantiles, truth)
    best = np.quantile(truth, LEVELS, method="inverted_cdf")  # it minimises the pinball loss
    constant = continuous_ranked_probability(np.broadcast_to(best, quantiles.shape), truth)
    mae = float(np.mean(np.abs(quantiles[:, LEVELS.index(0.5)] - truth)))
    return (crps, mae), _skill(crps, constant, perfect=0.0)


def continuous_ranked_probability(quantiles: Floats, truth: Floats) -> float:
    """Return the mean CRPS of forecasts by their quantiles: twice the mean pinball loss.

    Parameters
    ----------
    quantiles : ndarray of shape (n_rows, n_levels)
        At `LEVELS`.
    truth : ndarray of shape (n_rows,)
    """
    error = truth[:, np.newaxis] - quantiles
    return float(2 * np.mean(error * (np.asarray(LEVELS) - (error < 0))))


def _transition(scores: Floats, targets: Floats) -> Judged | None:
    if (rows := _known(scores, targets)) is None:
        return None
    logits, truth = rows[0][:, 0], rows[1]
    curve = ranking_curve(logits, truth)
    precision = average_precision(curve)
    return (precision, area_under_roc(curve)), _skill(precision, truth.mean(), perfect=1.0)


def _regression(scores: Floats, targets: Floats) -> Judged | None:
    """Judge columns by R², each against its own mean; columns of constant truth are left out."""
    known = ~np.isnan(targets)
    highest = np.where(known, targets, -np.inf).max(axis=0, initial=-np.inf)
    lowest = np.where(known, targets, np.inf).min(axis=0, initial=np.inf)
    varied = highest > lowest
    if not varied.any():
        return None
    known, truth, scores = known[:, varied], targets[:, varied], scores[:, varied]
    mean = np.where(known, truth, 0.0).sum(axis=0) / known.sum(axis=0)
    spread = np.square(np.where(known, truth - mean, 0.0)).sum(axis=0)
    error = np.square(np.where(known, truth - scores, 0.0)).sum(axis=0)
    determined = 1 - error / spread
    return (float(determined.mean()),), float(np.maximum(determined, WORST_SKILL).mean())


def _skill(metric: float, constant: float, *, perfect: float) -> float:
    return max(WORST_SKILL, float((metric - constant) / (perfect - constant)))

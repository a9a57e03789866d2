"""What a lens finder is worth: on clean pairs, and on the set "shift".

Predictions of the held-out split hold both: clean pairs, drawn as training's are, and shifted ones,
where what is no arc does not help; groups tell them apart. So post-hoc techniques, which are fitted
on validation, are judged on either.

References
----------
Davis and Goadrich 2006, doi:10.1145/1143844.1143874 (precision and recall).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from search.trainable import Predictions
from trainables.gen5_prime.stamps import Whole
from trainables.techniques import binary
from trainables.techniques.ranking import RankingCurve, area_under_roc, ranking_curve

SHIFTED: Final = 1_000_000  # added to the brick's number in the groups of "shift"
SHIFT: Final = "shift_"  # of the metrics there
OWN: Final = (
    "accuracy",
    "recall",
    "specificity",
    "class_accuracy_max",
    "error_imbalance",
    "precision_at_recall_95",
    "precision_at_recall_90",
    "recall_at_precision_95",
)
METRICS: Final = (*binary.METRICS, *OWN)

Flags = NDArray[np.bool_]


def groups_of(brick: Whole, *, shifted: bool) -> Whole:
    """Return the groups of a split's predictions."""
    return brick + SHIFTED if shifted else brick


def evaluate(predictions: Predictions) -> dict[str, float]:
    """Return the metrics that need nothing but logits, labels and groups; decisions at p = 1/2.

    This is what a study passes as `metrics`, to judge post-hoc techniques.

    Parameters
    ----------
    predictions : Predictions
        Logits, labels, and groups by `groups_of`; without groups, all is clean.

    Returns
    -------
    dict
        `METRICS` of clean pairs; those of shifted ones under ``shift_``, where there are any. All
        are NaN if a logit is.
    """
    shifted = _shifted(predictions)
    found = _metrics(predictions, ~shifted)
    if shifted.any():
        found |= {SHIFT + name: v for name, v in _metrics(predictions, shifted).items()}
    return found


def clean(predictions: Predictions) -> Predictions:
    """Return the clean pairs' part."""
    return _part(predictions, ~_shifted(predictions))


def shift(predictions: Predictions) -> Predictions:
    """Return the shifted pairs' part."""
    return _part(predictions, _shifted(predictions))


def auroc(logits: NDArray[Any], label: NDArray[Any]) -> float:
    """Return the area under the receiver's curve; NaN if a logit is, or a class is missing."""
    if not np.isfinite(logits).all() or len(np.unique(label)) < 2:
        return math.nan
    return area_under_roc(ranking_curve(logits, label))


def precision_at_recall(curve: RankingCurve, least: float) -> float:
    """Return the greatest precision of a threshold whose recall is at least `least`."""
    return float(curve.precision[curve.recall >= least - 1e-12].max())


def recall_at_precision(curve: RankingCurve, least: float) -> float:
    """Return the greatest recall of a threshold whose precision is at least `least`; 0 if none."""
    return float(curve.recall[curve.precision >= least - 1e-12].max(initial=0.0))


def error_imbalance(false_positives: int, false_negatives: int) -> float:
    """Return |log2| of false positives over false negatives, each with half of one more.

    Examples
    --------
    >>> error_imbalance(7, 7), error_imbalance(15, 0) > 4
    (0.0, True)
    """
    return abs(math.log2((false_positives + 0.5) / (false_negatives + 0.5)))


def _shifted(predictions: Predictions) -> Flags:
    if predictions.groups is None:
        return np.zeros(len(predictions.targets), np.bool_)
    return np.asarray(predictions.groups >= SHIFTED)


def _part(predictions: Predictions, rows: Flags) -> Predictions:
    groups = None if predictions.groups is None else predictions.groups[rows]
    return Predictions(predictions.scores[rows], predictions.targets[rows], groups)


def _metrics(predictions: Predictions, rows: Flags) -> dict[str, float]:
    part = _part(predictions, rows)
    if not np.isfinite(part.scores).all():
        return dict.fromkeys(METRICS, math.nan)
    return binary.evaluate(part) | _own(part)


def _own(part: Predictions) -> dict[str, float]:
    called, label = np.asarray(part.scores) >= 0, np.asarray(part.targets) > 0
    curve = ranking_curve(part.scores, part.targets)
    recall, specificity = float(called[label].mean()), float((~called[~label]).mean())
    wrong = int((called & ~label).sum()), int((~called & label).sum())
    return {
        "accuracy": float((called == label).mean()),
        "recall": recall,
        "specificity": specificity,
        "class_accuracy_max": max(recall, specificity),
        "error_imbalance": error_imbalance(*wrong),
        "precision_at_recall_95": precision_at_recall(curve, 0.95),
        "precision_at_recall_90": precision_at_recall(curve, 0.90),
        "recall_at_precision_95": recall_at_precision(curve, 0.95),
    }

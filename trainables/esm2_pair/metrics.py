"""What a pair classifier is worth: all pairs, hard pairs, and false alarms by shared metadata.

Positives are ranked against two kinds of negatives. Most differ in lineage, which metadata could
tell as well; *hard* ones pair two isolates of one lineage, and only they ask whether a network
knows isolates. Areas are those of scores, never of decisions: a thresholded score has a single
point of the curve.

References
----------
Park and Marcotte 2012, "Flaws in evaluation schemes for pair-input computational predictions",
doi:10.1038/nmeth.2259 (why a metric by kind of pair).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from search.trainable import Predictions
from trainables.esm2_pair.pairs import SAME_LINEAGE
from trainables.techniques import binary
from trainables.techniques.ranking import (
    area_under_roc,
    average_precision,
    f_score_at,
    ranking_curve,
)

MATCHES: Final = ("0", "1", "2", "3_up")  # metadata fields in common; the last: 3 or more
METRICS: Final = ("hard_auroc", "hard_ap", *binary.METRICS, "f0_5", "accuracy")

Flags = NDArray[np.bool_]


def evaluate(predictions: Predictions) -> dict[str, float]:
    """Return the metrics that need nothing but logits, labels and strata; decisions at p = 1/2.

    This is what a study passes as `metrics`, to judge post-hoc techniques.

    Parameters
    ----------
    predictions : Predictions
        Logits, labels, and as groups the strata of `trainables.esm2_pair.pairs.Pairs`.

    Returns
    -------
    dict
        ``hard_auroc`` and ``hard_ap`` (positives against negatives within a lineage; NaN where
        there are none), ``auroc``, ``ap``, ``f1``, ``f2``, ``brier``, ``ece``, ``nll``,
        ``f0_5``, ``accuracy``, and `false_positive_rates`; all NaN if a logit is.
    """
    logits = np.asarray(predictions.scores, np.float64)
    rates = false_positive_rates(predictions)
    if not np.isfinite(logits).all():
        return dict.fromkeys((*METRICS, *rates), math.nan)
    labels = np.asarray(predictions.targets, np.bool_)
    return {
        **_hard(logits, labels, hard_negatives(predictions)),
        **binary.evaluate(predictions),
        "f0_5": f_score_at(logits, labels, 0.0, beta=0.5),
        "accuracy": float(np.mean((logits >= 0) == labels)),
        **rates,
    }


def hard_negatives(predictions: Predictions) -> Flags:
    """Return which rows are negatives within a lineage; none, where strata are not known."""
    negative = ~np.asarray(predictions.targets, np.bool_)
    if predictions.groups is None:
        return np.zeros_like(negative)
    return np.asarray(negative & (predictions.groups >= SAME_LINEAGE))


def false_positive_rates(predictions: Predictions) -> dict[str, float]:
    """Return the share of negatives that are called positive, by metadata fields in common.

    Returns
    -------
    dict
        ``fpr_matches_0``, ``fpr_matches_1``, ``fpr_matches_2`` and ``fpr_matches_3_up`` (three or
        more), those of which the split has negatives.
    """
    if predictions.groups is None:
        return {}
    negative = ~np.asarray(predictions.targets, np.bool_)
    called = np.asarray(predictions.scores)[negative] >= 0
    matches = np.asarray(predictions.groups)[negative] % SAME_LINEAGE
    kinds = np.minimum(matches, len(MATCHES) - 1)
    return {
        f"fpr_matches_{name}": float(called[kinds == kind].mean())
        for kind, name in enumerate(MATCHES)
        if np.any(kinds == kind)
    }


def _hard(logits: NDArray[Any], labels: Flags, negatives: Flags) -> dict[str, float]:
    if not (labels.any() and negatives.any()):
        return {"hard_auroc": math.nan, "hard_ap": math.nan}
    judged = labels | negatives
    curve = ranking_curve(logits[judged], labels[judged])
    return {"hard_auroc": area_under_roc(curve), "hard_ap": average_precision(curve)}

"""Reference lines: what other models reach on the very splits that a seed gives PI-TFT.

They take the same steps after training as PI-TFT does: thresholds and a temperature, both found on
the validation split.
"""

from __future__ import annotations

import numpy as np

from search.trainable import Predictions
from trainables.pi_tft.batches import splits_of
from trainables.pi_tft.config import PiTftConfig
from trainables.pi_tft.metrics import evaluate_tuned
from trainables.pi_tft.reference import ReferenceScores, fit_trees, latest_risk
from trainables.pi_tft.sequences import Splits
from trainables.techniques.binary import evaluate, tuned_thresholds
from trainables.techniques.calibration import fit_temperature
from trainables.techniques.reference_lines import Given, on_splits

PLAIN = PiTftConfig()


@on_splits(splits_of, PLAIN)
def boosted_trees(given: Given[PiTftConfig, Splits]) -> dict[str, float]:
    """Return the metrics of gradient-boosted trees on hand-made summaries of each event."""
    return _metrics(given.splits, fit_trees(given.splits, seed=given.seed))


@on_splits(splits_of, PLAIN)
def latest_message(given: Given[PiTftConfig, Splits]) -> dict[str, float]:
    """Return the metrics of the forecast that the risk stays as it was last reported."""
    return _metrics(given.splits, latest_risk(given.splits))


def _metrics(splits: Splits, scores: ReferenceScores) -> dict[str, float]:
    validation = Predictions(scores.validation, splits.validation.label)
    test = Predictions(scores.test, splits.test.label)
    thresholds = tuned_thresholds(validation)
    scaled = fit_temperature(validation)
    found: dict[str, float] = {}
    for prefix, split, events in (
        ("val_", validation, splits.validation),
        ("test_", test, splits.test),
    ):
        risk = np.asarray(events.risk, np.float64)
        tuned = evaluate_tuned(split, risk, thresholds, dex_per_logit=1.0)
        calibrated = {f"{k}_scaled": v for k, v in evaluate(scaled(split)).items() if k == "ece"}
        metrics = {**evaluate(split), **tuned, **calibrated}
        found |= {f"{prefix}{name}": value for name, value in metrics.items()}
    return found

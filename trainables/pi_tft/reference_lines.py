"""Reference lines: what other models reach on the very splits that a seed gives PI-TFT.

They take the same steps after training as PI-TFT does: thresholds and a temperature, both found on
the validation split.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from search.trainable import Predictions
from trainables.pi_tft.batches import splits_of
from trainables.pi_tft.config import PiTftConfig
from trainables.pi_tft.metrics import evaluate_tuned
from trainables.pi_tft.reference import ReferenceScores, fit_trees, latest_risk
from trainables.pi_tft.sequences import Splits
from trainables.techniques.binary import evaluate, tuned_thresholds
from trainables.techniques.calibration import fit_temperature
from trainables.techniques.splitting import Replication, Sampling

PLAIN = PiTftConfig()


def boosted_trees(
    seed: int,
    *,
    config: PiTftConfig = PLAIN,
    data: Any = None,
    split_seed: int = 0,
    replication: Replication = "fresh",
) -> dict[str, float]:
    """Return the metrics of gradient-boosted trees on hand-made summaries of each event.

    Parameters
    ----------
    seed
        Draws the splits, as for PI-TFT.
    config
        The study's baseline.
    data
        What `load_messages` returned.
    split_seed, replication
        The study's: what else a new seed draws anew.

    Returns
    -------
    dict
        Every metric under ``val_`` and ``test_``.
    """
    sampling = Sampling(replication, split_seed)
    splits = splits_of(config.data, data, seed=seed, sampling=sampling)
    return _metrics(splits, fit_trees(splits, seed=seed))


def latest_message(
    seed: int,
    *,
    config: PiTftConfig = PLAIN,
    data: Any = None,
    split_seed: int = 0,
    replication: Replication = "fresh",
) -> dict[str, float]:
    """Return the metrics of the forecast that the risk stays as it was last reported."""
    sampling = Sampling(replication, split_seed)
    splits = splits_of(config.data, data, seed=seed, sampling=sampling)
    return _metrics(splits, latest_risk(splits))


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

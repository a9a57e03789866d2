"""Distances become probabilities, and rank as they did."""

import numpy as np
import pytest
from scipy.special import expit

from search.trainable import Predictions
from trainables.esm2_pair.distances import fit_logits
from trainables.esm2_pair.metrics import evaluate


def drawn(scale: float = 300.0, sign: int = 1, n: int = 2000) -> Predictions:
    """Return scores whose probabilities are known, on an absurd scale."""
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=n)
    label = (rng.random(n) < expit(logits)).astype(int)
    strata = np.where(label == 1, 103, 100)
    return Predictions(sign * scale * logits - 5000, label, strata)


def test_the_line_is_found_on_any_scale():
    line = fit_logits(drawn())
    assert line.slope * 300 == pytest.approx(1.0, rel=0.15)
    assert line.offset - 5000 * line.slope == pytest.approx(0.0, abs=0.2)


def test_one_half_means_something_and_no_area_moves():
    said = drawn()
    plain, calibrated = evaluate(said), evaluate(fit_logits(said)(said))
    for name in ("hard_auroc", "hard_ap", "auroc", "ap"):
        assert calibrated[name] == pytest.approx(plain[name], abs=1e-12)
    assert plain["f1"] == 0.0
    assert calibrated["f1"] > 0.6
    assert calibrated["ece"] < 0.05


def test_distances_that_mislead_are_not_turned_over():
    said = drawn(sign=-1)
    line = fit_logits(said)
    assert line.slope > 0
    calibrated = line(said)
    assert evaluate(calibrated)["auroc"] == pytest.approx(evaluate(said)["auroc"], abs=1e-12)
    assert expit(calibrated.scores).mean() == pytest.approx(said.targets.mean(), abs=1e-3)
    assert np.ptp(expit(calibrated.scores)) < 0.01


@pytest.mark.parametrize("value", [np.nan, np.inf, 3.0])
def test_scores_that_say_nothing_stay(value: float):
    scores = np.full(10, value if np.isfinite(value) else 1.0)
    scores[0] = value
    line = fit_logits(Predictions(scores, np.arange(10) % 2))
    assert (line.slope, line.offset) == (1.0, 0.0)

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn import metrics as sklearn_metrics

from search.trainable import Predictions
from trainables.techniques.binary import (
    CALIBRATION_BINS,
    evaluate,
    expected_calibration_error,
    reliability,
    tuned_thresholds,
)


def drawn(seed: int, size: int = 400) -> Predictions:
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1.5, 2, size)
    return Predictions(logits, (rng.random(size) < expit(0.7 * logits)).astype(int))


@given(st.integers(0, 10_000))
def test_metrics_are_scikit_learns(seed: int) -> None:
    predictions = drawn(seed)
    labels, probabilities = predictions.targets, expit(predictions.scores)
    called = probabilities >= 0.5
    got = evaluate(predictions)
    assert got["ap"] == pytest.approx(
        sklearn_metrics.average_precision_score(labels, probabilities)
    )
    assert got["auroc"] == pytest.approx(sklearn_metrics.roc_auc_score(labels, probabilities))
    assert got["f1"] == pytest.approx(sklearn_metrics.f1_score(labels, called, zero_division=0))
    assert got["f2"] == pytest.approx(
        sklearn_metrics.fbeta_score(labels, called, beta=2, zero_division=0)
    )
    assert got["brier"] == pytest.approx(sklearn_metrics.brier_score_loss(labels, probabilities))
    assert got["nll"] == pytest.approx(sklearn_metrics.log_loss(labels, probabilities))


@given(st.integers(0, 1000))
def test_calibration_error_is_its_definition(seed: int) -> None:
    predictions = drawn(seed, size=60)
    p, y = expit(predictions.scores), predictions.targets.astype(float)
    total = 0.0
    for cell in range(CALIBRATION_BINS):
        inside = (p >= cell / CALIBRATION_BINS) & (p < (cell + 1) / CALIBRATION_BINS)
        if inside.any():
            total += inside.mean() * abs(p[inside].mean() - y[inside].mean())
    assert expected_calibration_error(p, y) == pytest.approx(total)


def test_reliability_counts_every_event_certainty_included() -> None:
    probabilities = np.array([0.0, 0.5, 1.0, 1.0])
    count, mean, frequency = reliability(probabilities, np.array([0.0, 1.0, 1.0, 0.0]))
    assert count.sum() == 4
    assert (mean[-1], frequency[-1]) == (1.0, 0.5)
    assert math.isnan(mean[1])


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_scores_that_are_not_finite_give_nan_not_an_exception(wrong: float) -> None:
    predictions = Predictions(np.array([0.0, wrong, 1.0]), np.array([0, 1, 1]))
    assert all(math.isnan(value) for value in evaluate(predictions).values())
    assert all(math.isnan(value) for value in tuned_thresholds(predictions))


def test_metrics_are_plain_floats() -> None:
    assert {type(value) for value in evaluate(drawn(0)).values()} == {float}

import math

import numpy as np
import pytest
from scipy.special import expit
from sklearn import metrics as sklearn_metrics

from search.trainable import Predictions
from trainables.pi_tft.metrics import challenge_score, evaluate_tuned
from trainables.techniques.binary import tuned_thresholds


def drawn(seed: int, size: int = 400) -> Predictions:
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1.5, 2, size)
    return Predictions(logits, (rng.random(size) < expit(0.7 * logits)).astype(int))


def test_the_challenge_scores_the_truly_high_and_calls_at_minus_six() -> None:
    risk = np.array([-4.0, -5.0, -6.0, -9.0, -30.0])
    forecast = np.array([-4.5, -7.0, -6.0, -5.5, -30.0])
    error = (0.25 + 4.0 + 0.0) / 3
    f2 = 5 * 2 / (5 * 2 + 4 * 1 + 1)  # two found, one missed, one false alarm
    assert challenge_score(forecast, risk) == pytest.approx(error / f2)


def test_a_perfect_forecast_scores_zero_and_one_that_finds_nothing_badly_but_finitely() -> None:
    risk = np.array([-4.0, -5.0, -9.0])
    assert challenge_score(risk, risk) == 0.0
    nothing = challenge_score(np.full(3, -30.0), risk)
    assert math.isfinite(nothing)
    assert nothing > 1000


def test_forecasts_are_clipped_to_where_risks_lie() -> None:
    risk = np.array([-0.5, -9.0])
    assert challenge_score(np.array([40.0, -500.0]), risk) == pytest.approx(0.25)


def test_thresholds_come_from_validation_and_are_applied_elsewhere() -> None:
    validation, test = drawn(0), drawn(1)
    thresholds = tuned_thresholds(validation)
    risk = np.where(test.targets > 0, -5.0, -8.0)
    got = evaluate_tuned(test, risk, thresholds, dex_per_logit=1.0)
    called = test.scores >= thresholds[0]
    assert got["f1_tuned"] == pytest.approx(sklearn_metrics.f1_score(test.targets, called))
    called = test.scores >= thresholds[1]
    assert got["f2_tuned"] == pytest.approx(
        sklearn_metrics.fbeta_score(test.targets, called, beta=2)
    )
    forecast = -6 + test.scores - thresholds[1]
    assert got["challenge"] == pytest.approx(challenge_score(forecast, risk))


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_scores_that_are_not_finite_give_nan_not_an_exception(wrong: float) -> None:
    predictions = Predictions(np.array([0.0, wrong, 1.0]), np.array([0, 1, 1]))
    thresholds = tuned_thresholds(predictions)
    tuned = evaluate_tuned(predictions, np.array([-9.0, -5, -5]), thresholds, dex_per_logit=1.0)
    assert all(math.isnan(value) for value in tuned.values())

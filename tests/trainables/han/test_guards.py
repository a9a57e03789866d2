import math

import numpy as np
import pytest
from scipy.special import expit, softmax

from search.trainable import Predictions
from trainables.han.guards import spreads

F = 2


def predictions() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    targets = rng.normal(3.0, 1000.0, (60, 4 + 8 * F))
    targets[rng.random(targets.shape) < 0.3] = np.nan
    return rng.normal(size=(60, 15 + 8 * F)), targets


def test_spreads_by_hand() -> None:
    scores, targets = predictions()
    found = spreads(Predictions(scores, targets))
    assert found["regime_prediction_sd"] == pytest.approx(
        softmax(scores[:, :4], axis=1).std(axis=0).mean()
    )
    assert found["transition_prediction_sd"] == pytest.approx(expit(scores[:, 14]).std())
    unit = np.nanstd(targets, axis=0)
    assert found["casualty_prediction_sd"] == pytest.approx(
        (scores[:, 4:13].std(axis=0) / unit[1]).mean()
    )
    assert found["anomaly_prediction_sd"] == pytest.approx(scores[:, 13].std() / unit[2])
    month, days = slice(4, 4 + F), slice(4 + F, None)
    for name, at in (("forecast", month), ("daily_forecast", days)):
        each = scores[:, 11:][:, at].std(axis=0) / unit[at]
        assert found[f"{name}_prediction_sd"] == pytest.approx(each.mean())


def test_a_collapsed_network_has_none() -> None:
    scores, targets = predictions()
    assert set(spreads(Predictions(np.zeros_like(scores), targets)).values()) == {0.0}


def test_what_cannot_be_told_is_not() -> None:
    scores, targets = predictions()
    scores[3, 13] = np.inf
    targets[:, 1] = np.nan
    found = spreads(Predictions(scores, targets))
    assert math.isnan(found["anomaly_prediction_sd"])
    assert math.isnan(found["casualty_prediction_sd"])
    assert math.isfinite(found["forecast_prediction_sd"])

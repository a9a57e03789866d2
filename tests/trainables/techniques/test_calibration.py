import pickle
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from search.trainable import Predictions
from trainables.techniques.calibration import (
    fit_isotonic,
    fit_platt,
    fit_temperature,
    fit_threshold,
    negative_log_likelihood,
)
from trainables.techniques.ranking import (
    area_under_roc,
    average_precision,
    f_score_at,
    ranking_curve,
)

Fit = Callable[[Predictions], Callable[[Predictions], Predictions]]
FITS: tuple[Fit, ...] = (
    fit_temperature,
    fit_platt,
    fit_isotonic,
    fit_threshold,
    partial(fit_threshold, beta=2.0),
)


def drawn(seed: int, *, size: int = 4000, scale: float = 1.0, shift: float = 0.0) -> Predictions:
    """Labels that follow σ(logit), and scores that are the logits stretched and shifted."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-2.0, 2.0, size)
    labels = (rng.random(size) < expit(logits)).astype(int)
    return Predictions(scale * logits + shift, labels, np.arange(size))


def nll(predictions: Predictions) -> float:
    return negative_log_likelihood(predictions.scores, predictions.targets.astype(float))


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_temperature_finds_the_stretch(scale: float) -> None:
    fitted = fit_temperature(drawn(0, scale=scale, size=20_000))
    assert 1 / fitted.slope == pytest.approx(scale, rel=0.08)
    assert fitted.offset == 0.0


def test_platt_finds_stretch_and_shift() -> None:
    fitted = fit_platt(drawn(0, scale=2.0, shift=3.0, size=20_000))
    assert fitted.slope == pytest.approx(0.5, rel=0.08)
    assert fitted.offset == pytest.approx(-1.5, abs=0.15)


def test_isotonic_is_scikit_learns() -> None:
    predictions = drawn(3, size=500)
    rounded = Predictions(np.round(predictions.scores, 1), predictions.targets)  # with ties
    expected = IsotonicRegression(out_of_bounds="clip").fit(rounded.scores, rounded.targets)
    grid = np.linspace(-12, 10, 300)
    got = fit_isotonic(rounded)(Predictions(grid, np.zeros(300)))
    assert np.allclose(expit(got.scores), np.clip(expected.predict(grid), 1e-6, 1 - 1e-6))


@pytest.mark.parametrize("fit", [fit_temperature, fit_platt, fit_isotonic])
def test_calibration_helps_a_distorted_model_on_fresh_data(fit: Fit) -> None:
    transform = fit(drawn(0, scale=3.0))
    fresh = drawn(1, scale=3.0)
    assert nll(transform(fresh)) < nll(fresh) - 0.1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0.2, 5), st.floats(-2, 2))
def test_the_ranking_survives_temperature_platt_and_threshold(
    seed: int, scale: float, shift: float
) -> None:
    validation, test = drawn(seed, size=300, scale=scale, shift=shift), drawn(seed + 1, size=300)
    before = ranking_curve(test.scores, test.targets)
    for fit in (fit_temperature, fit_platt, fit_threshold):
        after = ranking_curve(fit(validation)(test).scores, test.targets)
        assert average_precision(after) == pytest.approx(average_precision(before), abs=1e-12)
        assert area_under_roc(after) == pytest.approx(area_under_roc(before), abs=1e-12)


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_a_decision_at_one_half_is_then_the_best_of_the_validation_split(beta: float) -> None:
    validation = drawn(0, size=500)
    moved = fit_threshold(validation, beta=beta)(validation)
    best = ranking_curve(validation.scores, validation.targets).f_score(beta).max()
    assert f_score_at(moved.scores, moved.targets, 0.0, beta=beta) == pytest.approx(best)
    assert best > f_score_at(validation.scores, validation.targets, 0.0, beta=beta)


@pytest.mark.parametrize("fit", FITS)
def test_labels_groups_and_the_input_stay_and_the_transform_travels(fit: Fit) -> None:
    validation = drawn(0, size=200)
    before = validation.scores.copy()
    transform = pickle.loads(pickle.dumps(fit(validation)))
    after = transform(validation)
    assert np.array_equal(validation.scores, before)
    assert np.array_equal(after.targets, validation.targets)
    assert np.array_equal(after.groups, validation.groups)
    assert np.isfinite(after.scores).all()


@pytest.mark.parametrize("fit", [fit_temperature, fit_platt, fit_isotonic])
def test_a_separated_split_gives_finite_scores(fit: Fit) -> None:
    validation = Predictions(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0, 0, 1, 1]))
    assert np.isfinite(fit(validation)(validation).scores).all()

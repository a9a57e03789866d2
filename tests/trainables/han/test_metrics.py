import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    log_loss,
    mean_pinball_loss,
    r2_score,
    roc_auc_score,
)

from search.trainable import Predictions
from trainables.han.batch import TASKS
from trainables.han.columns import LEVELS, forecast_features, score_columns, target_columns
from trainables.han.metrics import METRICS, continuous_ranked_probability, evaluate

Floats = NDArray[np.float64]
F = 3


def truth(rows: int = 200, *, missing: float = 0.3, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    targets = np.empty((rows, 4 + 8 * F))
    targets[:, 0] = rng.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])
    targets[:, 1] = rng.negative_binomial(1, 0.1, rows)
    targets[:, 2] = rng.normal(size=rows)
    targets[:, 3] = rng.random(rows) < 0.1
    targets[:, 4:] = rng.normal(5.0, 100.0, (rows, 8 * F))
    targets[rng.random(targets.shape) < missing] = np.nan
    return targets


def perfect(targets: Floats) -> Floats:
    filled = np.nan_to_num(targets)
    regime = 50.0 * (filled[:, [0]] == np.arange(4))
    return np.hstack([regime, np.repeat(filled[:, [1]], 9, axis=1), filled[:, 2:]])


def noisy(targets: Floats, seed: int = 1) -> Floats:
    rng = np.random.default_rng(seed)
    scores = perfect(targets)
    scores[:, :4] = scores[:, :4] / 25 + rng.normal(size=(len(scores), 4))
    scores[:, 4:13] += np.sort(rng.normal(0, 5, (len(scores), 9)), axis=1)
    scores[:, 13:15] += rng.normal(size=(len(scores), 2))
    scores[:, 15:] += rng.normal(0, 80, (len(scores), 8 * F))
    return scores


def best_constant(targets: Floats) -> Floats:
    regime = np.bincount(targets[~np.isnan(targets[:, 0]), 0].astype(int), minlength=4)
    count = targets[~np.isnan(targets[:, 1]), 1]
    row = np.concatenate(
        [
            regime,
            np.quantile(count, LEVELS, method="inverted_cdf"),
            [np.nanmean(targets[:, 2]), 0.3],
            np.nanmean(targets[:, 4:], axis=0),
        ]
    )
    return np.tile(row, (len(targets), 1))


def test_perfect_forecasts_have_a_skill_of_one() -> None:
    targets = truth()
    found = evaluate(Predictions(perfect(targets), targets))
    assert found["skill"] == pytest.approx(1.0)
    assert all(found[f"skill_{task}"] == pytest.approx(1.0) for task in TASKS)
    assert found["casualty_crps"] == found["casualty_mae"] == 0.0
    assert found["regime_nll"] < 1e-15


def test_the_best_constant_has_a_skill_of_zero() -> None:
    targets = truth()
    found = evaluate(Predictions(best_constant(targets), targets))
    assert all(found[f"skill_{task}"] == pytest.approx(0.0, abs=1e-12) for task in TASKS)
    assert found["transition_auroc"] == 0.5


def test_no_other_constant_does_better() -> None:
    targets = truth(missing=0.0)
    rng = np.random.default_rng(2)
    for _ in range(50):
        scores = best_constant(targets) + rng.normal(0, 3, (1, 15 + 8 * F))
        found = evaluate(Predictions(scores, targets))
        assert all(found[f"skill_{task}"] <= 1e-12 for task in TASKS)


def test_agrees_with_scikit_learn() -> None:
    targets = truth()
    scores = noisy(targets)
    found = evaluate(Predictions(scores, targets))
    regime, casualty, anomaly, transition = (~np.isnan(targets[:, c]) for c in range(4))
    called = scores[regime, :4].argmax(axis=1)
    assert found["regime_macro_f1"] == pytest.approx(
        f1_score(targets[regime, 0], called, average="macro")
    )
    shares = np.exp(scores[regime, :4])
    shares /= shares.sum(axis=1, keepdims=True)
    assert found["regime_nll"] == pytest.approx(log_loss(targets[regime, 0], shares))
    pinball = [
        mean_pinball_loss(targets[casualty, 1], scores[casualty, 4 + k], alpha=level)
        for k, level in enumerate(LEVELS)
    ]
    assert found["casualty_crps"] == pytest.approx(2 * np.mean(pinball))
    assert found["anomaly_r2"] == pytest.approx(r2_score(targets[anomaly, 2], scores[anomaly, 13]))
    hit = targets[transition, 3], scores[transition, 14]
    assert found["transition_ap"] == pytest.approx(average_precision_score(*hit))
    assert found["transition_auroc"] == pytest.approx(roc_auc_score(*hit))
    for name, at, said in (
        ("forecast", targets[:, 4 : 4 + F], scores[:, 15 : 15 + F]),
        ("daily_forecast", targets[:, 4 + F :], scores[:, 15 + F :]),
    ):
        known = ~np.isnan(at)
        each = [r2_score(at[k, f], said[k, f]) for f, k in enumerate(known.T)]
        assert found[f"{name}_r2"] == pytest.approx(np.mean(each))
    assert found["skill"] == pytest.approx(np.mean([found[f"skill_{task}"] for task in TASKS]))


def test_the_order_of_rows_does_not_matter() -> None:
    targets = truth()
    scores, shuffled = noisy(targets), np.random.default_rng(3).permutation(len(targets))
    one = evaluate(Predictions(scores, targets))
    assert evaluate(Predictions(scores[shuffled], targets[shuffled])) == pytest.approx(one)


def test_what_is_said_where_the_truth_is_not_known_does_not_matter() -> None:
    targets = truth()
    scores = noisy(targets)
    other = scores.copy()
    said, known = score_columns(F), target_columns(F)
    for task in TASKS:
        blank = np.isnan(targets[:, known[task]])
        width = said[task].stop - said[task].start
        other[:, said[task]][np.broadcast_to(blank, (len(targets), width))] = 1e6
    assert evaluate(Predictions(other, targets)) == evaluate(Predictions(scores, targets))


def test_crps_of_a_normal_forecast_is_near_its_closed_form() -> None:
    """CRPS(N(0,1), y) = y(2Φ(y)-1) + 2φ(y) - 1/√π; nine levels leave out the tails."""
    quantiles = stats.norm.ppf(LEVELS)[np.newaxis]
    for y in (0.0, 0.5, 1.0):
        exact = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / math.sqrt(math.pi)
        assert continuous_ranked_probability(quantiles, np.array([y])) == pytest.approx(
            exact, abs=0.07
        )


def test_crps_by_hand() -> None:
    quantiles = np.full((1, 9), 2.0)  # a point forecast of 2: the mean level is 1/2
    assert continuous_ranked_probability(quantiles, np.array([5.0])) == pytest.approx(3.0)
    assert continuous_ranked_probability(quantiles, np.array([0.0])) == pytest.approx(2.0)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_score_that_is_not_finite_spoils_its_task_and_the_skill(task, value: float) -> None:
    targets = truth()
    scores = noisy(targets)
    scores[7, score_columns(F)[task].start] = value
    found = evaluate(Predictions(scores, targets))
    assert math.isnan(found["skill"])
    spoilt = {*METRICS[task], f"skill_{task}", "skill"}
    assert {name for name, number in found.items() if math.isnan(number)} == spoilt


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("constant", [np.nan, 1.0])
def test_a_task_without_varied_truth_is_not_counted(task, constant: float) -> None:
    targets = truth()
    scores = noisy(targets)
    targets[:, target_columns(F)[task]] = constant
    found = evaluate(Predictions(scores, targets))
    assert all(math.isnan(found[name]) for name in (*METRICS[task], f"skill_{task}"))
    others = [found[f"skill_{other}"] for other in TASKS if other != task]
    assert found["skill"] == pytest.approx(np.mean(others))


def test_nothing_known_is_no_skill() -> None:
    targets = np.full((5, 4 + 8 * F), np.nan)
    assert all(
        math.isnan(v) for v in evaluate(Predictions(np.zeros((5, 15 + 8 * F)), targets)).values()
    )


def test_exploding_forecasts_cost_no_more_than_minus_one() -> None:
    targets = truth()
    scores = perfect(targets)
    scores[:, 13] = 1e30
    scores[:, 15] = 1e30  # one feature of three
    scores[:, 4:13] = 1e30
    found = evaluate(Predictions(scores, targets))
    assert found["skill_anomaly"] == found["skill_casualty"] == -1.0
    assert found["skill_forecast"] == pytest.approx((1 + 1 - 1) / F)
    assert found["forecast_r2"] < -1e20


def test_macro_f1_by_hand() -> None:
    """Truth 0 0 0 1, said 0 0 1 2: F1 of class 0 is 4/5, of class 1 is 0; class 2 is no class."""
    targets = np.full((4, 4), np.nan)
    targets[:, 0] = [0, 0, 0, 1]
    scores = np.zeros((4, 15))
    scores[np.arange(4), [0, 0, 1, 2]] = 1.0
    found = evaluate(Predictions(scores, targets))
    assert found["regime_macro_f1"] == pytest.approx(0.4)
    constant = (6 / 7) / 2
    assert found["skill_regime"] == pytest.approx((0.4 - constant) / (1 - constant))


def test_targets_need_whole_features() -> None:
    with pytest.raises(ValueError, match="4 columns and 8 per feature"):
        forecast_features(4 + 8 * F + 1)

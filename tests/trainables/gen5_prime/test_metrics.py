"""Metrics of clean and shifted pairs, against scikit-learn and by hand."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from search.trainable import Predictions
from trainables.gen5_prime.metrics import (
    METRICS,
    SHIFT,
    SHIFTED,
    auroc,
    clean,
    error_imbalance,
    evaluate,
    groups_of,
    shift,
)


def make(n=400, seed=0, gain=1.5):
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.arange(n) % 2)
    return rng.normal(size=n) + gain * (label - 0.5), label


def both():
    first, second = make(gain=2.0), make(200, seed=1, gain=0.5)
    groups = [
        groups_of(np.arange(len(part[1])) % 7, shifted=shifted)
        for part, shifted in ((first, False), (second, True))
    ]
    scores, label = (np.concatenate(parts) for parts in zip(first, second, strict=True))
    return first, second, Predictions(scores, label, np.concatenate(groups))


def test_clean_and_shifted_pairs_are_judged_apart():
    first, second, predictions = both()
    found = evaluate(predictions)
    assert found["auroc"] == pytest.approx(roc_auc_score(first[1], first[0]))
    assert found["shift_auroc"] == pytest.approx(roc_auc_score(second[1], second[0]))
    assert found["ap"] == pytest.approx(average_precision_score(first[1], first[0]))
    assert found["shift_accuracy"] == np.mean((second[0] >= 0) == second[1])
    assert set(found) == {*METRICS, *(SHIFT + name for name in METRICS)}


def test_the_parts_are_what_was_put_together():
    first, second, predictions = both()
    np.testing.assert_array_equal(clean(predictions).scores, first[0])
    np.testing.assert_array_equal(shift(predictions).targets, second[1])
    np.testing.assert_array_equal(shift(predictions).groups % SHIFTED, np.arange(200) % 7)


def test_without_groups_all_is_clean():
    scores, label = make()
    assert set(evaluate(Predictions(scores, label))) == set(METRICS)


@pytest.mark.parametrize("least", [0.9, 0.95])
def test_precision_at_a_recall_is_the_best_of_scikit_learns_curve(least):
    scores, label = make(301)
    precision, recall, _ = precision_recall_curve(label, scores)
    found = evaluate(Predictions(scores, label))[f"precision_at_recall_{100 * least:.0f}"]
    assert found == pytest.approx(precision[recall >= least].max())


def test_recall_at_a_precision_is_the_best_of_scikit_learns_curve_and_may_be_none():
    scores, label = make(301, gain=3.0)
    precision, recall, _ = precision_recall_curve(label, scores)
    found = evaluate(Predictions(scores, label))["recall_at_precision_95"]
    assert found == pytest.approx(recall[precision >= 0.95].max())
    reversed_ = evaluate(Predictions(-np.arange(10.0), np.arange(10) // 5))
    assert reversed_["recall_at_precision_95"] == 0.0


def test_decisions_are_by_hand():
    scores = np.array([2.0, 1.0, -1.0, 3.0, -2.0, -3.0])
    label = np.array([1, 1, 1, 0, 0, 0])
    found = evaluate(Predictions(scores, label))
    assert (found["recall"], found["specificity"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found["error_imbalance"] == 0.0  # one false alarm, one miss
    assert error_imbalance(6, 0) == pytest.approx(math.log2(13))
    assert error_imbalance(0, 6) == error_imbalance(6, 0)


def test_what_is_not_finite_makes_its_own_part_nan():
    _, _, predictions = both()
    scores = predictions.scores.copy()
    scores[-1] = np.nan
    found = evaluate(Predictions(scores, predictions.targets, predictions.groups))
    assert all(math.isnan(found[SHIFT + name]) for name in METRICS)
    assert all(math.isfinite(found[name]) for name in METRICS)


def test_an_area_needs_both_classes():
    assert math.isnan(auroc(np.arange(3.0), np.ones(3)))
    assert auroc(np.arange(4.0), np.array([0, 0, 1, 1])) == 1.0

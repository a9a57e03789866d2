"""Linear models: what they answer by hand, and with nothing to learn from."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from tests.trainables.han.panels import small_panel
from trainables.han.data_config import DataConfig
from trainables.han.inputs import series_of, splits_of
from trainables.han.linear import (
    PENALTY,
    fitted_class,
    fitted_count,
    fitted_numbers,
    summaries,
    within_range,
)


def test_summaries_are_means_of_what_was_observed():
    config = DataConfig(scale="none")
    panel = small_panel()
    series = series_of(config, splits_of(config, panel, seed=0), torch.device("cpu"))
    anchors = series.anchors("validation")
    found = summaries(series, anchors)
    assert found.shape == (len(anchors), 2 * (5 + 5) + 2 + 2)
    for row, day in enumerate(anchors.tolist()):
        week = panel.forecast_values[day - 6 : day + 1]
        known = ~np.isnan(week)
        mean = np.where(known, week, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        assert found[row, :5] == pytest.approx(mean, abs=1e-5)
        regions = np.nanmean(panel.regional["r"][day - 6 : day + 1], axis=1)
        assert found[row, 5:10] == pytest.approx(regions.mean(axis=0), abs=1e-5)
    assert np.square(found[:, -2:]).sum(axis=1) == pytest.approx(1)


def test_columns_are_fitted_one_by_one():
    rng = np.random.default_rng(0)
    x, new = rng.standard_normal((200, 4)), rng.standard_normal((7, 4))
    truth = rng.standard_normal((200, 6))
    truth[::3, 1:3], truth[::2, 4] = np.nan, np.nan
    found = fitted_numbers(x, truth, new, np.zeros((7, 6)))
    for column in range(6):
        known = ~np.isnan(truth[:, column])
        expected = Ridge(PENALTY).fit(x[known], truth[known, column]).predict(new)
        assert found[:, column] == pytest.approx(expected)


def test_fits_by_hand():
    x = np.linspace(-3, 3, 400)[:, None]
    truth = 2 * x + 1
    truth[::3] = np.nan
    usual = np.full((2, 1), -9.0)
    new = np.array([[-1.0], [1.0]])
    slope = np.diff(fitted_numbers(x, truth, new, usual)[:, 0])[0]
    assert 1.0 < slope < 4.0  # towards 4, less the penalty
    assert fitted_numbers(x[:9], truth[:9], new, usual).tolist() == usual.tolist()
    labels = np.where(x > 0, 2.0, 0.0)
    said = fitted_class(x, labels, new, np.full((2, 4), -7.0))
    assert said.argmax(axis=1).tolist() == [0, 2]
    assert (said[:, [1, 3]] == -7).all()
    assert (fitted_class(x, 0 * labels, new, np.zeros((2, 4))) == 0).all()
    counts = np.round(np.exp(x + 2))
    quantiles = fitted_count(x, counts, new, np.zeros((2, 9)))
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles[1] > quantiles[0]).all()
    assert (quantiles >= 0).all()


def test_columns_stay_in_the_range_they_had():
    found = within_range(np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([[-5.0, 5.0], [1.0, 0.0]]))
    assert found.tolist() == [[0, 1], [1, 1]]


def test_quantiles_are_as_far_apart_as_counts_are():
    rng = np.random.default_rng(0)
    x, new = rng.standard_normal((2000, 1)), np.zeros((1, 1))
    counts = np.round(np.exp(3 + 0.5 * rng.standard_normal((2000, 1))))
    found = fitted_count(x, counts, new, np.zeros((1, 9)))[0]
    assert found == pytest.approx(np.quantile(counts, np.arange(1, 10) / 10), rel=0.1)

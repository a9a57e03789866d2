"""Scales are those of observed values; statistics are those of known targets."""

import numpy as np
import pytest
import torch

from trainables.han.scaling import fit_scaler, moments, target_statistics

NAN = np.nan


def column(*values):
    return np.array(values, np.float32)[:, None]


def test_standard_by_hand():
    values = column(1, NAN, 3, 5, NAN)
    scaled = fit_scaler(values, "standard").apply(values)
    unit = np.sqrt(8 / 3)
    assert scaled[:, 0] == pytest.approx([-2 / unit, NAN, 0, 2 / unit, NAN], nan_ok=True)


def test_log_takes_logarithms_of_heavy_columns_only():
    values = np.array([[-101.0, -100.0], [0.0, 0.0], [101.0, 100.0]], np.float32)
    scaler = fit_scaler(values, "log")
    assert scaler.heavy.tolist() == [True, False]
    later = scaler.apply(np.array([[1e6, 50.0]], np.float32))
    unit = np.log(102.0) * np.sqrt(2 / 3)
    assert later[0] == pytest.approx([np.log1p(1e6) / unit, 50 / (100 * np.sqrt(2 / 3))], rel=1e-5)


def test_none_leaves_values_alone():
    values = np.array([[1e5, NAN], [3.0, -1.0]], np.float32)
    assert np.array_equal(fit_scaler(values, "none").apply(values), values, equal_nan=True)


@pytest.mark.parametrize("kind", ["standard", "log"])
@pytest.mark.parametrize("known", [(), (7.0,), (7.0, 7.0), (0.1,) * 5, (1e6,) * 7])
def test_columns_without_spread_keep_their_unit(kind, known):
    values = column(*known, NAN)
    scaled = fit_scaler(values, kind).apply(values)
    assert scaled[:, 0] == pytest.approx([0.0] * len(known) + [NAN], abs=1e-6, nan_ok=True)


def test_regions_share_a_scale():
    values = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    scaled = fit_scaler(values, "standard").apply(values)
    assert scaled.mean(axis=(0, 1)) == pytest.approx([0, 0], abs=1e-6)
    assert scaled.std(axis=(0, 1)) == pytest.approx([1, 1])


def test_moments_are_numpys():
    values = np.random.default_rng(0).normal(3.0, 2.0, (50, 4))
    values[::3, 1] = NAN
    mean, deviation = moments(values)
    assert mean == pytest.approx(np.nanmean(values, axis=0))
    assert deviation == pytest.approx(np.nanstd(values, axis=0))


def test_statistics_by_hand():
    targets = {
        "regime": np.array([0, 1, 1, NAN], np.float32),
        "casualty": np.array([2, NAN, 4, NAN], np.float32),
        "anomaly": np.array([-1, 1, NAN, NAN], np.float32),
        "transition": np.array([0, 0, 1, 0], np.float32),
        "forecast": np.array([[1, 10], [3, NAN], [1, NAN], [3, NAN]], np.float32),
        "daily_forecast": np.ones((4, 7, 2), np.float32),
    }
    targets["daily_forecast"][:, 0, 1] = NAN
    found = target_statistics(targets, torch.device("cpu"))
    assert found.regime_counts.tolist() == [1, 2, 0, 0]
    assert (found.casualty_mean, found.anomaly_mean, found.anomaly_deviation) == (3, 0, 1)
    assert found.transition_rate == 0.25
    assert found.forecast_mean.tolist() == [2, 10]
    assert found.forecast_deviation.tolist() == [1, 1]
    assert found.daily_mean.shape == found.daily_deviation.shape == (2,)
    assert found.availability["regime"] == 0.75
    assert found.availability["forecast"] == 5 / 8
    assert found.availability["daily_forecast"] == pytest.approx(1 - 1 / 14)

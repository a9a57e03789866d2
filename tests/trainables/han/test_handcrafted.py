"""Hand-made columns look back, and at observed values only."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from tests.trainables.han.panels import small_panel
from trainables.han.handcrafted import handcrafted, rolling_mean


def test_columns_by_hand():
    panel = small_panel()
    values, found = panel.forecast_values, handcrafted(panel)
    assert found.shape == (400, 15)
    for day in (0, 6, 7, 27, 28, 200, 399):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of empty means
            week = np.nanmean(values[max(0, day - 6) : day + 1], axis=0)
            month = np.nanmean(values[max(0, day - 27) : day + 1], axis=0)
            before = np.nanmean(values[max(0, day - 34) : max(0, day - 27)], axis=0)
        expected = np.concatenate([week, month, before])
        assert found[day] == pytest.approx(expected, abs=1e-5, nan_ok=True)


def test_a_silent_month_has_no_mean():
    values = np.ones((60, 1), np.float32)
    values[10:40] = np.nan
    found = rolling_mean(values, 28)[:, 0]
    assert np.isnan(found[37:40]).all()
    assert (np.delete(found, [37, 38, 39]) == 1).all()


def test_the_next_day_says_nothing_about_this_one():
    panel = small_panel()
    later = {name: values.copy() for name, values in panel.daily.items()}
    for values in later.values():
        values[201:] = 99.0
    changed = handcrafted(replace(panel, daily=later))
    assert np.array_equal(changed[:201], handcrafted(panel)[:201], equal_nan=True)

from typing import Any

import numpy as np
import pytest
from scipy import stats

from search.statistics import StatisticsError, mean_interval, proportion_bounds
from search.statistics.intervals import mean_intervals, one_sided_bounds


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_mean_interval_is_scipys(level: float) -> None:
    sample = np.random.default_rng(0).normal(size=7)
    expected = stats.ttest_1samp(sample, 0.0).confidence_interval(level)
    found = mean_interval(sample, level)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert (found.estimate, found.level) == (sample.mean(), level)


def test_one_value_has_no_bounds() -> None:
    assert (mean_interval([2.0]).low, mean_interval([2.0]).high) == (None, None)
    assert one_sided_bounds([2.0]) == (-np.inf, np.inf)


@pytest.mark.parametrize("bad", [[], [1.0, np.nan], [np.inf]])
def test_samples_are_finite(bad: list[float]) -> None:
    with pytest.raises(StatisticsError, match="finite"):
        mean_interval(bad)


def test_columns_are_summarised_one_by_one() -> None:
    values = np.random.default_rng(1).normal(size=(6, 4))
    values[2:, 1] = values[1:, 2] = values[:, 3] = np.nan
    found: Any = mean_intervals(values, 0.9)
    for column in (0, 1, 2):
        own = values[np.isfinite(values[:, column]), column]
        expected = mean_interval(own, 0.9)
        assert found[column].estimate == pytest.approx(expected.estimate)
        assert found[column].low == pytest.approx(expected.low)
        assert found[column].high == pytest.approx(expected.high)
    assert found[3] is None


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 5), (5, 5), (3, 20), (1, 1), (7, 40)])
def test_proportion_bounds_are_the_exact_binomials(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(method="exact")
    low, high = proportion_bounds([k], [n])
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_no_trials_say_nothing() -> None:
    low, high = proportion_bounds([0], [0])
    assert (low[0], high[0]) == (0.0, 1.0)

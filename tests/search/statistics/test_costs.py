from typing import Any

import numpy as np
import pytest
from scipy import stats

from search.statistics import cost_ratios


def test_ratios_are_log_scale_means_of_pairs() -> None:
    rng = np.random.default_rng(0)
    baseline = np.exp(rng.normal(3, 0.2, 9))
    arms = baseline[:, None] * np.exp(rng.normal(0.4, 0.1, (9, 1)))
    found: Any = cost_ratios(arms, baseline)[0]
    logs = stats.ttest_1samp(np.log(arms[:, 0] / baseline), 0.0)
    expected = logs.confidence_interval(0.95)
    assert found.estimate == pytest.approx(np.exp(np.log(arms[:, 0] / baseline).mean()))
    assert (found.low, found.high) == pytest.approx((np.exp(expected.low), np.exp(expected.high)))


def test_unknown_costs_are_left_out() -> None:
    arms = np.array([[2.0, np.nan, 3.0], [np.nan, np.nan, 0.0], [4.0, np.nan, 5.0]])
    baseline = np.array([1.0, 1.0, np.nan])
    found: Any = cost_ratios(arms, baseline)
    one, none, other = found
    assert (one.estimate, one.low, one.high) == (2.0, None, None)
    assert none is None
    assert other.estimate == pytest.approx(3.0)


def test_swapping_the_sides_inverts_the_ratio() -> None:
    rng = np.random.default_rng(1)
    a, b = np.exp(rng.normal(size=(2, 6)))
    there: Any = cost_ratios(a[:, None], b)[0]
    back: Any = cost_ratios(b[:, None], a)[0]
    assert there.estimate == pytest.approx(1 / back.estimate)
    assert there.low == pytest.approx(1 / back.high)

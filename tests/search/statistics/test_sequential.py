import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from search.statistics.effects import half_pooled
from search.statistics.sequential import Rules, half_width, holm, p_values, spending, upper_bound

LOOKS = (3, 5, 8, 12, 20)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=4, deadline=None)  # statsmodels collects all garbage at every call
def test_holm_is_statsmodels(p: list[float]) -> None:
    expected = multipletests(p, method="holm")[1]
    assert np.allclose(holm(np.array(p)), expected, rtol=0, atol=1e-12)


def test_holm_counts_registered_techniques_that_are_gone() -> None:
    p = np.array([0.001, 0.2, 0.01])
    expected = multipletests([*p, 1.0, 1.0], method="holm")[1][:3]
    assert np.allclose(holm(p, n_registered=5), expected, atol=1e-15)


def test_holm_never_counts_fewer_than_it_sees() -> None:
    p = np.array([0.01, 0.02])
    assert np.array_equal(holm(p, n_registered=1), holm(p))


def test_holm_works_along_the_last_axis() -> None:
    p = np.random.default_rng(0).random((4, 3, 6))
    assert np.array_equal(holm(p)[2, 1], holm(p[2, 1]))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_spending_shares_sum_to_one(steps: list[int]) -> None:
    looks = np.cumsum(steps).tolist()
    assert spending(looks).sum() == pytest.approx(1.0, abs=1e-12)


def test_one_look_spends_everything() -> None:
    assert spending((7,)).tolist() == [1.0]


@pytest.mark.parametrize("n", [3, 5, 20])
def test_one_arm_at_one_look_is_the_one_sample_t_test(n: int) -> None:
    d = np.random.default_rng(n).normal(0.4, 1.0, n)
    moderated = half_pooled(d.var(ddof=1, keepdims=True), np.array([n]))
    p = p_values(d.mean(keepdims=True), moderated.se, moderated.df, np.array([n]), Rules((n,)))
    assert p[0] == pytest.approx(stats.ttest_1samp(d, 0, alternative="greater").pvalue, abs=1e-12)


def test_no_variance_means_p_one() -> None:
    zero = np.zeros(1)
    assert p_values(np.ones(1), zero, np.full(1, 2.0), np.full(1, 3), Rules((3,)))[0] == 1.0


def test_bounds_are_the_documented_quantiles() -> None:
    rules = Rules(LOOKS)
    mean, se, df, n = np.array([0.3]), np.array([0.2]), np.array([8.0]), np.array([5])
    upper = 0.3 + stats.t.ppf(1 - 0.05 * 0.1, 8) * 0.2
    assert upper_bound(mean, se, df, n, rules, 1)[0] == pytest.approx(upper, abs=1e-12)
    half = stats.t.ppf(1 - 0.025 / 5, 8) * 0.2
    assert half_width(se, df, n, rules, np.array([1]))[0] == pytest.approx(half, abs=1e-12)
    of_four = stats.t.ppf(1 - 0.025 / 5 / 4, 8) * 0.2
    assert half_width(se, df, n, rules, np.array([4]))[0] == pytest.approx(of_four, abs=1e-12)


def test_baseline_failures_hold_a_look_before_they_refuse_the_study() -> None:
    rules = Rules(LOOKS, baseline_failures=(1, 1, 1, 1, 3))
    held = [rules.baseline_unfit(j) for j in range(5)]
    assert held == [True, True, True, False, True]
    assert [rules.refused(j) for j in range(5)] == [False, False, False, False, True]

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from search.statistics import (
    StatisticsError,
    detectable,
    seeds_for,
    smallest_effect,
    t_power,
)
from search.statistics.effects import half_pooled
from search.statistics.power import seeds_needed


@given(st.floats(0.01, 3.0), st.integers(2, 60), st.floats(0.001, 0.2))
@settings(max_examples=60)
def test_power_is_statsmodels(effect: float, n: int, alpha: float) -> None:
    expected = TTestPower().power(effect, n, alpha, alternative="larger")
    assert float(t_power(effect, n, alpha)) == pytest.approx(expected, abs=1e-8)


def test_power_of_the_overwhelming_is_one() -> None:
    assert t_power(10.0, 20, 0.006) == 1.0


def test_power_by_simulation() -> None:
    rng = np.random.default_rng(0)
    d = rng.normal(0.7, 1.0, (20_000, 8))
    t = d.mean(axis=1) / (d.std(axis=1, ddof=1) / np.sqrt(8))
    found = (t > stats.t.ppf(0.95, 7)).mean()
    assert float(t_power(0.7, 8, 0.05)) == pytest.approx(found, abs=0.01)


@pytest.mark.parametrize(
    ("effect", "n"),
    [(0.25, 182), (0.35, 95), (0.5, 48), (0.7, 26), (1, 15), (1.5, 9), (2, 7), (2.8, 5)],
)
def test_seeds_for_eighty_percent_power_among_eight(effect: float, n: int) -> None:
    assert float(seeds_for(effect, 0.05 / 8)) == n


@given(st.floats(0.05, 4.0), st.floats(0.001, 0.1))
@settings(max_examples=25, deadline=None)
def test_seeds_are_statsmodels_rounded_up(effect: float, alpha: float) -> None:
    found = float(seeds_for(effect, alpha))
    power = TTestPower().power
    assert power(effect, found, alpha, alternative="larger") >= 0.8 - 1e-9
    if found > 2:
        assert power(effect, found - 1, alpha, alternative="larger") < 0.8 + 1e-9


def test_no_number_of_seeds_finds_nothing() -> None:
    assert np.isinf(seeds_for([0.0, -1.0, 1e-5], 0.05)).all()


def test_overlapping_resplits_may_never_suffice() -> None:
    assert np.isfinite(seeds_for(2.0, 0.05, test_train_ratio=0.25))
    assert np.isinf(seeds_for(0.5, 0.05, test_train_ratio=0.25))


def needed(**changes: float) -> Any:
    numbers = {
        "n": 5.0,
        "delta": 1.0,
        "variance": 1.0,
        "se": 0.45,
        "shrunken": 0.8,
        "shrunken_sd": 0.4,
    }
    arrays: dict[str, Any] = {
        name: np.array([value]) for name, value in {**numbers, **changes}.items()
    }
    return seeds_needed(**arrays, alpha=0.05 / 8)[0]


def test_seeds_needed_for_delta_are_those_of_the_design() -> None:
    assert needed().for_delta == 15 - 5


def test_seeds_needed_if_the_estimate_is_right_are_a_range() -> None:
    found = needed()
    z = stats.norm.ppf(0.9)
    low, high = (float(seeds_for(0.8 + sign * z * 0.4, 0.05 / 8)) for sign in (1, -1))
    assert (found.low, found.high) == (low - 5, high - 5)
    assert found.low < found.for_delta < found.high


def test_a_range_may_have_no_end() -> None:
    assert needed(shrunken_sd=0.7).high is None
    assert needed(shrunken_sd=0.7).low is not None


def test_no_number_is_promised_for_an_estimate_within_half_a_standard_error() -> None:
    assert (needed(shrunken=0.45 / 2).low, needed(shrunken=0.45 / 2).high) == (None, None)
    assert needed(shrunken=-1.0).low is None


def test_at_least_one_more_seed() -> None:
    assert needed(n=500.0).for_delta == 1


def test_undecided_arms_share_alpha() -> None:
    two: dict[str, Any] = {
        name: np.full(2, value)
        for name, value in {
            "n": 5.0,
            "delta": 1.0,
            "variance": 1.0,
            "se": 0.45,
            "shrunken": 0.8,
            "shrunken_sd": 0.4,
        }.items()
    }
    found = seeds_needed(alpha=0.05, **two)
    assert found[0] == found[1]
    assert found[0].for_delta == int(seeds_for(1.0, 0.025)) - 5
    nobody: dict[str, Any] = dict.fromkeys(two, np.empty(0))
    assert seeds_needed(alpha=0.05, **nobody) == ()


@pytest.mark.parametrize(("n", "effect"), [(3, 2.6), (5, 1.9), (8, 1.4), (12, 1.1), (20, 0.8)])
def test_smallest_effects_of_the_standard_design(n: int, effect: float) -> None:
    assert smallest_effect(n, 8) == pytest.approx(effect, abs=0.06)


def test_smallest_effect_by_simulation() -> None:
    rng = np.random.default_rng(0)
    effect = smallest_effect(5, 8)
    d = rng.normal(0, 1, (20_000, 5, 8))
    d[..., 0] += effect
    moderated = half_pooled(d.var(axis=1, ddof=1), np.full((20_000, 8), 5))
    t = d.mean(axis=1)[:, 0] / moderated.se[:, 0]
    power = np.mean(stats.t.sf(t, moderated.df[:, 0]) <= 0.05 / 8)
    # the pool knows a little more than its four degrees of freedom say
    assert 0.79 < power < 0.83


def test_first_look_needs_about_three_sd() -> None:
    first = detectable((3, 5, 8, 12, 20), 8)[0]
    critical = stats.t.ppf(1 - 0.05 * 0.15 / 8, 6) / np.sqrt(3)
    assert critical == pytest.approx(3.0, abs=0.2)
    assert first.in_sequence > critical > first.alone


def test_what_a_design_sees_shrinks_with_seeds() -> None:
    found = detectable((3, 5, 8, 12, 20), 8)
    assert [x.n_seeds for x in found] == [3, 5, 8, 12, 20]
    assert all(a.in_sequence > b.in_sequence for a, b in pairwise(found))
    assert all(x.in_sequence > x.alone for x in found)


def test_one_seed_sees_nothing() -> None:
    with pytest.raises(StatisticsError, match="2 seeds"):
        smallest_effect(1, 8)
    assert [x.n_seeds for x in detectable((1, 5), 8)] == [5]

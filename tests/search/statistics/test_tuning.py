import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.statistics import StatisticsError, crossings, expected_best, on_border, optimism


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_expected_best_is_the_mean_over_all_draws(direction: Any) -> None:
    """The plug-in estimator is the expected best of n draws with replacement: enumerate them."""
    scores = [0.3, 0.1, 0.9, 0.4]
    best = max if direction == "maximize" else min
    for n, found in enumerate(expected_best(scores, direction), 1):
        draws = itertools.product(scores, repeat=n)
        assert found == pytest.approx(np.mean([best(draw) for draw in draws]))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20))
def test_more_trials_never_hurt(scores: list[float]) -> None:
    curve = expected_best(scores)
    assert (np.diff(curve) >= -1e-12).all()
    assert curve[0] == pytest.approx(np.mean(scores))
    assert curve[-1] <= max(scores) + 1e-12


def test_diverged_trials_are_the_worst_finite_one() -> None:
    assert np.array_equal(expected_best([0.5, np.nan, 0.9]), expected_best([0.5, 0.5, 0.9]))
    minimal = expected_best([0.5, np.inf, 0.9], "minimize")
    assert np.array_equal(minimal, expected_best([0.5, 0.9, 0.9], "minimize"))


def test_nothing_finite_has_no_best() -> None:
    with pytest.raises(StatisticsError, match="finite"):
        expected_best([np.nan])


def test_curves_that_cross_say_where() -> None:
    steady, wild = [0.5] * 8, [0.0, 0.0, 0.0, 0.4, 0.4, 0.4, 0.9, 0.9]
    found = crossings({"wild": wild, "steady": steady})[0]
    assert (found.first, found.second) == ("wild", "steady")
    ahead = expected_best(wild) > expected_best(steady)
    assert not ahead[found.from_trials - 2]
    assert ahead[found.from_trials - 1 :].all()


def test_curves_that_do_not_cross_are_not_listed() -> None:
    arms = {"a": [0.1, 0.2, 0.3], "b": [0.4, 0.5, 0.6], "c": [0.1, 0.2, 0.3]}
    assert crossings(arms) == ()


def test_crossings_are_the_same_when_smaller_is_better() -> None:
    steady, wild = [0.5] * 4, [0.9, 0.9, 0.2, 0.1]
    mirrored = {"s": [-x for x in steady], "w": [-x for x in wild]}
    assert crossings({"s": steady, "w": wild}, "minimize") == crossings(mirrored)


@pytest.mark.parametrize(
    ("value", "log", "border"),
    [
        (1e-5, True, True),
        (1.4e-5, True, True),
        (1e-3, True, False),
        (0.08, True, True),
        (1e-3, False, True),
        (0.05, False, False),
        (0.2, True, True),
    ],
)
def test_border_of_a_range(value: float, log: bool, border: bool) -> None:
    assert on_border(value, 1e-5, 1e-1, log=log) is border


@pytest.mark.parametrize(("low", "high", "log"), [(1.0, 1.0, False), (0.0, 1.0, True)])
def test_an_impossible_range_is_refused(low: float, high: float, log: bool) -> None:
    with pytest.raises(StatisticsError, match="range"):
        on_border(0.5, low, high, log=log)


def test_optimism_is_positive_when_the_winner_was_lucky() -> None:
    assert optimism(0.9, [0.8, 0.7, 0.9]).estimate == pytest.approx(0.1)
    assert optimism(0.1, [0.2, 0.3, 0.1], "minimize").estimate == pytest.approx(0.1)
    assert optimism(0.9, [0.8]).low is None


def test_selecting_the_best_of_many_nulls_is_optimistic() -> None:
    """Sixteen equal configurations, a noisy trial each: the curse is the maximum's mean."""
    rng = np.random.default_rng(0)
    gaps = [optimism(rng.normal(size=16).max(), rng.normal(size=9)).estimate for _ in range(2000)]
    assert np.mean(gaps) == pytest.approx(1.766, abs=0.05)

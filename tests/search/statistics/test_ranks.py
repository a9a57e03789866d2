import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from search.statistics.ranks import (
    generator_of,
    rank_distribution,
    separated_groups,
    shrink,
    table_order,
)


def test_shrinkage_follows_its_formula() -> None:
    mean, se, delta = np.array([2.0, 0.5, -1.0]), np.array([0.4, 0.4, 0.8]), np.full(3, 1.0)
    tau2 = ((4 - 0.16) + (0.25 - 0.16) + (1 - 0.64)) / 3
    result = shrink(mean, se, delta)
    assert result.tau2[0] == pytest.approx(tau2)
    assert result.effect == pytest.approx(mean * tau2 / (tau2 + se**2))
    assert result.sd == pytest.approx(np.sqrt(tau2 * se**2 / (tau2 + se**2)))


def test_tau_never_falls_below_a_tenth_of_delta() -> None:
    result = shrink(np.array([0.1, -0.1]), np.ones(2), np.array([2.0, 5.0]))
    assert result.tau2[0] == pytest.approx((2.0 / 10) ** 2)


def test_shrunken_effects_are_closer_to_the_truth_by_simulation() -> None:
    rng = np.random.default_rng(0)
    truth = np.array([2, 1, 0.5, 0, 0, 0, -0.5, -1])
    mean = truth + rng.normal(0, 0.45, (4000, 8))
    shrunken = shrink(mean, np.full((4000, 8), 0.45), np.ones(1)).effect
    raw, better = (np.sqrt(((x - truth) ** 2).mean()) for x in (mean, shrunken))
    assert raw == pytest.approx(0.45, rel=0.02)
    assert better < 0.95 * raw


def test_shrinkage_is_the_posterior_mean_by_simulation() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 0.8, 400_000)
    seen = truth + rng.normal(0, 0.6, truth.size)
    result = shrink(seen, np.full(truth.size, 0.6), np.ones(1))
    near = np.abs(seen - 1.0) < 0.05
    assert truth[near].mean() == pytest.approx(result.effect[near].mean(), abs=0.02)
    assert truth[near].std() == pytest.approx(result.sd[near].mean(), rel=0.03)


def test_ranks_of_two_follow_the_normal_difference() -> None:
    effect, sd = np.array([0.3, 0.0]), np.array([0.5, 0.5])
    df = np.full(2, 1e6)
    rng = np.random.default_rng(3)
    found = [rank_distribution(["a", "b"], effect, sd, df, rng=rng, draws=2000) for _ in range(20)]
    assert all(x.low.tolist() == [1, 1] and x.high.tolist() == [2, 2] for x in found)
    three = rank_distribution(
        list("abcd"), np.array([0.3, 9, 9, 0.0]), np.full(4, 0.5), np.full(4, 1e6), rng=rng
    )
    expected = stats.norm.cdf(0.3 / (0.5 * np.sqrt(2)))
    assert three.p_top3[0] == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 2000))
    assert three.p_top3.sum() == pytest.approx(3.0)


def test_certain_effects_have_certain_ranks() -> None:
    found = rank_distribution(
        list("abc"),
        np.array([0.0, 5.0, 2.0]),
        np.full(3, 1e-9),
        np.full(3, 10.0),
        rng=np.random.default_rng(0),
    )
    assert found.low.tolist() == found.high.tolist() == [3, 1, 2]


def test_each_arm_draws_from_a_stream_of_its_own() -> None:
    effect, sd, df = np.array([0.1, 0.2, 0.3]), np.array([0.2, 0.3, 0.4]), np.full(3, 6.0)
    order = [2, 0, 1]
    names = ["x", "y", "z"]
    plain = rank_distribution(names, effect, sd, df, rng=np.random.default_rng(5))
    turned = rank_distribution(
        [names[i] for i in order], effect[order], sd[order], df[order], rng=np.random.default_rng(5)
    )
    assert np.array_equal(turned.low, plain.low[order])
    assert np.array_equal(turned.high, plain.high[order])
    assert np.array_equal(turned.p_top3, plain.p_top3[order])


def test_the_global_generator_plays_no_part() -> None:
    first = generator_of("a", 1).random()
    np.random.seed(0)  # noqa: NPY002 - the point of the test
    assert generator_of("a", 1).random() == first
    assert generator_of("b", 1).random() != first


def test_nobody_to_rank() -> None:
    none = np.empty(0)
    found = rank_distribution([], none, none, none, rng=np.random.default_rng(0))
    assert found.low.size == 0


def test_order_is_by_tier_then_effect_then_name() -> None:
    order = table_order([1, 0, 1, 1], np.array([0.1, -3.0, 0.4, 0.1]), ["b", "z", "c", "a"])
    assert order == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("low", "high", "groups"),
    [
        ([], [], []),
        ([1], [1], [1]),
        ([1, 2], [1, 2], [1, 2]),
        ([1, 1, 3], [2, 2, 3], [1, 1, 2]),
        ([1, 2, 3], [2, 3, 3], [1, 1, 1]),
    ],
)
def test_overlapping_neighbours_share_a_group(
    low: list[int], high: list[int], groups: list[int]
) -> None:
    assert separated_groups(low, high) == groups


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), min_size=1, max_size=9))
def test_groups_count_up_from_one(intervals: list[tuple[int, int]]) -> None:
    groups = separated_groups([a for a, _ in intervals], [a + b for a, b in intervals])
    assert groups[0] == 1
    assert set(np.diff(groups)) <= {0, 1}

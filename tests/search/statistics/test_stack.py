from typing import Any

import numpy as np
import pytest

from search.statistics import (
    Stack,
    StatisticsError,
    choose_members,
    interaction,
    judge_stack,
)
from search.statistics.arrays import FloatArray

SEEDS = 8


def square(
    *, interaction_: float = 0.0, n: int = SEEDS, seed: int = 0, rho: float = 0.5
) -> FloatArray:
    """Scores of neither, first, second and both, with effects 1 and 0.8 and an interaction."""
    rng = np.random.default_rng(seed)
    noise = np.sqrt(rho) * rng.normal(size=(n, 1)) + np.sqrt(1 - rho) * rng.normal(size=(n, 4))
    effects = np.array([0.0, 1.0, 0.8, 1.8 + interaction_])
    scores: FloatArray = (noise + effects).T
    return scores


def judge(
    neither: FloatArray,
    first: FloatArray,
    second: FloatArray,
    both: FloatArray,
    delta: float = 0.1,
    **kwargs: Any,
) -> Stack:
    singles = {"a": first, "b": second}
    without = {"a": second, "b": first}
    return judge_stack(neither, both, singles, without, {"a": delta, "b": delta}, **kwargs)


def test_gain_beside_the_sum_of_singles() -> None:
    y = square()
    found = judge(*y)
    assert found.gain.estimate == pytest.approx((y[3] - y[0]).mean())
    assert found.sum_of_singles.estimate == pytest.approx((y[1] + y[2] - 2 * y[0]).mean())
    assert found.excess.estimate == pytest.approx(
        found.gain.estimate - found.sum_of_singles.estimate
    )
    assert found.n_seeds == SEEDS


def test_excess_of_two_is_their_interaction() -> None:
    y = square(interaction_=-0.7)
    single = interaction(y[3], y[1], y[2], y[0])
    assert judge(*y).excess == single.estimate


def test_direction_is_a_sign() -> None:
    y = square()
    assert judge(*-y, direction="minimize") == judge(*y)


def test_redundant_techniques_are_named() -> None:
    found = judge(*square(interaction_=-3.0, n=30))
    assert [member.redundant for member in found.members] == [True, True]
    assert found.redundant_pairs == (("a", "b"),)
    assert [member.drop for member in found.members] == [True, True]


def test_a_member_is_dropped_only_when_surely_below_its_delta() -> None:
    y = square()
    first = judge(y[0], y[1], y[2], y[3]).members[0].in_stack
    at_its_effect = judge(y[0], y[1], y[2], y[3], delta=first.estimate).members[0]
    assert not at_its_effect.drop  # may be too small, and may not
    far_above = judge(y[0], y[1], y[2], y[3], delta=(first.high or 0.0) + 1.0).members[0]
    assert far_above.drop


def test_synergy_is_no_redundancy() -> None:
    found = judge(*square(interaction_=3.0, n=30))
    assert all(member.synergic and not member.redundant for member in found.members)
    assert found.redundant_pairs == ()


def test_interaction_variance_is_twice_a_main_effects() -> None:
    y = square(n=50_000, rho=0.5)
    assert interaction(y[3], y[1], y[2], y[0]).variance == pytest.approx(4 * 0.5, rel=0.05)
    assert np.var(y[1] - y[0], ddof=1) == pytest.approx(2 * 0.5, rel=0.05)


def test_power_to_see_an_interaction() -> None:
    """The documented .73 for an interaction of -1.4 sigma on 8 seeds at rho = .5."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1500):
        noise = np.sqrt(0.5) * rng.normal(size=(4, 8))
        found = interaction(noise[0] - 1.4, noise[1], noise[2], noise[3])
        hits += (found.estimate.high or 0.0) < 0
    assert hits / 1500 == pytest.approx(0.73, abs=0.06)


def test_three_members() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(size=9)
    singles = {name: base + 1 + rng.normal(0, 0.1, 9) for name in "abc"}
    stack = base + 2 + rng.normal(0, 0.1, 9)
    # a and b do the same thing
    without = {"a": stack - 0.0, "b": stack + 0.01, "c": stack - 1}
    found = judge_stack(base, stack, singles, without, dict.fromkeys("abc", 0.2))
    assert [member.drop for member in found.members] == [True, True, False]
    assert found.redundant_pairs == (("a", "b"),)


@pytest.mark.parametrize(
    ("singles", "without", "delta"),
    [
        ({"a": [1.0]}, {"a": [1.0]}, {"a": 1.0}),
        ({"a": [1.0], "b": [1.0]}, {"a": [1.0], "c": [1.0]}, {"a": 1.0, "b": 1.0}),
        ({"a": [1.0], "b": [1.0]}, {"a": [1.0], "b": [1.0]}, {"a": 1.0}),
    ],
)
def test_members_must_agree(
    singles: dict[str, list[float]], without: dict[str, list[float]], delta: dict[str, float]
) -> None:
    with pytest.raises(StatisticsError, match="two members"):
        judge_stack([0.0], [1.0], singles, without, delta)


def test_seeds_must_be_shared() -> None:
    with pytest.raises(StatisticsError, match="share their seeds"):
        judge(square()[0], square()[1], square()[2], np.zeros(3))
    with pytest.raises(StatisticsError, match="share their seeds"):
        interaction([1.0], [1.0, 2.0], [1.0], [1.0])


def test_of_techniques_that_exclude_each_other_the_larger_enters() -> None:
    def excludes(one: str, two: str) -> bool:
        return {one, two} in ({"a", "b"}, {"b", "c"})

    found = choose_members({"a": 0.3, "b": 0.5, "c": 0.1, "d": 0.2}, excludes)
    assert found.members == ("b", "d")
    assert found.left_out == (("a", "b"), ("c", "b"))
    weaker = choose_members({"a": 0.6, "b": 0.5, "c": 0.1, "d": 0.2}, excludes)
    assert weaker.members == ("a", "d", "c")

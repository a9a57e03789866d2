import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from search.statistics import StatisticsError, climb, judge_removals
from search.statistics.arrays import FloatArray
from search.statistics.ladders import one_sided_p


def ladder(gains: list[float], n: int = 10, seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    heights = np.concatenate([[0.0], np.cumsum(gains)])
    scores: FloatArray = heights + np.sqrt(0.5) * (
        rng.normal(size=(n, 1)) + rng.normal(size=(n, len(heights)))
    )
    return scores


def test_rungs_are_paired_tests_with_holm() -> None:
    y = ladder([1.5, 0.0, 0.8])
    rungs = climb(y, ("a", "b", "c"))
    p = [stats.ttest_rel(y[:, i + 1], y[:, i], alternative="greater").pvalue for i in range(3)]
    assert [rung.p_value for rung in rungs] == pytest.approx(p)
    assert [rung.p_adjusted for rung in rungs] == pytest.approx(multipletests(p, method="holm")[1])
    assert rungs[2].total.estimate == pytest.approx((y[:, 3] - y[:, 0]).mean())
    assert rungs[1].gain.estimate == pytest.approx((y[:, 2] - y[:, 1]).mean())


def test_ladders_of_nulls_seldom_hold() -> None:
    wrong = [
        any(rung.holds for rung in climb(ladder([0.0] * 5, seed=s), "abcde")) for s in range(600)
    ]
    assert np.mean(wrong) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)


def test_direction_is_a_sign() -> None:
    y = ladder([1.0, 0.2])
    assert climb(-y, "ab", "minimize") == climb(y, "ab")


def test_ladder_shape_is_checked() -> None:
    with pytest.raises(StatisticsError, match="ladder of 3"):
        climb(ladder([1.0]), "abc")


def test_safe_to_remove_is_shown_not_assumed() -> None:
    rng = np.random.default_rng(0)
    full = rng.normal(size=20)
    without = np.column_stack(
        [full - 2.0 + rng.normal(0, 0.3, 20), full + rng.normal(0, 0.3, 20), full + 0.0]
    )
    needed, idle, identical = judge_removals(full, without, ("a", "b", "c"), delta=0.5)
    assert not needed.safe_to_remove
    assert idle.safe_to_remove
    assert idle.p_adjusted <= 0.05
    assert identical.safe_to_remove  # changes no score at all
    few = judge_removals(full[:3], without[:3, 1:2] * [[1], [9], [-9]], ("b",), delta=0.01)
    assert not few[0].safe_to_remove


def test_at_delta_removal_is_wrongly_called_safe_at_most_alpha_of_the_time() -> None:
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(2000):
        without = -rng.normal(0.5, 1.0, (8, 1))
        wrong += judge_removals(np.zeros(8), without, "a", delta=0.5)[0].safe_to_remove
    assert wrong / 2000 == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2000))


def test_removal_shape_is_checked() -> None:
    with pytest.raises(StatisticsError, match="without each technique"):
        judge_removals(np.zeros(4), np.zeros((3, 1)), "a", delta=1.0)


def test_too_little_to_test() -> None:
    assert one_sided_p(np.array([5.0, 6.0])) == 1.0
    assert one_sided_p(np.full(9, 0.3)) == 1.0

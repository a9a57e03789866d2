import numpy as np
import pytest
from scipy import stats

from search.statistics import StatisticsError, judge_threshold


def test_bounds_are_the_one_sample_ts() -> None:
    scores = np.array([0.58, 0.60, 0.61, 0.59])
    found = judge_threshold(scores, target=0.5)
    low = stats.ttest_1samp(scores, 0.5, alternative="greater").confidence_interval(0.95).low
    high = stats.ttest_1samp(scores, 0.5, alternative="less").confidence_interval(0.95).high
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.gap == pytest.approx(scores.mean() - 0.5)


@pytest.mark.parametrize(
    ("target", "decision"), [(0.5, "go"), (0.595, "undecided"), (0.7, "no-go")]
)
def test_decisions(target: float, decision: str) -> None:
    scores = [0.58, 0.60, 0.61, 0.59]
    assert judge_threshold(scores, target).decision == decision
    mirrored = judge_threshold([-x for x in scores], -target, "minimize")
    assert mirrored.decision == decision
    assert mirrored.gap == pytest.approx(judge_threshold(scores, target).gap)


def test_one_seed_decides_nothing() -> None:
    found = judge_threshold([0.9], target=0.5)
    assert found.decision == "undecided"
    assert found.seeds_needed is None
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_undecided_says_how_many_more() -> None:
    found = judge_threshold([0.50, 0.60, 0.64], target=0.53)
    assert found.decision == "undecided"
    assert (found.seeds_needed or 0) >= 1


def test_no_number_is_promised_near_the_target() -> None:
    assert judge_threshold([0.50, 0.60, 0.55], target=0.5499).seeds_needed is None


def test_false_go_at_most_five_percent() -> None:
    rng = np.random.default_rng(0)
    wrong = [judge_threshold(rng.normal(size=5), 0.0).decision == "go" for _ in range(1000)]
    assert np.mean(wrong) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 1000))


def test_missing_scores_are_refused() -> None:
    with pytest.raises(StatisticsError, match="threshold"):
        judge_threshold([0.5, np.nan], 0.5)

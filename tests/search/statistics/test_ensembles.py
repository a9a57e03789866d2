import numpy as np
import pytest

from search.statistics import StatisticsError, blocks_of, judge_ensemble, mean_interval


def test_blocks_are_disjoint_and_whole() -> None:
    blocks = blocks_of(14, 4)
    assert blocks == ((0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11))
    assert len({seed for block in blocks for seed in block}) == 12


@pytest.mark.parametrize(("n", "m"), [(5, 2), (8, 3), (9, 1), (9, 0)])
def test_three_blocks_of_two_at_least(n: int, m: int) -> None:
    with pytest.raises(StatisticsError, match="disjoint blocks"):
        blocks_of(n, m)


def test_an_ensemble_meets_its_blocks_mean() -> None:
    singles = np.array([1.0, 3.0, 2.0, 2.0, 0.0, 4.0, 99.0])
    found = judge_ensemble(singles, [3.0, 2.5, 2.0], 2)
    assert found.d.tolist() == [1.0, 0.5, 0.0]
    assert found.gain == mean_interval([1.0, 0.5, 0.0])
    assert found.compute_ratio == 2.0
    assert judge_ensemble(-singles, [-3.0, -2.5, -2.0], 2, "minimize").gain == found.gain


def test_blocks_need_a_score_each() -> None:
    with pytest.raises(StatisticsError, match="3 blocks"):
        judge_ensemble(np.zeros(6), [1.0, 2.0], 2)
    with pytest.raises(StatisticsError, match="finite"):
        judge_ensemble(np.zeros(6), [1.0, 2.0, np.nan], 2)

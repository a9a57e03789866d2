from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from search.statistics import Arm, Registration, Replicates, Scores, StatisticsError, paired_scores
from search.statistics.pairs import baseline_failures

NAN = np.nan


def pair(
    scores: npt.ArrayLike,
    *,
    arms: Sequence[Arm] = (Arm("a"),),
    failed: npt.ArrayLike | None = None,
    **rules: Any,
) -> Scores:
    scores = np.array(scores, dtype=float)
    failed = np.isnan(scores) if failed is None else np.array(failed)
    registration = Registration(tuple(arms), **{"looks": (3, 5), **rules})
    columns = ("base", *(column for arm in arms for column in arm.columns))
    return paired_scores(registration, Replicates(columns, scores, failed))


def differences(scores: npt.ArrayLike, **rules: Any) -> list[float]:
    d: list[float] = pair(scores, **rules).pairs.d[:, 0].tolist()
    return d


def test_differences_are_sign_adjusted() -> None:
    scores = [[1.0, 3.0], [2.0, 1.0], [0.0, 0.5]]
    assert differences(scores) == [2.0, -1.0, 0.5]
    assert differences(scores, direction="minimize") == [-2.0, 1.0, -0.5]


def test_a_failed_run_is_scored_at_the_floor() -> None:
    # floor: the worst of the baseline's 1, 2, 4 and the arm's own 3, 0.5
    assert differences([[1.0, 3.0], [2.0, NAN], [4.0, 0.5]]) == [2.0, 0.5 - 2.0, -3.5]


def test_the_floor_respects_the_direction() -> None:
    # smaller is better: the worst of 1, 2, 4 and 3, 0.5 is 4
    d = differences([[1.0, 3.0], [2.0, NAN], [4.0, 0.5]], direction="minimize")
    assert d == [-2.0, 2.0 - 4.0, 3.5]


def test_the_floor_is_frozen_at_the_look_of_its_pair() -> None:
    first = [[1.0, 3.0], [2.0, NAN], [4.0, 0.5]]
    later = [*first, [-9.0, 1.0], [1.0, NAN]]
    d = differences(later)
    assert d[:3] == differences(first)
    assert d[4] == -9.0 - 1.0


def test_the_floor_sees_no_run_beyond_its_look() -> None:
    first = [[1.0, 3.0], [2.0, NAN], [4.0, 0.5]]
    assert differences([*first, [1.0, -50.0], [1.0, 1.0]])[:3] == differences(first)


def test_a_failed_baseline_run_spoils_the_pair_and_never_favours_the_arm() -> None:
    # floor 1 against the baseline's mean 2 over its finite runs
    scored = pair([[1.0, 3.0], [NAN, 50.0], [3.0, 5.0]])
    assert scored.pairs.d[:, 0].tolist() == [2.0, 1.0 - 2.0, 2.0]
    assert scored.pairs.valid[:, 0].tolist() == [True, False, True]
    assert not scored.pairs.failed.any()
    assert baseline_failures(scored, (3, 5)) == (1, 1)


@pytest.mark.parametrize("seed", range(20))
def test_failures_are_never_favourable(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(5, 2))
    scores[rng.random((5, 2)) < 0.4] = NAN
    scores[0] = rng.normal(size=2)
    scored = pair(scores)
    charged = scored.pairs.closed & ~scored.pairs.valid
    assert (scored.pairs.d[charged] <= 0).all()
    assert np.isfinite(scored.pairs.d[scored.pairs.closed]).all()


def test_an_arm_whose_every_run_fails_is_charged_the_baselines_worst() -> None:
    assert differences([[1.0, NAN], [2.0, NAN], [3.0, NAN]]) == [0.0, -1.0, -2.0]


def test_runs_not_made_leave_no_pair() -> None:
    scored = pair([[1.0, 2.0], [1.0, NAN], [NAN, 2.0]], failed=np.zeros((3, 2), bool))
    assert scored.pairs.closed[:, 0].tolist() == [True, False, False]
    crashed = pair([[NAN, NAN]], failed=[[False, True]])
    assert not crashed.pairs.failed.any()  # the baseline is still to run
    assert np.isnan(scored.pairs.d[1:, 0]).all()


def test_rows_past_the_last_look_are_ignored() -> None:
    assert len(pair(np.ones((9, 2))).baseline) == 5


def test_levels_are_columns_of_their_own() -> None:
    arm = Arm("knob", levels=("knob=1", "knob=2"))
    scored = pair([[1.0, 2.0, 4.0], [1.0, 2.0, 3.0], [1.0, 2.0, 2.0]], arms=(arm,))
    assert scored.pairs.d.tolist() == [[1.0, 3.0], [1.0, 2.0], [1.0, 1.0]]


def test_an_ensemble_meets_the_mean_of_its_block() -> None:
    arm = Arm("vote", block=2)
    scores = [[1.0, NAN], [3.0, 5.0], [2.0, NAN], [4.0, 4.0], [9.0, NAN]]
    scored = pair(scores, arms=(arm,), failed=np.zeros((5, 2), bool))
    assert scored.pairs.due[:, 0].tolist() == [False, True, False, True, False]
    assert scored.pairs.d[[1, 3], 0].tolist() == [3.0, 1.0]


def test_uncompared_arms_have_no_column() -> None:
    arms = (Arm("a"), Arm("later", planned=True), Arm("other", not_comparable="other split"))
    registration = Registration(arms, looks=(3,))
    replicates = Replicates(("base", "a"), np.ones((3, 2)), np.zeros((3, 2), bool))
    assert paired_scores(registration, replicates).arms.shape == (3, 1)


def test_a_missing_column_is_named() -> None:
    registration = Registration((Arm("focal"),), looks=(3,))
    replicates = Replicates(("base", "focals"), np.ones((3, 2)), np.zeros((3, 2), bool))
    with pytest.raises(StatisticsError, match="did you mean 'focals'"):
        paired_scores(registration, replicates)


def test_a_withdrawn_arm_needs_no_column() -> None:
    registration = Registration((Arm("gone", withdrawn=True),), looks=(3,))
    replicates = Replicates(("base",), np.ones((3, 1)), np.zeros((3, 1), bool))
    assert not paired_scores(registration, replicates).pairs.closed.any()

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from search.statistics.arrays import BoolArray, FloatArray
from search.statistics.evalues import log_e_value
from search.statistics.outcome import Frozen
from search.statistics.pairs import Pairs
from search.statistics.planning import simulate_differences
from search.statistics.race import race
from search.statistics.sequential import Rules
from search.statistics.verdicts import UNDECIDED, VERDICTS, Verdict

LOOKS = (3, 5, 8, 12, 20)


def holm_on_paper(q: FloatArray) -> FloatArray:
    adjusted, highest = np.empty(len(q)), 0.0
    for place, k in enumerate(np.argsort(q, kind="stable")):
        highest = max(highest, (len(q) - place) * q[k])
        adjusted[k] = min(1.0, highest)
    return adjusted


def brute_force(
    d: FloatArray, delta: float, looks: tuple[int, ...], alpha: float = 0.05
) -> tuple[FloatArray, FloatArray, list[str | None], list[int]]:
    """The protocol arm by arm and look by look, as one would do it on paper."""
    n_arms = d.shape[1]
    taken = [np.empty(0)] * n_arms
    q, seeds = np.ones(n_arms), [0] * n_arms
    word: list[str | None] = [None] * n_arms
    for j, n in enumerate(looks):
        share = (n - (looks[j - 1] if j else 0)) / looks[-1]
        running = [k for k in range(n_arms) if word[k] is None]
        for k in running:
            taken[k], seeds[k] = d[:n, k], n
        s2 = [np.var(x, ddof=1) for x in taken]
        pool = sum((len(x) - 1) * v for x, v in zip(taken, s2, strict=True)) / sum(
            len(x) - 1 for x in taken
        )
        d0 = 0 if n_arms <= 2 else min(4, n_arms - 1)
        upper = np.full(n_arms, np.inf)
        for k in running:
            df = d0 + n - 1
            se = np.sqrt((d0 * pool + (n - 1) * s2[k]) / df / n)
            mean = taken[k].mean()
            q[k] = min(q[k], stats.t.sf(mean / se, df) / share)
            upper[k] = mean + stats.t.ppf(1 - alpha * share, df) * se
        adjusted = holm_on_paper(q)
        for k in running:
            if upper[k] < 0:
                word[k] = "harmful"
            elif upper[k] < delta:
                word[k] = "reject"
            elif adjusted[k] <= alpha:
                word[k] = "adopt"
            elif n == looks[-1]:
                word[k] = "inconclusive"
    return q, multipletests(q, alpha, method="holm")[1], word, seeds


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n_arms", [1, 2, 3, 8])
def test_the_race_is_the_protocol(seed: int, n_arms: int) -> None:
    rng = np.random.default_rng([seed, n_arms])
    d = rng.normal(rng.normal(0.3, 0.8, n_arms), rng.uniform(0.7, 1.3, n_arms), (20, n_arms))
    result = race(Pairs.without_failures(d), np.ones(1), Rules(LOOKS))
    q, adjusted, words, seeds = brute_force(d, 1.0, LOOKS)
    assert np.allclose(result.q, q, rtol=1e-9, atol=1e-15)
    assert np.allclose(result.p_adjusted, adjusted, rtol=1e-9, atol=1e-15)
    assert [VERDICTS[code] for code in result.verdict] == words
    assert result.columns.n.tolist() == seeds


def test_repetitions_are_independent_of_each_other() -> None:
    d = simulate_differences([1, 0, 0], n_seeds=20, rng=np.random.default_rng(0), repetitions=30)
    together = race(Pairs.without_failures(d), np.ones(1), Rules(LOOKS))
    alone = race(Pairs.without_failures(d[17]), np.ones(1), Rules(LOOKS))
    assert np.array_equal(together.q[17], alone.q)
    assert np.array_equal(together.verdict[17], alone.verdict)


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_pairs_give_no_verdict(n: int) -> None:
    d = np.array([[5.0], [5.1]])[:n]
    result = race(Pairs.without_failures(d), np.ones(1), Rules((n, 9)))
    assert result.verdict[0] == UNDECIDED
    assert result.q[0] == 1.0
    ended = race(Pairs.without_failures(d), np.ones(1), Rules((n,)))
    assert VERDICTS[ended.verdict[0]] is Verdict.NOT_MEASURED


def test_identical_arms_have_p_one_and_no_effect() -> None:
    result = race(Pairs.without_failures(np.zeros((3, 4))), np.ones(1), Rules(LOOKS))
    assert (result.q == 1).all()
    assert [VERDICTS[code] for code in result.verdict] == [Verdict.NO_EFFECT] * 4


def test_equal_differences_are_degenerate_only_without_a_variance_to_borrow() -> None:
    rng = np.random.default_rng(0)
    alone = race(Pairs.without_failures(np.full((3, 1), 0.5)), np.ones(1), Rules((3,)))
    assert VERDICTS[alone.verdict[0]] is Verdict.DEGENERATE
    assert alone.q[0] == 1.0
    d = np.column_stack([np.full(3, 0.5), rng.normal(size=(3, 4))])
    among = race(Pairs.without_failures(d), np.ones(1), Rules((3,)))
    assert VERDICTS[among.verdict[0]] is not Verdict.DEGENERATE
    assert among.q[0] < 1.0


def test_equal_differences_are_recognised_through_rounding() -> None:
    y0 = np.array([0.1, 0.7, 0.3])
    pairs = Pairs.without_failures(((y0 + 0.2) - y0)[:, None])
    pairs = replace(pairs, resolution=np.array([4 * np.finfo(float).eps]))
    result = race(pairs, np.ones(1), Rules((3,)))
    assert VERDICTS[result.verdict[0]] is Verdict.DEGENERATE


def test_a_look_waits_for_every_undecided_arm() -> None:
    d = np.random.default_rng(1).normal(0.5, 1.0, (5, 2))
    pairs = Pairs.without_failures(d)
    closed = pairs.closed.copy()
    closed[4, 1] = False
    result = race(replace(pairs, closed=closed), np.ones(1), Rules(LOOKS))
    assert len(result.frozen) == 1
    gone = race(replace(pairs, closed=closed), np.ones(1), Rules(LOOKS, absent=(False, True)))
    assert len(gone.frozen) == 2
    assert VERDICTS[gone.verdict[1]] is Verdict.INCONCLUSIVE


def test_seeds_run_ahead_of_a_look_change_nothing() -> None:
    d = np.random.default_rng(2).normal(0.2, 1.0, (8, 4))
    short = race(Pairs.without_failures(d[:5]), np.ones(1), Rules(LOOKS))
    ahead = race(Pairs.without_failures(d[:7]), np.ones(1), Rules(LOOKS))
    assert np.array_equal(short.q, ahead.q)
    assert np.array_equal(short.columns.mean, ahead.columns.mean)


def test_settled_arms_are_frozen() -> None:
    rng = np.random.default_rng(4)
    d = np.column_stack([rng.normal(-4, 0.5, 20), rng.normal(0.6, 1.0, (20, 3))])
    result = race(Pairs.without_failures(d), np.ones(1), Rules(LOOKS))
    changed = d.copy()
    changed[3:, 0] = 100.0
    again = race(Pairs.without_failures(changed), np.ones(1), Rules(LOOKS))
    assert result.columns.n[0] == 3
    assert np.array_equal(result.q, again.q)
    assert np.array_equal(result.verdict, again.verdict)


def test_stored_looks_are_not_recomputed_when_an_arm_is_added() -> None:
    rng = np.random.default_rng(5)
    d = rng.normal(0.4, 1.0, (5, 3))
    before = race(Pairs.without_failures(d), np.ones(1), Rules(LOOKS))
    wider = np.column_stack([d, rng.normal(0, 5.0, 5)])
    blank = np.full(1, np.nan)
    history = [
        Frozen(*(np.append(x, blank) for x in (look.variance, look.df, look.p)))
        for look in before.frozen
    ]
    after = race(Pairs.without_failures(wider), np.ones(1), Rules(LOOKS), history=history)
    fresh = race(Pairs.without_failures(wider), np.ones(1), Rules(LOOKS))
    assert np.array_equal(after.q[:3], before.q)
    assert not np.array_equal(fresh.q[:3], before.q)
    assert after.q[3] == pytest.approx(fresh.q[3])
    assert (after.p_adjusted[:3] >= before.p_adjusted).all()


def test_an_added_arm_catches_up_without_holding_the_others() -> None:
    rng = np.random.default_rng(6)
    d = rng.normal(0.4, 1.0, (5, 3))
    before = race(Pairs.without_failures(d), np.ones(1), Rules(LOOKS))
    history = [
        Frozen(*(np.append(x, np.nan) for x in (look.variance, look.df, look.p)))
        for look in before.frozen
    ]
    pairs = Pairs.without_failures(np.column_stack([d, np.full(5, np.nan)]))
    closed = pairs.closed.copy()
    closed[:, 3] = False
    pairs = replace(pairs, closed=closed, valid=closed)
    after = race(pairs, np.ones(1), Rules(LOOKS), history=history)
    assert after.look.tolist() == [*before.look.tolist(), -1]


def failing(d: FloatArray, failed: BoolArray) -> Pairs:
    pairs = Pairs.without_failures(d)
    return replace(pairs, failed=failed, valid=~failed)


def test_an_unstable_arm_keeps_getting_seeds_until_the_end() -> None:
    rng = np.random.default_rng(7)
    d = rng.normal(3.0, 1.0, (20, 1))
    failed = np.zeros((20, 1), bool)
    failed[[0, 4, 9, 15], 0] = True
    early = race(failing(d[:12], failed[:12]), np.ones(1), Rules(LOOKS))
    assert early.p_adjusted[0] <= 0.05
    assert early.verdict[0] == UNDECIDED
    final = race(failing(d, failed), np.ones(1), Rules(LOOKS))
    assert VERDICTS[final.verdict[0]] is Verdict.UNSTABLE
    stopped = race(failing(d[:12], failed[:12]), np.ones(1), Rules(LOOKS), no_more_runs=True)
    assert VERDICTS[stopped.verdict[0]] is Verdict.UNSTABLE


def test_failures_within_max_fail_may_be_adopted() -> None:
    d = np.random.default_rng(8).normal(3.0, 1.0, (20, 1))
    failed = np.zeros((20, 1), bool)
    failed[0] = True
    result = race(failing(d, failed), np.ones(1), Rules(LOOKS))
    assert VERDICTS[result.verdict[0]] is Verdict.ADOPT
    assert result.columns.n[0] >= 12  # one in eight or fewer would be over a tenth


def test_an_arm_whose_every_run_crashed_is_not_measured() -> None:
    d = np.random.default_rng(9).normal(-1.0, 1.0, (3, 2))
    failed = np.array([[True, False]] * 3)
    result = race(failing(d, failed), np.ones(1), Rules(LOOKS))
    assert VERDICTS[result.verdict[0]] is Verdict.NOT_MEASURED


def test_two_valid_pairs_of_three_give_no_verdict_yet() -> None:
    d = np.array([[-9.0], [-9.1], [-9.2]])
    failed = np.array([[True], [False], [False]])
    assert race(failing(d, failed), np.ones(1), Rules(LOOKS)).verdict[0] == UNDECIDED


def test_a_failing_baseline_gives_no_verdict_at_its_look() -> None:
    d = np.random.default_rng(10).normal(-5.0, 1.0, (12, 2))
    held = race(
        Pairs.without_failures(d[:5]), np.ones(1), Rules(LOOKS, baseline_failures=(1, 1, 1, 1, 1))
    )
    assert (held.verdict == UNDECIDED).all()
    later = race(
        Pairs.without_failures(d), np.ones(1), Rules(LOOKS, baseline_failures=(1, 1, 1, 1, 1))
    )
    assert [VERDICTS[code] for code in later.verdict] == [Verdict.HARMFUL] * 2


def test_a_held_look_leaves_no_trace_but_its_p() -> None:
    rng = np.random.default_rng(20)
    d = np.vstack([rng.normal(-2.0, 0.2, (3, 3)), rng.normal(6.0, 1.0, (17, 3))])
    rules = Rules(LOOKS, baseline_failures=(1, 1, 1, 1, 1))
    result = race(Pairs.without_failures(d), np.ones(1), rules)
    assert VERDICTS[race(Pairs.without_failures(d), np.ones(1), Rules(LOOKS)).verdict[0]] is (
        Verdict.HARMFUL
    )
    assert [VERDICTS[code] for code in result.verdict] == [Verdict.ADOPT] * 3
    assert len(result.frozen) == 4  # one failure in twelve is the first within a tenth


def test_a_baseline_that_keeps_failing_refuses_the_study() -> None:
    d = np.random.default_rng(10).normal(0.8, 1.0, (20, 2))
    result = race(
        Pairs.without_failures(d), np.ones(1), Rules(LOOKS, baseline_failures=(0, 3, 3, 3, 3))
    )
    assert result.refused
    assert len(result.frozen) == 2  # no later look could bring 3 failures within 10 % of 20
    budget = race(
        Pairs.without_failures(d[:5]),
        np.ones(1),
        Rules(LOOKS, baseline_failures=(0, 1, 1, 1, 1)),
        no_more_runs=True,
    )
    assert budget.refused


def test_a_candidate_for_a_free_win_stays_after_a_plain_reject() -> None:
    rng = np.random.default_rng(11)
    d = rng.normal(-0.3, 1.0, (20, 4))
    plain = race(Pairs.without_failures(d), np.full(1, 1.0), Rules(LOOKS))
    kept = race(
        Pairs.without_failures(d), np.full(1, 1.0), Rules(LOOKS, keep=(True, False, False, False))
    )
    assert VERDICTS[plain.verdict[0]] is Verdict.REJECT
    assert kept.columns.n[0] > plain.columns.n[0]
    assert VERDICTS[kept.verdict[0]] in (Verdict.REJECT, Verdict.HARMFUL)


def test_a_rejected_candidate_for_a_free_win_stays_rejected() -> None:
    rng = np.random.default_rng(21)
    d = rng.normal(-0.4, 1.0, (20, 1))
    d = np.vstack([d[:8] - d[:8].mean() - 0.6, np.full((12, 1), 2.4) + d[8:]])
    kept = race(Pairs.without_failures(d), np.full(1, 1.2), Rules(LOOKS, keep=(True,)))
    plain = race(Pairs.without_failures(d), np.full(1, 1.2), Rules(LOOKS))
    assert VERDICTS[plain.verdict[0]] is Verdict.REJECT
    assert plain.columns.n[0] < kept.columns.n[0]
    assert kept.columns.mean[0] > 0.9  # by then the upper bound is well above delta
    assert VERDICTS[kept.verdict[0]] is Verdict.REJECT


def test_levels_share_one_row_in_the_family() -> None:
    rng = np.random.default_rng(12)
    d = rng.normal([0.0, 1.5, 0.2, 0.3, 0.0], 1.0, (5, 5))
    result = race(Pairs.without_failures(d), np.ones(1), Rules((5,), levels=(3, 1, 1)))
    columns = race(Pairs.without_failures(d), np.ones(1), Rules((5,))).columns
    assert result.q.shape == (3,)
    assert result.q[0] == pytest.approx(min(1.0, 3 * columns.p[:3].min()))
    assert result.q[1:] == pytest.approx(columns.p[3:])
    assert result.best.tolist() == [1, 3, 4]


def test_a_row_of_levels_is_rejected_when_every_level_is() -> None:
    rng = np.random.default_rng(13)
    bad = rng.normal([-3.0, -3.0, 1.2, -3.0, -3.0, -3.0], 0.7, (5, 6))
    result = race(Pairs.without_failures(bad), np.ones(1), Rules(LOOKS, levels=(3, 3)))
    assert VERDICTS[result.verdict[1]] is Verdict.HARMFUL
    assert VERDICTS[result.verdict[0]] is not Verdict.HARMFUL


def test_open_ended_spends_e_values() -> None:
    d = np.random.default_rng(14).normal(1.0, 1.0, (20, 3))
    result = race(Pairs.without_failures(d), np.full(1, 0.1), Rules(LOOKS, open_ended=True))
    n = result.columns.n
    t = result.columns.mean / result.columns.se
    at_last = np.exp(-log_e_value(t, n, result.columns.df))
    assert (result.q <= np.minimum(at_last, 1) + 1e-15).all()


def test_the_budget_may_end_before_the_first_look() -> None:
    pairs = Pairs.without_failures(np.zeros((2, 1)))
    result = race(pairs, np.ones(1), Rules(LOOKS), no_more_runs=True)
    assert VERDICTS[result.verdict[0]] is Verdict.NOT_MEASURED


def test_no_arms_is_no_race() -> None:
    assert race(Pairs.without_failures(np.zeros((3, 0))), np.ones(0), Rules(LOOKS)).q.size == 0

"""Rows of the table: verdicts, ranks, and what is left open."""

from dataclasses import replace

import numpy as np
import pytest

from search.statistics import Arm, StatisticsError, Verdict, WorthIt, mean_interval, seeds_for
from tests.search.statistics.tables import NAMES, scores_of, table_of


def test_a_final_table() -> None:
    table = table_of(scores_of())
    assert table.status == "final"
    assert [row.verdict for row in table.rows] == [
        Verdict.ADOPT,
        Verdict.ADOPT,
        Verdict.REJECT,
        Verdict.REJECT,
        Verdict.HARMFUL,
    ]
    assert [row.rank for row in table.rows] == [1, 2, 3, 4, 5]
    assert all(row.rank_low <= row.rank <= row.rank_high for row in table.rows)
    first = table.rows[0]
    assert first.technique == "focal"
    assert first.ci_low < first.effect < first.ci_high
    assert first.ci_level == 0.95
    assert abs(first.shrunken_effect) < abs(first.effect)
    assert first.effect_sigma == pytest.approx(first.effect / table.sigma_b)
    assert first.p_better == 1.0
    assert first.seeds_needed is None
    assert first.worth_it in tuple(WorthIt)
    assert table.runs_used == 20 * 6  # everything that was handed in
    assert table.needs == ()
    assert table.delta_origin == "stated"


def test_a_rank_interval_holds_the_rank_that_the_verdict_gives() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(20, 2))
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0, ddof=1)
    base = rng.normal(size=(20, 1))
    y = np.column_stack([base, base + [1.1, 9.3] + noise * [0.3, 13.0]])
    table = table_of(y, ("sure", "vague"), looks=(20,), also_registered=38)
    sure, vague = table.rows
    assert (sure.technique, sure.verdict) == ("sure", Verdict.ADOPT)
    assert vague.verdict is Verdict.INCONCLUSIVE
    assert vague.shrunken_effect > sure.shrunken_effect
    assert (sure.rank, sure.rank_low, sure.rank_high) == (1, 1, 2)
    assert (vague.rank, vague.rank_low, vague.rank_high) == (2, 1, 2)
    assert sure.group == vague.group


def test_numbers_of_a_row_by_hand() -> None:
    y = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0], [0.5, 2.0]])
    row = table_of(y, ("only",), looks=(4,)).row("only")
    d = y[:, 1] - y[:, 0]
    by_hand = mean_interval(d, 0.95)
    assert row.effect == d.mean()
    assert (row.ci_low, row.ci_high) == pytest.approx((by_hand.low, by_hand.high))
    assert row.effect_relative == pytest.approx(d.mean() / y[:, 0].mean())
    assert row.q_value == row.p_adjusted


def test_before_the_first_look_there_is_an_effect_and_nothing_else() -> None:
    table = table_of(scores_of()[:2])
    assert table.status == "provisional"
    assert table.looks == ()
    row = table.row("focal")
    assert (row.verdict, row.rank, row.q_value, row.ci_low) == (None, None, None, None)
    assert row.n_seeds == 2
    d = scores_of()[:2, 1:] - scores_of()[:2, :1]
    assert [table.row(name).effect for name in NAMES] == pytest.approx(d.mean(axis=0))
    assert dict(table.needs) == dict.fromkeys(NAMES, 3)


def test_nothing_has_run_yet() -> None:
    table = table_of(np.empty((0, 6)))
    assert table.status == "provisional"
    assert {row.effect for row in table.rows} == {None}
    assert table.sigma_b is None
    ended = table_of(np.empty((0, 6)), table={"no_more_runs": True})
    assert {row.verdict for row in ended.rows} == {Verdict.NOT_MEASURED}


def test_a_study_without_techniques() -> None:
    table = table_of(np.ones((3, 1)), ())
    assert (table.rows, table.status, table.rho_hat) == ((), "final", None)


def test_undecided_rows_say_what_they_need() -> None:
    table = table_of(scores_of(effects=(0.8, 0.8, 0.8, 0.8, -9.0), seed=3)[:3])
    assert dict(table.needs)["focal"] == 5
    assert "sam" not in dict(table.needs)
    row = table.row("focal")
    assert row.verdict is None
    assert row.rank is not None
    assert row.seeds_needed.for_delta >= 1


def test_seeds_needed_share_alpha_among_the_undecided() -> None:
    table = table_of(scores_of(effects=(0.7,) * 5)[:8])
    undecided = [row for row in table.rows if row.verdict is None]
    assert len(undecided) == len(table.needs) > 1
    assert all(row.seeds_needed is not None for row in undecided)


def test_an_inconclusive_row_tells_the_seeds_of_its_design() -> None:
    y = np.column_stack([np.zeros(20), np.tile([-1.3, 2.7], 10)])
    y += np.linspace(0, 1, 20)[:, None]
    row = table_of(y, ("only",)).row("only")
    assert row.verdict is Verdict.INCONCLUSIVE
    sd = np.std(np.tile([-1.3, 2.7], 10), ddof=1)
    assert row.seeds_needed.for_delta == int(seeds_for(1.0 / sd, 0.05)) - 20


def test_the_budget_may_end_between_looks() -> None:
    table = table_of(scores_of(effects=(0.7,) * 5)[:6], table={"no_more_runs": True})
    assert table.status == "final"
    words = {row.verdict for row in table.rows}
    assert None not in words
    assert Verdict.INCONCLUSIVE in words
    assert all(
        "stopped_early" in row.flags for row in table.rows if row.verdict is Verdict.INCONCLUSIVE
    )


def test_no_effect_rows_come_last_and_leave_the_others_alone() -> None:
    y = scores_of()
    post_hoc = np.column_stack([y, y[:, 0], y[:, 0]])
    names = (*NAMES, "temperature", "threshold")
    table = table_of(post_hoc, names)
    assert [row.technique for row in table.rows[-2:]] == ["temperature", "threshold"]
    for row in table.rows[-2:]:
        assert row.verdict is Verdict.NO_EFFECT
        assert (row.effect, row.rank, row.q_value, row.n_seeds) == (0.0, None, 1.0, 3)
    alone = table_of(y, also_registered=2)
    for name in NAMES:  # same pool, same K
        assert table.row(name) == replace(
            alone.row(name), effect_sigma=table.row(name).effect_sigma
        )


def test_failures_are_counted_and_shown() -> None:
    y = scores_of()
    failed = np.zeros(y.shape, bool)
    failed[[0, 4, 6], 1] = True
    row = table_of(y, failed=failed).row("focal")
    assert row.n_failed == 3
    assert row.verdict is Verdict.UNSTABLE
    assert row.failure_low == pytest.approx(0.03207, abs=1e-5)  # exact, 3 of 20
    assert row.failure_high == pytest.approx(0.37893, abs=1e-5)


def test_dropped_crashes_would_have_favoured_a_technique() -> None:
    """A null technique whose worst quarter crashes: the floor keeps it from winning."""
    rng = np.random.default_rng(0)
    adopted = 0
    effects: list[float] = []
    for _ in range(100):
        y = rng.normal(size=(20, 2))
        failed = np.zeros(y.shape, bool)
        failed[np.argsort(y[:, 1])[:5], 1] = True
        row = table_of(y, ("null",), failed=failed, looks=(20,), smallest_gain=0.01, max_fail=0.5)
        effects.append(row.row("null").effect)
        adopted += row.row("null").verdict is Verdict.ADOPT
    assert np.mean(effects) < 0.0
    assert adopted <= 12  # 5 % of 100 within Monte-Carlo error


def test_the_default_delta_is_frozen_at_the_first_look() -> None:
    y = scores_of(effects=(0.7,) * 5)
    arms = tuple(Arm(name, effort_weight=0.5) for name in NAMES)
    first = table_of(y[:3], arms=arms, smallest_gain=None)
    last = table_of(y, arms=arms, smallest_gain=None)
    assert first.delta_origin == last.delta_origin == "default, not your choice"
    within = np.sqrt(y[:3].var(axis=0, ddof=1).mean())
    assert last.row("swa").delta == first.row("swa").delta == pytest.approx(0.5 * within)
    assert last.sigma_b == pytest.approx(within)


def test_an_own_delta_comes_first() -> None:
    arms = (Arm("focal", smallest_gain=9.0), *(Arm(name) for name in NAMES[1:]))
    table = table_of(scores_of(), arms=arms)
    assert table.row("focal").verdict is Verdict.REJECT  # real, but too small
    assert table.row("focal").p_adjusted < 0.05
    assert table.row("swa").delta == 1.0


def test_stored_looks_outlive_an_amendment() -> None:
    y = scores_of(effects=(0.7,) * 5)[:5]
    before = table_of(y)
    rng = np.random.default_rng(3)
    wider = np.column_stack([y, y[:, 0] + rng.normal(0, 9, 5)])
    names = (*NAMES, "new")
    after = table_of(wider, names, table={"history": before.looks})
    fresh = table_of(wider, names)
    for name in NAMES:
        assert after.row(name).q_value == before.row(name).q_value
        assert after.row(name).p_adjusted >= before.row(name).p_adjusted
    assert after.n_registered == 6
    assert after.row("new").n_seeds == 5
    assert after.sigma_b == before.sigma_b
    assert fresh.row("swa").q_value != before.row("swa").q_value
    unchanged = table_of(y, table={"history": before.looks})
    assert unchanged == before
    narrower = table_of(y[:, :5], NAMES[:4], table={"history": before.looks})
    for look, old in zip(narrower.looks, before.looks, strict=True):
        assert set(look.columns) == set(old.columns)  # what was seen of the fifth is kept


def test_stored_looks_must_fit() -> None:
    before = table_of(scores_of()[:5])
    with pytest.raises(StatisticsError, match="fresh seeds"):
        table_of(scores_of(), looks=(4, 8), table={"history": before.looks})


def test_what_the_design_can_see_is_part_of_the_table() -> None:
    table = table_of(scores_of())
    assert [x.n_seeds for x in table.detectable] == [3, 5, 8, 12, 20]
    assert table.sd_over_sigma == pytest.approx(table.sd_difference / table.sigma_b)
    assert -1 <= table.rho_hat <= 1

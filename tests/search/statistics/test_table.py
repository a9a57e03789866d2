from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.statistics import (
    Arm,
    Measurements,
    Registration,
    Replicates,
    Row,
    StatisticsError,
    Table,
    Verdict,
    WorthIt,
    mean_interval,
    rank_table,
    seeds_for,
)
from search.statistics.arrays import BoolArray, FloatArray

NAMES = ("focal", "swa", "pooling", "mixup", "sam")
EFFECTS = (2.5, 1.2, 0.0, -0.4, -2.0)


def scores_of(
    effects: Sequence[float] = EFFECTS, n: int = 20, seed: int = 0, sigma: float = 1.0
) -> FloatArray:
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 1))
    y = np.sqrt(0.5) * (shared + rng.normal(size=(n, len(effects) + 1)))
    y[:, 1:] += effects
    return sigma * np.asarray(y)


def table_of(
    scores: FloatArray,
    names: Sequence[str] = NAMES,
    *,
    arms: tuple[Arm, ...] | None = None,
    failed: BoolArray | None = None,
    table: dict[str, Any] | None = None,
    curves_vary: bool = False,
    **rules: Any,
) -> Any:  # fields are None where the table has nothing to say; tests say which
    registration = Registration(
        tuple(Arm(name) for name in names) if arms is None else arms,
        **{"smallest_gain": 1.0, **rules},
    )
    failed = np.zeros(scores.shape, bool) if failed is None else failed
    columns = ("base", *(column for arm in registration.arms for column in arm.columns))
    scores = np.where(failed, np.nan, scores)
    replicates = Replicates(columns[: scores.shape[1]], scores, failed, curves_vary)
    return rank_table(registration, replicates, rng=np.random.default_rng(9), **(table or {}))


def same_rows(one: Table, two: Table) -> bool:
    return {row.technique: row for row in one.rows} == {row.technique: row for row in two.rows}


def close_rows(one: Table, two: Table, *, unit: float = 1.0) -> None:
    """Rows equal up to rounding, effects measured in `unit`."""
    in_unit = {"effect", "ci_low", "ci_high", "shrunken_effect", "delta"}
    for name in NAMES:
        for field in fields(Row):
            a, b = getattr(one.row(name), field.name), getattr(two.row(name), field.name)
            if field.name in in_unit and a is not None:
                assert b == pytest.approx(a * unit, rel=1e-7, abs=1e-9 * unit), field.name
            elif field.name not in {"effect_relative", "value_per_hour"} and isinstance(a, float):
                assert b == pytest.approx(a, rel=1e-7, abs=1e-10), field.name
            elif field.name not in {"effect_relative", "value_per_hour"}:
                assert b == a, field.name


# --- what must not matter -------------------------------------------------------------------


@given(st.permutations(range(5)), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_the_order_of_techniques_does_not_matter(order: list[int], seed: int) -> None:
    y = scores_of(seed=seed)
    turned = y[:, [0, *(i + 1 for i in order)]]
    one, two = table_of(y), table_of(turned, tuple(NAMES[i] for i in order))
    assert same_rows(one, two)
    assert one.rows == two.rows
    assert one == two


@given(st.floats(1e-3, 1e3), st.floats(-100, 100), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_unit_and_origin_of_the_metric_do_not_matter(unit: float, shift: float, seed: int) -> None:
    y = scores_of(seed=seed)
    close_rows(table_of(y), table_of(unit * y + shift, smallest_gain=unit), unit=unit)


def test_direction_is_a_sign() -> None:
    y = scores_of()
    close_rows(table_of(y), table_of(-y, direction="minimize"))


def test_a_default_delta_moves_with_the_unit() -> None:
    y = scores_of()
    close_rows(table_of(y, smallest_gain=None), table_of(7 * y + 3, smallest_gain=None), unit=7.0)


def test_seeds_run_ahead_of_the_next_look_do_not_matter() -> None:
    y = scores_of(effects=(0.8,) * 5, seed=3)[:7]
    at_look, ahead = table_of(y[:5]), table_of(y)
    assert len(at_look.looks) == 2
    assert {row.verdict for row in at_look.rows} >= {None}
    assert same_rows(at_look, ahead)


def test_seeds_after_the_end_of_an_arm_do_not_matter() -> None:
    y = scores_of()
    changed = y.copy()
    settled = table_of(y).row("sam")
    assert settled.n_seeds == 3
    changed[3:, 5] = 1e6
    assert same_rows(table_of(y), table_of(changed))


def test_global_random_state_does_not_matter() -> None:
    y = scores_of()
    one = table_of(y)
    np.random.seed(1)  # noqa: NPY002 - the point of the test
    assert table_of(y) == one


def test_the_generator_moves_rank_intervals_only() -> None:
    y = scores_of()
    registration = Registration(tuple(Arm(name) for name in NAMES), smallest_gain=1.0)
    replicates = Replicates(("base", *NAMES), y, np.zeros(y.shape, bool))
    one, two = (
        rank_table(registration, replicates, rng=np.random.default_rng(seed)) for seed in (1, 2)
    )
    blank: dict[str, Any] = {"p_top3": None, "rank_low": None, "rank_high": None, "group": None}
    assert [replace(row, **blank) for row in one.rows] == [
        replace(row, **blank) for row in two.rows
    ]
    assert [row.p_top3 for row in one.rows] == pytest.approx(
        [row.p_top3 for row in two.rows], abs=0.06
    )


# --- K --------------------------------------------------------------------------------------


def test_a_technique_dropped_from_the_file_keeps_its_place_in_k() -> None:
    y = scores_of()
    full = table_of(y)
    arms = tuple(Arm(name, withdrawn=name == "sam") for name in NAMES)
    dropped = table_of(y, arms=arms)
    for name in NAMES[:4]:
        assert dropped.row(name) == full.row(name)
    assert dropped.row("sam").verdict is full.row("sam").verdict
    assert dropped.row("sam").flags == ("withdrawn",)
    assert dropped.n_registered == 5


def test_a_withdrawn_technique_without_runs_counts_and_holds_nobody_up() -> None:
    y = scores_of()
    arms = (*(Arm(name) for name in NAMES), Arm("gone", withdrawn=True))
    table = table_of(y, arms=arms)
    assert table.status == "final"
    assert table.n_registered == 6
    assert table.row("gone").verdict is Verdict.NOT_MEASURED
    assert table.row("focal").p_adjusted == pytest.approx(6 * table.row("focal").q_value)


def test_techniques_of_which_only_the_count_is_left_count() -> None:
    y = scores_of()
    table = table_of(y, also_registered=4)
    assert table.row("focal").p_adjusted == pytest.approx(9 * table.row("focal").q_value)


def test_planned_techniques_are_listed_outside_k() -> None:
    arms = (*(Arm(name) for name in NAMES), Arm("some day", planned=True))
    table = table_of(scores_of(), arms=arms)
    assert table.n_registered == 5
    assert table.rows[-1].verdict is Verdict.NOT_MEASURED
    assert table.rows[-1].flags == ("planned",)
    assert len(table.rows) == 6


def test_runs_that_cannot_be_compared_count_but_say_nothing() -> None:
    arms = (*(Arm(name) for name in NAMES), Arm("odd", not_comparable="other split"))
    row = table_of(scores_of(), arms=arms).row("odd")
    assert row.verdict is Verdict.NOT_COMPARABLE
    assert row.note == "other split"
    assert (row.rank, row.effect, row.q_value) == (None, None, None)


# --- verdicts of the study as a whole -------------------------------------------------------


def test_a_seed_that_does_not_reach_the_trainable_is_refused() -> None:
    y = scores_of()
    y[:, 0] = 0.5
    table = table_of(y)
    assert {row.verdict for row in table.rows} == {Verdict.DEGENERATE}
    assert "seed does not reach" in table.refusal
    row = table.row("focal")
    assert row.effect == pytest.approx((y[:, 1] - 0.5).mean())
    assert (row.q_value, row.p_adjusted, row.ci_low, row.rank) == (None, None, None, None)
    assert table.needs == ()


def test_equal_final_scores_are_no_refusal_when_the_curves_differ() -> None:
    y = scores_of()
    y[:, 0] = 0.5
    assert table_of(y, curves_vary=True).refusal is None


def test_degenerate_waits_for_the_first_look() -> None:
    y = scores_of()
    y[:, 0] = 0.5
    table = table_of(y[:3], looks=(5, 10, 20, 40))
    assert table.refusal is None
    assert table_of(y[:3], looks=(5, 10, 20, 40), table={"no_more_runs": True}).refusal


def test_degenerate_comes_before_no_effect() -> None:
    table = table_of(np.full((3, 6), 0.5))
    assert {row.verdict for row in table.rows} == {Verdict.DEGENERATE}


def test_a_failing_baseline_refuses_the_study() -> None:
    y = scores_of()
    failed = np.zeros(y.shape, bool)
    failed[:3, 0] = True
    table = table_of(y, failed=failed)
    assert {row.verdict for row in table.rows} == {Verdict.NOT_COMPARABLE}
    assert "3 of 3 baseline runs failed" in table.refusal
    assert table.status == "final"
    assert {row.rank for row in table.rows} == {None}


def test_one_failed_baseline_run_only_delays() -> None:
    y = scores_of()
    failed = np.zeros(y.shape, bool)
    failed[1, 0] = True
    early = table_of(y[:3], failed=failed[:3])
    assert early.refusal is None
    assert {row.verdict for row in early.rows} == {None}
    final = table_of(y, failed=failed)
    assert final.row("focal").verdict is Verdict.ADOPT
    assert final.row("sam").verdict is Verdict.HARMFUL
    assert final.row("focal").n_failed == 0
    assert final.baseline_failed == 1


# --- rows -----------------------------------------------------------------------------------


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


def test_rows_carry_costs_and_gaps() -> None:
    y = scores_of()
    wall = np.ones(y.shape)
    wall[:, 1] = 1.5
    memory = np.full(y.shape, np.nan)
    validation = y.copy()
    validation[:, 2] += 3.0 + np.random.default_rng(0).normal(0, 0.1, 20)
    table = table_of(y, table={"measured": Measurements(wall, memory, validation)})
    focal, swa = table.row("focal"), table.row("swa")
    assert focal.compute.estimate == pytest.approx(1.5)
    assert focal.memory is None
    assert focal.value_per_compute == pytest.approx(focal.shrunken_effect / 0.5)
    assert focal.value_per_hour == pytest.approx(focal.shrunken_effect / 4.0)
    assert (focal.compute_rank, swa.compute_rank) == (2, 1)  # swa costs nothing extra
    assert "no_extra_compute" in swa.flags
    assert focal.pareto
    assert swa.pareto
    assert "val_up_test_not" in swa.flags
    assert "val_up_test_not" not in focal.flags
    assert table.row("sam").value_per_hour is None


def test_the_gap_leaves_failed_pairs_out() -> None:
    y = scores_of()
    failed = np.zeros(y.shape, bool)
    failed[0, 1] = True
    measured = Measurements(validation=y + 0.25 * np.arange(6))
    row = table_of(y, failed=failed, table={"measured": measured}).row("focal")
    assert row.gap.estimate == pytest.approx(0.25)
    assert row.gap.high - row.gap.low == pytest.approx(0.0, abs=1e-12)


def test_a_free_win_is_flagged() -> None:
    rng = np.random.default_rng(2)
    y = scores_of(effects=(0.0,) * 5)
    wall = np.exp(rng.normal(0, 0.05, y.shape))
    wall[:, 1] *= 0.5
    arms = tuple(Arm(name, as_good_but_cheaper=name == "focal") for name in NAMES)
    table = table_of(y, arms=arms, table={"measured": Measurements(wall_s=wall)})
    assert "free_win" in table.row("focal").flags
    assert all("free_win" not in table.row(name).flags for name in NAMES[1:])


def test_levels_are_one_row_with_a_curve() -> None:
    rng = np.random.default_rng(4)
    base = rng.normal(size=(20, 1))
    effects = [0.0, 2.5, 0.3, 0.0, 0.1, -0.1]
    y = np.column_stack([base, base + effects + rng.normal(0, 0.7, (20, 6))])
    arms = (
        Arm("gamma", levels=("gamma=1", "gamma=2", "gamma=3")),
        *(Arm(name) for name in NAMES[:3]),
    )
    table = table_of(y, arms=arms, looks=(10, 20))
    row = table.row("gamma")
    assert table.n_registered == 4
    assert len(table.rows) == 4
    assert row.level == "gamma=2"
    assert row.verdict is Verdict.ADOPT
    assert row.response.levels == ("gamma=1", "gamma=2", "gamma=3")
    assert row.response.best == "gamma=2"
    middle = row.response.effects[1]
    assert (middle.low, middle.high) == (row.ci_low, row.ci_high)


def test_an_ensemble_counts_blocks() -> None:
    rng = np.random.default_rng(5)
    y = np.full((20, 2), np.nan)
    y[:, 0] = rng.normal(size=20)
    y[3::4, 1] = y[:, 0].reshape(-1, 4).mean(axis=1) + 2.0 + rng.normal(0, 0.1, 5)
    arms = (Arm("ensemble of 4", block=4),)
    row = table_of(y, arms=arms).row("ensemble of 4")
    assert row.verdict is Verdict.ADOPT
    assert row.n_seeds == 3  # three blocks, at the look of 12 seeds
    assert row.compute.estimate == 4.0
    start = table_of(y[:3], arms=arms)
    assert dict(start.needs) == {"ensemble of 4": 5}


def test_an_ensemble_holds_nobody_up() -> None:
    y = scores_of(effects=(0.7, 0.7, 0.7, 0.7, 0.7))[:5]
    wide = np.column_stack([y, np.full(5, np.nan)])
    arms = (*(Arm(name) for name in NAMES), Arm("vote", block=8))
    table = table_of(wide, arms=arms)
    assert len(table.looks) == 2
    assert dict(table.needs)["vote"] == 8


def test_what_the_design_can_see_is_part_of_the_table() -> None:
    table = table_of(scores_of())
    assert [x.n_seeds for x in table.detectable] == [3, 5, 8, 12, 20]
    assert table.sd_over_sigma == pytest.approx(table.sd_difference / table.sigma_b)
    assert -1 <= table.rho_hat <= 1

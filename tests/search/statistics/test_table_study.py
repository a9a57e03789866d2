"""What holds for a table as a whole: how many techniques count, and when all are refused."""

import numpy as np
import pytest

from search.statistics import Arm, Verdict
from tests.search.statistics.tables import NAMES, scores_of, table_of

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

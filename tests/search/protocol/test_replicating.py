"""Measured runs: paired, full length, unpruned, until an arm is settled."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from search.protocol.registering import Design
from search.statistics import Verdict
from tests.search.protocol.toys import (
    BAD,
    GOOD,
    USELESS,
    Sized,
    study,
    technique,
    train_fragile,
    train_shared,
    train_sized,
    train_unruly,
)

LOOKS = Design(looks=(3, 5), tuning="none", stack=False)
ONE_LOOK = Design(looks=(3,), tuning="none", stack=False)


@pytest.fixture(scope="class")
def paired(finished):
    """A good, a useless and a bad technique."""
    finished.run(study(GOOD, USELESS, BAD), LOOKS)
    return finished


class TestPairs:
    def test_every_arm_runs_on_the_first_seeds_of_one_list(self, paired):
        priority = paired.priority()
        for arm in ("baseline", "A", "B", "C"):
            seeds = [seed for column, seed in priority.measured.runs if column == arm]
            assert sorted(seeds) == sorted(priority.seeds[: len(seeds)])

    def test_settled_arms_get_no_further_seeds(self, paired):
        table = paired.priority().table
        assert table.row("A").verdict == Verdict.ADOPT
        assert table.row("C").verdict == Verdict.HARMFUL
        assert {arm: paired.runs(arm) for arm in "AC"} == {"A": 3, "C": 3}

    def test_the_baseline_runs_as_long_as_anyone_is_undecided(self, paired):
        rows = paired.priority().table.rows
        assert paired.runs("baseline") == max(row.n_seeds for row in rows)

    def test_runs_have_full_length_and_a_number_of_their_own(self, paired):
        trials = paired.series("replicate").trials
        assert all(len(trial.steps) == 3 and trial.outcome == "complete" for trial in trials)
        pairs = Counter((trial.asked.arm, trial.asked.seed) for trial in trials)
        assert set(pairs.values()) == {1}

    def test_effects_are_the_planted_ones(self, paired):
        table = paired.priority().table
        for name, gain in (("A", 1.0), ("B", 0.0), ("C", -1.0)):
            assert table.row(name).effect == pytest.approx(gain, abs=0.3)

    def test_the_determinism_check_stands_outside_the_rows(self, paired):
        assert paired.runs(kind="aa") == 1
        (again,) = paired.series("aa").trials
        assert (again.asked.arm, again.asked.seed) == ("baseline", paired.priority().seeds[0])
        found = json.loads(paired.finished_table())
        assert found["aa"]["identical"] is True
        assert found["aa"]["largest_difference"] == 0.0
        assert [row["technique"] for row in found["rows"]] == ["A", "B", "C"]
        assert found["runs_used"] == paired.runs()


def test_a_trainable_that_its_seed_does_not_drive_is_found_out(laboratory):
    laboratory.run(study(GOOD, trainable=train_unruly), ONE_LOOK)
    found = json.loads(laboratory.finished_table())["aa"]
    assert found["identical"] is False
    assert found["metric"] == "test_score"


def test_a_seed_that_does_not_reach_the_trainable_gets_no_verdict_but_degenerate(laboratory):
    laboratory.run(study(GOOD, USELESS, trainable=train_shared), LOOKS)
    table = laboratory.priority().table
    assert {row.verdict for row in table.rows} == {Verdict.DEGENERATE}
    assert all(row.q_value is None and row.ci_low is None for row in table.rows)
    assert "the seed does not reach the trainable" in str(table.refusal)
    assert laboratory.runs("baseline") == 3  # no further look


# -- arms that fail -----------------------------------------------------------------------------


def test_an_arm_whose_first_runs_raise_the_same_is_paused_and_not_scored(laboratory):
    laboratory.run(study(technique("Bug", on={"raises": True}), GOOD, USELESS), LOOKS)
    report = laboratory.report()
    line = report.line("Bug")
    assert laboratory.runs("Bug") == 3
    assert line.bug == "ValueError: the toy is broken"
    assert (line.verdict, line.row.rank, line.row.effect) == (Verdict.NOT_MEASURED, None, None)
    assert "bug" in line.flags
    assert "mend and rerun" in line.detail
    assert report.table.n_registered == 3
    assert report.line("A").verdict == Verdict.ADOPT
    assert report.table.status == "final"


def test_a_run_that_raised_is_tried_once_more_with_the_same_seed(laboratory, trained):
    laboratory.run(study(technique("Bug", on={"raises": True}), GOOD), ONE_LOOK)
    broken = Counter(seed for config, seed in trained if "raises=True" in config)
    assert set(broken.values()) == {2}
    assert set(broken) == set(laboratory.priority().seeds)
    for trial in laboratory.series("replicate").trials:
        if trial.asked.arm == "Bug":
            assert [attempt.end for attempt in trial.attempts] == ["raised", "raised"]


def test_a_baseline_that_fails_refuses_the_study_with_the_reason(laboratory):
    laboratory.run(study(GOOD, BAD, trainable=train_fragile), Design(looks=(5,), tuning="none"))
    failed = sum(t.outcome == "failed" for t in laboratory.series("replicate").trials)
    assert failed > 0
    report = laboratory.report()
    assert {line.verdict for line in report.lines} == {Verdict.NOT_COMPARABLE}
    assert all("baseline runs failed" in line.detail for line in report.lines)
    found = json.loads(laboratory.finished_table())
    assert all(row["rank"] is None and row["q_value"] is None for row in found["rows"])


# -- levels -------------------------------------------------------------------------------------


def test_levels_are_columns_of_one_row_and_the_best_is_named(laboratory):
    wide = technique("Wide", on={}, levels={"size": [2, 3, 5]})
    laboratory.run(study(wide, USELESS, config=Sized(), trainable=train_sized), LOOKS)
    table = laboratory.priority().table
    row = table.row("Wide")
    assert table.n_registered == 2
    assert row.verdict == Verdict.ADOPT
    assert row.level == "Wide [size=5]"
    assert row.response is not None
    assert row.response.best == "Wide [size=5]"
    assert not row.response.flat
    effects = [interval.estimate for interval in row.response.effects]
    assert effects == pytest.approx([0.3, 0.6, 1.2], abs=0.25)
    counts = {laboratory.runs(f"Wide [size={size}]") for size in (2, 3, 5)}
    assert counts == {row.n_seeds}


def test_levels_that_change_nothing_are_flat(laboratory):
    flat = technique("Flat", on={}, levels={"b": [1e-12, 2e-12, 3e-12]})
    laboratory.run(study(flat, GOOD), LOOKS)
    row = laboratory.priority().table.row("Flat")
    assert row.verdict in (Verdict.REJECT, Verdict.INCONCLUSIVE)
    assert row.response is not None
    assert row.response.flat
    assert row.response.best is None


def test_a_level_that_always_raises_is_not_the_best(laboratory):
    wide = technique("Wide", on={"a": 1.0}, levels={"raises": [False, True]})
    laboratory.run(study(wide, USELESS), LOOKS)
    row = laboratory.priority().table.row("Wide")
    assert row.level == "Wide [raises=False]"
    assert row.effect == pytest.approx(1.0, abs=0.3)


def test_a_planned_technique_is_listed_and_never_run(laboratory):
    later = technique("B", status="planned")
    laboratory.run(study(GOOD, later), ONE_LOOK)
    table = laboratory.priority().table
    assert laboratory.runs("B") == 0
    assert (table.n_registered, table.row("B").verdict) == (1, Verdict.NOT_MEASURED)

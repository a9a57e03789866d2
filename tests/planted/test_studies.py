"""One study of each kind through the whole protocol: what is sure must come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from search.protocol.registering import draw_seeds
from search.reports.priority_json import as_json
from search.statistics import Verdict
from tests.planted.kinds import KINDS, Kind
from tests.planted.world import crashes

BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_what_is_sure_comes_out(tell: Any, kind: Kind) -> None:
    table = tell(kind).outcome.priority.table
    assert table.status == "final"
    assert table.n_registered == len(kind.techniques)
    for name, planted in kind.planted.items():
        assert table.row(name).verdict in planted.sure, name
    looked = {row.n_seeds for row in table.rows if row.q_value is not None}
    assert looked <= set(kind.looks)


class TestInteractions:
    @pytest.mark.parametrize(("name", "gain"), [("redundant", 3.0), ("synergic", 8.0)])
    def test_the_stack_is_measured_and_not_added_up(
        self, tell: Any, name: str, gain: float
    ) -> None:
        stack = as_json(tell(BY_NAME[name]).report)["stack"]
        assert stack["status"] == "measured"
        # three or more seeds, sd of the difference .1
        assert stack["gain"]["estimate"] == pytest.approx(gain, abs=0.5)
        assert stack["sum_of_singles"]["estimate"] == pytest.approx(6.0, abs=0.5)
        excess = stack["excess"]
        assert excess["high"] < 0 if gain < 6 else excess["low"] > 0
        assert {part["redundant"] for part in stack["parts"]} == {gain < 6}
        pairs = [sorted(pair) for pair in stack["redundant_pairs"]]
        assert pairs == ([["t1", "t2"]] if gain < 6 else [])


def test_pruning_spares_the_runs_that_count(tell: Any) -> None:
    told = tell(BY_NAME["late bloomer"])
    assert {trial.outcome for trial in told.series("replicate").trials} == {"complete"}
    assert all(len(trial.steps) == 4 for trial in told.series("replicate").trials)
    row = told.outcome.priority.table.row("t1")
    assert row.effect == pytest.approx(3.0, abs=0.5)


def test_crashes_are_counted_charged_and_never_adopted_when_frequent(tell: Any) -> None:
    kind = BY_NAME["crashes"]
    table = tell(kind).outcome.priority.table
    row = table.row("t1")
    config = kind.config.__class__(t1=kind.techniques[0].part())
    seeds = draw_seeds(0, "", kind.looks[-1])[: row.n_seeds]
    assert row.n_failed == sum(crashes(config, seed) for seed in seeds)
    assert row.n_failed > 0
    if row.n_failed > 0.1 * row.n_seeds:
        assert row.verdict != Verdict.ADOPT
    assert row.failure_low < 0.5 < row.failure_high
    assert row.effect is not None
    assert row.effect < 3.0 + 5 / row.n_seeds**0.5


def test_an_arm_that_always_raises_is_paused_and_leaves_the_others_alone(tell: Any) -> None:
    report = tell(BY_NAME["always raises"]).report
    assert "out of memory" in report.line("t1").bug
    assert report.line("t1").row.n_seeds <= 3
    assert report.line("t1").row.rank is None


def test_what_helps_on_validation_alone_is_not_taken_for_a_gain(tell: Any) -> None:
    row = tell(BY_NAME["only on validation"]).outcome.priority.table.row("t1")
    assert row.gap is not None
    assert row.gap.estimate == pytest.approx(3.0, abs=0.5)
    assert row.effect == pytest.approx(0.0, abs=0.5)
    assert row.worth_it is None or row.worth_it.value != "proven"
    assert "val_up_test_not" in row.flags


def test_a_seed_that_changes_nothing_gets_no_numbers(tell: Any) -> None:
    table = tell(BY_NAME["deaf to its seed"]).outcome.priority.table
    assert table.refusal is not None
    assert all(row.q_value is None and row.ci_low is None for row in table.rows)
    assert table.runs_used == 9  # nothing was run after the first look


def test_the_peak_of_the_levels_is_named(tell: Any) -> None:
    row = tell(BY_NAME["levels with a peak"]).outcome.priority.table.row("t1")
    assert row.level == "t1 [t1.level=3]"
    assert row.response is not None
    assert row.response.best == "t1 [t1.level=3]"
    assert [e.estimate for e in row.response.effects] == pytest.approx([0.0, 2.0, 0.0], abs=0.5)


def test_the_tuned_knob_is_the_one_that_is_measured(tell: Any) -> None:
    told = tell(BY_NAME["bad default, good when tuned"])
    runs = told.outcome.priority.measured.runs
    knobs = {r.asked.configuration["t1.knob"] for (arm, _), r in runs.items() if arm == "t1"}
    assert len(knobs) == 1
    assert knobs.pop() == pytest.approx(0.7, abs=0.25)

"""Interruptions, deadlines and repetitions: the finished table does not know of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from search.protocol.registering import Design
from search.space import Float
from search.statistics import Verdict
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.records import Result, Step
from tests.search.protocol.conftest import Killed
from tests.search.protocol.toys import BAD, GOOD, NUISANCE, USELESS, study, technique, train_slowly

LOOKS = Design(looks=(3, 5), tuning="none", stack=False)
OTHER = technique("D", 0.8)


@pytest.mark.parametrize("events", [pytest.param(5, marks=pytest.mark.slow), 7])
def test_killed_again_and_again_it_finishes_the_same(laboratories, events):
    """Every few events the driver dies, so that each kind of event is somewhere the last one.

    A run of the toy is four events, and a generator begins anew: fewer would never end.
    """
    unbroken, broken = laboratories(), laboratories()
    design = replace(LOOKS, looks=(3,), stack=True)
    asked = study(GOOD, OTHER)
    unbroken.run(asked, design)
    drivers = 1
    while broken.interrupted(asked, design, events):
        drivers += 1
        assert drivers < 60
    assert drivers > 3
    assert broken.finished_table() == unbroken.finished_table()
    assert broken.runs() == unbroken.runs()
    trials = broken.series("replicate").trials
    assert set(Counter((t.asked.arm, t.asked.seed) for t in trials).values()) == {1}
    assert all([step.step for step in trial.steps] == [1, 2, 3] for trial in trials)


def in_measuring(events: int) -> Callable[[Any], None]:
    """Return a listener that interrupts at the n-th event after tuning has ended."""
    seen: list[int] = []

    def listen(stream: Any) -> None:
        if any(trials.study.endswith("/replicate") for trials in stream.stage):
            seen.append(1)
        if len(seen) >= events:
            raise Killed

    return listen


@pytest.mark.parametrize("events", [pytest.param(5, marks=pytest.mark.slow), 9])
def test_with_finished_tuning_it_finishes_the_same(laboratories, events):
    unbroken, broken = laboratories(), laboratories()
    knob = technique("A", 1.0, domains={"knob": Float(0.0, 1.0)})
    asked = study(knob, domains=NUISANCE)
    design = Design(looks=(3,), tuning="once", trials=3, stack=False)
    unbroken.run(asked, design)
    drivers = 0
    while True:
        try:
            broken.run(asked, design, listener=in_measuring(events))
        except Killed:
            drivers += 1
            assert drivers < 100
        else:
            break
    assert drivers >= 2
    assert broken.finished_table() == unbroken.finished_table()


def test_a_finished_study_runs_nothing_more(laboratory, trained):
    laboratory.run(study(GOOD, USELESS), LOOKS)
    before, n_runs = laboratory.finished_table(), len(trained)
    outcome = laboratory.run(study(GOOD, USELESS), LOOKS)
    assert outcome.ended_by is None
    assert len(trained) == n_runs
    assert laboratory.finished_table() == before


def test_between_looks_the_table_is_provisional(laboratory):
    assert laboratory.interrupted(study(GOOD, USELESS), LOOKS, events=20)
    found = json.loads(laboratory.finished_table())
    assert found["status"] == "provisional"
    assert {row["verdict"] for row in found["rows"]} == {None}
    assert found["registration"]["looks_taken"] == []


def test_a_look_that_was_taken_stands(laboratory):
    assert laboratory.interrupted(study(GOOD, USELESS), LOOKS, events=45)
    taken = laboratory.priority().table.looks
    assert [look.n_seeds for look in taken] == [3]
    laboratory.run(study(GOOD, USELESS), LOOKS)
    looks = laboratory.priority().table.looks
    assert [look.n_seeds for look in looks] == [3, 5]
    assert looks[0].sigma_b == taken[0].sigma_b
    assert looks[0].columns == taken[0].columns


# -- submitted twice ----------------------------------------------------------------------------


def submit_again(laboratory: Any, arm: str, shift: float) -> None:
    """Store a further finished run of an arm's first seed, as a second driver would have."""
    series = laboratory.series("replicate")
    run = next(trial for trial in series.trials if trial.asked.arm == arm)
    database = Database(laboratory.options.storage)
    directions = [goal.direction for goal in series.objectives]
    again = Series(database, series.study, "replicate", directions, series.specification)
    number = again.ask(run.asked, {"arm": arm, "seed": run.asked.seed})
    steps = [
        Step(s.step, {k: v + shift for k, v in s.metrics.items()}, s.elapsed_s, s.finished)
        for s in run.steps
    ]
    value = steps[-1].metrics["val_score"]
    result = Result("complete", (value,), steps[-1].step, None, steps[-1].finished)
    again.record(number, 0, steps, result=result)
    again.tell(number, result, {"outcome": "complete"})
    database.close()


def test_a_run_submitted_twice_counts_once(laboratory, trained):
    laboratory.run(study(GOOD, USELESS), LOOKS)
    before, n_runs = laboratory.finished_table(), len(trained)
    for arm in ("baseline", "A"):
        submit_again(laboratory, arm, 0.0)
    laboratory.run(study(GOOD, USELESS), LOOKS)
    assert len(trained) == n_runs
    assert laboratory.finished_table() == before


def test_of_two_results_of_a_run_the_first_one_counts(laboratory):
    """A look may have been taken on it."""
    laboratory.run(study(GOOD, USELESS), LOOKS)
    before = laboratory.finished_table()
    submit_again(laboratory, "A", -5.0)
    assert laboratory.finished_table() == before


# -- deadlines ----------------------------------------------------------------------------------


def test_a_deadline_ends_with_a_look_that_was_taken_whole(laboratory):
    design = Design(looks=(3, 600), tuning="none", stack=True)
    asked = study(technique("A", 0.05), smallest_gain=0.01, trainable=train_slowly)
    outcome = laboratory.run(asked, design, hours=20.0 / 3600)
    assert outcome.ended_by is not None
    assert "deadline" in outcome.ended_by
    assert [look.n_seeds for look in outcome.priority.table.looks] == [3]
    assert {laboratory.runs(arm) for arm in ("baseline", "A")} == {3}
    found = json.loads(laboratory.finished_table(no_more_runs=True))
    assert found["status"] == "final"
    for row in found["rows"]:
        assert (row["verdict"], row["n_seeds"]) == ("inconclusive", 3)
        assert "stopped_early" in row["flags"]


def test_a_deadline_before_the_first_look_claims_nothing(laboratory, trained):
    outcome = laboratory.run(study(GOOD, USELESS), LOOKS, hours=1e-9)
    assert outcome.ended_by is not None
    assert not trained
    assert {row.verdict for row in outcome.priority.table.rows} == {Verdict.NOT_MEASURED}


def test_a_run_that_a_deadline_cuts_is_gone_on_with(laboratory):
    asked = study(GOOD, trainable=train_slowly)
    outcome = laboratory.run(asked, LOOKS, hours=0.3 / 3600)
    assert "time limit" in outcome.ended_by
    assert laboratory.run(asked, LOOKS).ended_by is None
    assert laboratory.runs("A") >= 3


def test_after_a_deadline_the_same_command_goes_on(laboratories):
    unbroken, late = laboratories(), laboratories()
    asked = study(GOOD, USELESS, BAD)
    unbroken.run(asked, LOOKS)
    late.run(asked, LOOKS, hours=1e-9)
    assert late.runs() < unbroken.runs()
    late.run(asked, LOOKS)
    assert late.finished_table() == unbroken.finished_table()


def test_a_deadline_far_away_changes_nothing(laboratories):
    free, timed = laboratories(), laboratories()
    free.run(study(GOOD, USELESS), LOOKS)
    outcome = timed.run(study(GOOD, USELESS), LOOKS, hours=5.0)
    assert outcome.ended_by is None
    assert timed.finished_table() == free.finished_table()
    assert outcome.priority.table.row("A").verdict == Verdict.ADOPT

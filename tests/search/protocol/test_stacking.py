"""The stack: adopted techniques together, and each left out."""

from __future__ import annotations

import json

import pytest

from search.protocol.registering import Design
from search.protocol.stacking import stack_arms, stack_name
from search.reports import render
from search.statistics import Membership, Verdict
from tests.search.protocol.toys import BAD, GOOD, USELESS, study, technique

STACKED = Design(looks=(3, 5), tuning="none", stack=True)
ALONE = Design(looks=(3, 5), tuning="none", stack=False)
SECOND, THIRD = technique("B", 1.5), technique("C", 2.0)


def stacked(laboratory):
    return json.loads(laboratory.finished_table())["stack"]


def test_names_and_arms():
    settings = {"A": {"a": 1.0}, "B": {"b": 1.5}, "C": {"c": 2.0}}
    assert stack_name(()) == "baseline"
    assert stack_arms(Membership(("A", "B"), ()), settings) == {"A + B": {"a": 1.0, "b": 1.5}}
    three = Membership(("A", "B", "C"), ())
    assert set(stack_arms(three, settings)) == {"A + B + C", "B + C", "A + C", "A + B"}
    needed = Membership(("A", "B", "C"), (), {"A": ("C",)})  # without A there is B alone
    assert set(stack_arms(needed, settings)) == {"A + B + C", "A + C", "A + B"}


def test_what_needs_a_member_goes_with_it(laboratory):
    needing = technique("B", 1.5, requires="A")
    laboratory.run(study(GOOD, needing, THIRD), STACKED)
    arms = {trial.asked.arm for trial in laboratory.series("stack").trials}
    full = next(arm for arm in arms if arm.count("+") == 2)
    assert arms == {full, *(name for name in arms if name.count("+") == 1)}
    assert len(arms) == 3
    parts = {part["technique"]: part for part in stacked(laboratory)["parts"]}
    assert parts["A"]["in_stack"]["estimate"] == pytest.approx(2.5, abs=0.3)  # its own, and B's
    assert parts["B"]["in_stack"]["estimate"] == pytest.approx(1.5, abs=0.3)
    assert "Without A, what needs it is out, too: B." in render(laboratory.report(), "markdown")


def test_a_member_that_all_others_need_is_judged_against_the_baseline(laboratory):
    laboratory.run(study(GOOD, technique("B", 1.5, requires="A")), STACKED)
    parts = {part["technique"]: part for part in stacked(laboratory)["parts"]}
    assert parts["A"]["in_stack"]["estimate"] == pytest.approx(2.5, abs=0.3)


def test_with_two_members_the_singles_are_reused(laboratory):
    laboratory.run(study(GOOD, SECOND, BAD), STACKED)
    assert {trial.asked.arm for trial in laboratory.series("stack").trials} == {"B + A"}
    found = stacked(laboratory)
    assert found["status"] == "measured"
    assert found["members"] == ["B", "A"]
    assert found["gain"]["estimate"] == pytest.approx(2.5, abs=0.3)
    assert found["sum_of_singles"]["estimate"] == pytest.approx(2.5, abs=0.3)
    for trial in laboratory.series("stack").trials:
        assert trial.asked.configuration["a"] == 1.0
        assert trial.asked.configuration["b"] == 1.5
        assert trial.asked.configuration["c"] == 0.0
    parts = {part["technique"]: part for part in found["parts"]}
    assert parts["A"]["in_stack"]["estimate"] == pytest.approx(1.0, abs=0.3)
    assert parts["B"]["in_stack"]["estimate"] == pytest.approx(1.5, abs=0.3)


def test_with_three_members_each_is_left_out(laboratory):
    laboratory.run(study(GOOD, SECOND, THIRD), STACKED)
    arms = {trial.asked.arm for trial in laboratory.series("stack").trials}
    assert arms == {"C + B + A", "B + A", "C + A", "C + B"}
    found = stacked(laboratory)
    assert found["gain"]["estimate"] == pytest.approx(4.5, abs=0.4)
    assert {part["technique"] for part in found["parts"]} == {"A", "B", "C"}


def test_members_are_measured_on_the_same_seeds_and_their_rows_stay(laboratory):
    laboratory.run(study(GOOD, SECOND), ALONE)
    before = [json.dumps(row) for row in json.loads(laboratory.finished_table())["rows"]]
    laboratory.run(study(GOOD, SECOND), STACKED)
    assert [json.dumps(row) for row in json.loads(laboratory.finished_table())["rows"]] == before
    rows = laboratory.priority().table.rows
    most = max(row.n_seeds for row in rows)
    seeds = {trial.asked.seed for trial in laboratory.series("stack").trials}
    assert seeds == set(laboratory.priority().seeds[:most])
    assert {laboratory.runs(arm) for arm in ("baseline", "A", "B")} == {most}


def test_no_stack_measures_none(laboratory):
    laboratory.run(study(GOOD, SECOND), ALONE)
    assert "stack" not in laboratory.kinds()
    assert stacked(laboratory)["status"] == "not_applicable"


def test_a_stack_that_is_asked_for_later_is_measured_and_reported(laboratory, trained):
    laboratory.run(study(GOOD, SECOND), ALONE)
    n_runs = len(trained)
    laboratory.run(study(GOOD, SECOND), STACKED)
    assert all("a=1.0, b=1.5" in config for config, _ in trained[n_runs:])
    assert stacked(laboratory)["status"] == "measured"


def test_one_adopted_technique_makes_no_stack(laboratory):
    laboratory.run(study(GOOD, USELESS), STACKED)
    assert laboratory.priority().table.row("A").verdict == Verdict.ADOPT
    assert "stack" not in laboratory.kinds()
    assert stacked(laboratory)["status"] == "not_applicable"


def test_of_two_that_exclude_each_other_the_stronger_enters(laboratory):
    weak, strong = technique("Weak", on={"a": 1.0}), technique("Strong", on={"a": 2.0})
    laboratory.run(study(weak, strong, SECOND), STACKED)
    found = stacked(laboratory)
    assert sorted(found["members"]) == ["B", "Strong"]
    assert found["left_out"] == [{"technique": "Weak", "excluded_by": "Strong"}]


def test_the_stack_stands_outside_the_family(laboratory):
    laboratory.run(study(GOOD, SECOND), STACKED)
    found = json.loads(laboratory.finished_table())
    assert found["registration"]["techniques_registered"] == 2
    assert [row["technique"] for row in found["rows"]] == ["B", "A"]

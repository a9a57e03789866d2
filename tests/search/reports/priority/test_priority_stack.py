"""Stacks of two and three, and why there is none."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from search.reports import priority_report, render
from search.reports.priority_facts import stack_lines

GAINS = {"A": 0.05, "B": 0.04, "C": 0.03}


@pytest.fixture
def planted(plant: Any, entry: Any, scores: Any) -> Any:
    """Three techniques whose gains are adopted at the first look, and nothing stacked yet."""
    baseline, better, _ = scores

    def make(**changes: Any) -> Any:
        planter = plant(*(entry(name, **changes.get(name, {})) for name in GAINS))
        planter.arm("baseline", baseline(12)[:6])
        for i, (name, gain) in enumerate(GAINS.items()):
            planter.arm(name, better(12, gain, i + 1)[:6])
        return planter

    return make


def test_it_waits_for_its_runs(planted: Any) -> None:
    report = priority_report(planted().database, "demo")
    assert report.stack.status == "pending"
    assert report.stack.members == ("A", "B", "C")
    assert json.loads(render(report, "json"))["stack"]["gain"]["estimate"] is None


def test_three_members_are_each_left_out(planted: Any, scores: Any) -> None:
    _, better, _ = scores
    planter = planted()
    stacked = {"A + B + C": 0.08, "B + C": 0.06, "A + C": 0.05, "A + B": 0.0795}
    for i, (arm, gain) in enumerate(stacked.items()):
        planter.arm(arm, better(12, gain, 20 + i)[:6], kind="stack")
    report = priority_report(planter.database, "demo")
    judged = report.stack.judged
    assert judged is not None
    full, rest = (
        np.array(better(12, stacked[a], 20 + i)[:6]) for i, a in ((0, "A + B + C"), (3, "A + B"))
    )
    by_name = {member.name: member for member in judged.members}
    assert by_name["C"].in_stack.estimate == pytest.approx((full - rest).mean())
    assert by_name["C"].drop
    assert judged.gain.estimate < judged.sum_of_singles.estimate
    said = " ".join(stack_lines(report))
    assert "C adds less than its smallest gain to the others: leave it out." in said
    assert "outside its correction for multiplicity" in said


def test_of_two_that_exclude_each_other_the_larger_enters(planted: Any) -> None:
    planter = planted(A={"conflicts": ["B"]}, B={"conflicts": ["A"]})
    report = priority_report(planter.database, "demo")
    assert report.stack.members == ("A", "C")
    assert report.stack.left_out == (("B", "A"),)
    assert "B stays out of the stack: it excludes A" in " ".join(stack_lines(report))


def test_a_failed_run_of_the_stack_is_told(planted: Any, scores: Any) -> None:
    _, better, _ = scores
    planter = planted(C={"status": "planned"})
    planter.arm("A + B", [None, *better(12, 0.08, 5)[1:6]], kind="stack", reason="OSError: x")
    report = priority_report(planter.database, "demo")
    assert report.stack.n_failed == 1
    assert report.stack.judged is not None
    assert report.stack.judged.n_seeds == 5
    assert "flatter an arm that fails" in report.stack.note


def test_runs_made_with_other_code_do_not_count(planted: Any, scores: Any) -> None:
    _, better, _ = scores
    planter = planted()
    planter.arm("A + B + C", better(12, 0.08, 5)[:6], kind="stack", code="0ld")
    assert priority_report(planter.database, "demo").stack.status == "pending"


def test_one_adoption_needs_no_stack(plant: Any, entry: Any, scores: Any) -> None:
    baseline, better, _ = scores
    planter = plant(entry("A"))
    planter.arm("baseline", baseline(12))
    planter.arm("A", better(12, 0.05, 1))
    stack = priority_report(planter.database, "demo").stack
    assert stack.status == "not_applicable"
    assert "nothing to stack" in stack.note

from __future__ import annotations

import dataclasses
import math
import pickle
from typing import Any

import pytest

from search.errors import TechniqueError
from search.space import Float, Int
from search.technique import Effort, Impact, Technique

FOCAL = Technique("Focal loss", on={"loss": "focal"}, domains={"gamma": Float(0.0, 5.0)})


def fit(validation: Any) -> Any:
    return lambda predictions: predictions if validation is None else validation


def problems_of(*arguments: Any, **changes: Any) -> tuple[str, ...]:
    """Return the problems of a technique that is right but for these arguments."""
    with pytest.raises(TechniqueError) as caught:
        Technique(*(arguments or ("A",)), **({"on": {"a": True}} | changes))
    return caught.value.problems


def test_its_fields_and_their_defaults() -> None:
    assert FOCAL.expected_impact is Impact.NOT_STATED
    assert FOCAL.effort is Effort.NOT_STATED
    assert FOCAL.stage == "training"
    assert FOCAL.status == "implemented"
    assert FOCAL.searched
    given = Technique(
        "SWA",
        {"swa": True},
        {"start": Float(0.5, 0.9)},
        Impact.MEDIUM,
        Effort.LOW,
        "arXiv:1803.05407",
    )
    assert given.reference == "arXiv:1803.05407"
    assert Technique("B", {"b": 1}, requires="A", excludes=["C"]).requires == ("A",)


def test_it_cannot_be_changed_and_pickles() -> None:
    on: dict[str, Any] = {"loss": "focal"}
    technique = Technique("Focal loss", on=on, domains={"gamma": Float(0.0, 5.0)})
    on["loss"] = "bce"
    assert technique == FOCAL
    assert hash(technique) == hash(FOCAL)
    with pytest.raises(TypeError):
        technique.on["loss"] = "bce"  # type: ignore[index]  # that it fails is the point
    with pytest.raises(dataclasses.FrozenInstanceError):
        technique.name = "x"  # type: ignore[misc]  # likewise
    assert pickle.loads(pickle.dumps(FOCAL)) == FOCAL


def test_hours_stand_for_efforts() -> None:
    hours = {effort: effort.hours for effort in Effort}
    assert hours[Effort.LOW_MEDIUM] ** 2 == hours[Effort.LOW] * hours[Effort.MEDIUM]
    assert hours[Effort.MEDIUM_HIGH] ** 2 == hours[Effort.MEDIUM] * hours[Effort.HIGH]
    assert Technique("A", {"a": 1}, effort=Effort.HIGH).effort_in_hours == 16
    assert Technique("A", {"a": 1}, effort=Effort.HIGH, effort_hours=2.5).effort_in_hours == 2.5


def test_it_is_on_when_all_its_fields_say_so() -> None:
    both = Technique("Both", on={"a": True, "b": 2})
    assert both.is_on({"a": True, "b": 2, "c": 0})
    assert not both.is_on({"a": True, "b": 1})
    levels = Technique("Dropout", levels={"p": (0.1, 0.3)})
    assert levels.is_on({"p": 0.3})
    assert not levels.is_on({"p": 0.0})
    assert not Technique("T", stage="post-hoc", fit=fit).is_on({"a": 1})


def test_techniques_that_set_a_field_differently_exclude_each_other_without_being_told() -> None:
    ldam = Technique("LDAM", on={"loss": "ldam", "margin": 0.5})
    margin = Technique("Margin", on={"margin": 0.5})
    assert FOCAL.conflicts(ldam)
    assert ldam.conflicts(FOCAL)
    assert not ldam.conflicts(margin)
    told = Technique("Told", on={"x": 1}, excludes=["Margin"])
    assert told.conflicts(margin)
    assert margin.conflicts(told)


@pytest.mark.parametrize("name", ["Mixup + CutMix", "Paired rotation / flip (D4)", "λ→0, β=½"])
def test_names_are_what_people_write(name: str) -> None:
    assert Technique(name, on={"a": True}).name == name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "a technique needs a name, got ''"),
        (3, "a technique needs a name, got 3"),
        ("baseline", "technique 'baseline': this name is the baseline's"),
        (" A", "technique ' A': a name is one line without spaces around it, got ' A'"),
        ("A\nB", "technique 'A\nB': a name is one line without spaces around it, got 'A\\nB'"),
        ("x" * 201, f"technique '{'x' * 201}': a name has at most 200 characters, got 201"),
    ],
)
def test_names_that_no_table_can_hold_are_refused(name: Any, problem: str) -> None:
    assert problems_of(name) == (problem,)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"on": {}}, "technique 'A' switches nothing on: give on={...}"),
        ({"on": [("a", True)]}, "technique 'A': on takes {field: …}, got [('a', True)]"),
        ({"on": {"a": [1]}}, "technique 'A': 'a' cannot hold [1], which may change: "),
        ({"domains": Float(0, 1)}, "technique 'A': domains takes {field: …}, got FloatDist"),
        ({"requires": 3}, "technique 'A': requires takes names of techniques, got 3"),
        ({"excludes": [FOCAL]}, "technique 'A': excludes takes names of techniques, got [Tech"),
        ({"requires": ["A"]}, "technique 'A' cannot require or exclude itself"),
        (
            {"requires": ["B"], "excludes": ["B"]},
            "technique 'A' both requires and excludes 'B'",
        ),
        (
            {"expected_impact": "high"},
            "technique 'A': expected_impact takes Impact, got 'high'; did you mean Impact.HIGH?",
        ),
        ({"effort": Impact.LOW}, "technique 'A': effort takes Effort, got <Impact.LOW: 'Low'>"),
        ({"stage": "posthoc"}, "technique 'A': stage is 'training' or 'post-hoc', got 'posthoc'"),
        ({"status": "done"}, "technique 'A': status is 'implemented' or 'planned', got 'done'"),
        ({"fit": fit}, "technique 'A': fit=… is for stage='post-hoc'"),
        ({"members": 3}, "technique 'A': members=… is for stage='post-hoc'"),
        ({"voters": ["B"]}, "technique 'A': voters=… is for stage='post-hoc'"),
        ({"voters": 3}, "technique 'A': voters takes names of techniques, got 3"),
        (
            {"on": {}, "stage": "post-hoc", "members": 2, "voters": "B"},
            "technique 'A' has members=… and voters=…: either seeds vote, or techniques",
        ),
        ({"members": 0}, "technique 'A': members must be a whole number from 1, got 0"),
        ({"members": True}, "technique 'A': members must be a whole number from 1, got True"),
        (
            {"on": {}, "stage": "post-hoc"},
            "technique 'A': a post-hoc technique needs fit=…, a function, got None",
        ),
        (
            {"stage": "post-hoc", "fit": fit},
            "technique 'A': a post-hoc technique changes predictions, so it sets no field",
        ),
        (
            {"domains": {"a": Int(0, 1)}},
            "technique 'A' both sets 'a' and searches it; give the configuration a field",
        ),
        (
            {"levels": {"b": (1, 2)}, "domains": {"b": Int(1, 2)}},
            "technique 'A': 'b' has a domain and levels; keep one of them",
        ),
        ({"levels": {"b": (1,)}}, "technique 'A': levels of 'b' need at least two values, got (1,"),
        ({"levels": {"b": (1, 1)}}, "technique 'A': levels of 'b' name a value twice: (1, 1)"),
        ({"levels": {"b": "12"}}, "technique 'A': levels of 'b' take a list of values, got '12'"),
        ({"levels": {"b": ([1], [2])}}, "technique 'A': 'b' cannot hold [1], which may change"),
        (
            {"levels": {"b": (1, 2), "c": (1, 2)}},
            "technique 'A': levels takes one knob, got b, c",
        ),
        *[
            ({label: value}, f"technique 'A': {label} must be a positive number, got {value!r}")
            for label in ("effort_hours", "smallest_gain")
            for value in (0, -1.0, math.nan, math.inf, "1", True)
        ],
    ],
)
def test_what_makes_no_sense_is_refused(changes: Any, problem: str) -> None:
    found = problems_of(**changes)
    assert found[0].startswith(problem)


def test_every_problem_is_told_at_once() -> None:
    assert len(problems_of(effort="low", stage="x", smallest_gain=0, requires=["A"])) == 4


def test_planned_techniques_may_be_a_name_only() -> None:
    planned = Technique("Some day", status="planned", effort=Effort.HIGH)
    assert not planned.searched
    assert planned.switch == {}


def test_planned_techniques_are_never_on_even_with_fields_that_nobody_has_yet() -> None:
    planned = Technique("Some day", status="planned", on={"model.moe": True})
    assert not planned.is_on({"lr": 0.1})

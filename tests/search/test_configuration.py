from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.configuration import flatten, override, plain, unfrozen, unplain, value_problem
from search.errors import SpaceError
from tests.search.configurations import Config, Head, Model, Pooling

if TYPE_CHECKING:
    from decimal import Decimal

CONFIG = Config(steps=3)

finite = st.floats(allow_nan=False)
models = st.builds(
    Model,
    width=st.integers(1, 99),
    pooling=st.sampled_from(Pooling),
    widths=st.lists(st.integers(), max_size=3).map(tuple),
    head=st.builds(Head, st.integers(), bias=st.booleans()),
)
configs = st.builds(
    Config,
    steps=st.integers(),
    lr=st.floats(0, 1),
    clip=finite,
    focal=st.booleans(),
    gamma=finite,
    loss=st.sampled_from(["bce", "focal", 1]),
    schedule=st.none() | st.text(max_size=5),
    best=st.none() | st.sampled_from(Pooling),
    pair=st.tuples(st.integers(), st.text(max_size=3)),
    nested=st.lists(st.lists(finite, max_size=2).map(tuple), max_size=2).map(tuple),
    poolings=st.lists(st.sampled_from(Pooling), max_size=3).map(tuple),
    tags=st.frozensets(st.text(max_size=3), max_size=3),
    file=st.text("ab/", min_size=1, max_size=5).map(PurePosixPath),
    anything=st.none() | st.integers() | st.text(max_size=3),
    model=models,
    plain=models,
)


def test_leaves_are_flattened_in_order_without_computed_fields() -> None:
    assert list(flatten(CONFIG))[:3] == ["steps", "lr", "clip"]
    assert list(flatten(CONFIG))[-5:] == [
        "plain.width",
        "plain.pooling",
        "plain.widths",
        "plain.head.width",
        "plain.head.bias",
    ]
    assert "area" not in flatten(CONFIG)
    assert flatten(CONFIG)["model.width"] == 16


def test_paths_are_overridden_at_every_depth_and_computed_fields_follow() -> None:
    changed = override(CONFIG, {"lr": 0.5, "model.width": 4, "model.head.bias": False})
    expected = replace(
        CONFIG, lr=0.5, model=replace(CONFIG.model, width=4, head=Head(8, bias=False))
    )
    assert changed == expected
    assert changed.area == 16
    assert override(CONFIG, {}) is CONFIG
    assert CONFIG.model.width == 16


@given(configs)
def test_what_is_flattened_overrides_to_the_same(config: Config) -> None:
    assert override(CONFIG, flatten(config)) == config


@given(configs)
def test_what_json_holds_comes_back_as_the_fields_hold_it(config: Config) -> None:
    stored = json.loads(json.dumps(plain(flatten(config)), allow_nan=False))
    assert override(CONFIG, unplain(CONFIG, stored)) == config


@given(configs)
def test_what_never_was_json_stays_as_it_is(config: Config) -> None:
    assert unplain(CONFIG, flatten(config)) == flatten(config)


def test_paths_that_no_field_has_any_more_stay_for_the_error_to_name() -> None:
    assert unplain(CONFIG, {"gone.deep": [1]}) == {"gone.deep": [1]}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("gama", "Config has no field 'gama'; did you mean 'gamma'?"),
        ("head.bias", "Config has no field 'head.bias'; did you mean 'model.head.bias'?"),
        ("model.pool", "Config has no field 'model.pool'; did you mean 'model.pooling'?"),
        ("model.head", "Config.model.head is no value; it holds model.head.width"),
        ("area", "Config has no field 'area'"),
        ("lr.x", "Config has no field 'lr.x'"),
        ("", "Config has no field ''"),
    ],
)
def test_unknown_paths_are_named_with_the_nearest_one(path: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        override(CONFIG, {path: 1})
    assert str(caught.value).startswith(message)


def test_all_unknown_paths_are_named_at_once() -> None:
    with pytest.raises(SpaceError) as caught:
        override(CONFIG, {"gama": 1, "lrr": 1})
    assert len(caught.value.problems) == 2


def test_a_refusal_of_the_class_names_the_values() -> None:
    with pytest.raises(SpaceError, match=r"Config refuses lr=-1.0: lr must not be negative"):
        override(CONFIG, {"lr": -1.0})


GOOD: list[tuple[str, Any]] = [
    ("steps", 4),
    ("lr", 1),  # a whole number is a number
    ("lr", 0.5),
    ("clip", math.inf),
    ("focal", True),
    ("loss", "focal"),
    ("loss", 1),
    ("schedule", None),
    ("schedule", "cosine"),
    ("best", Pooling.MAX),
    ("pair", (1, "b")),
    ("nested", ((0.5,), (1, 2))),
    ("tags", frozenset({"a"})),
    ("file", PurePosixPath("x")),
    ("anything", 3),
    ("anything", (None, "x")),
    ("model.pooling", Pooling.ATTENTION),
    ("model.head.width", 3),
]
BAD: list[tuple[str, Any, str]] = [
    ("steps", 4.0, "Config.steps takes int, got 4.0"),
    ("steps", True, "Config.steps takes int, got True"),
    ("lr", "0.1", "Config.lr takes float, got '0.1'"),
    ("lr", True, "Config.lr takes float, got True"),
    ("focal", 1, "Config.focal takes bool, got 1"),
    ("loss", "fokal", "Config.loss takes Literal['bce', 'focal', 1], got 'fokal'"),
    ("loss", True, "Config.loss takes Literal['bce', 'focal', 1], got True"),
    ("loss", 1.0, "Config.loss takes Literal['bce', 'focal', 1], got 1.0"),
    ("schedule", 3, "Config.schedule takes str | None, got 3"),
    ("best", "max", "Config.best takes"),
    ("pair", (1, 2), "Config.pair takes tuple[int, str], got (1, 2)"),
    ("pair", (1,), "Config.pair takes tuple[int, str], got (1,)"),
    ("nested", (1.0,), "Config.nested takes tuple[tuple[float, ...], ...], got (1.0,)"),
    ("tags", frozenset({1}), "Config.tags takes frozenset[str]"),
    ("model.pooling", "mean", "Config.model.pooling takes Pooling, got 'mean'"),
    ("model.widths", [8], "Config.model.widths cannot hold [8], which may change: use a tuple"),
    ("anything", {}, "Config.anything cannot hold {}, which may change"),
    ("anything", (1, [2]), "Config.anything cannot hold [2], which may change"),
    ("anything", math.nan, "Config.anything cannot hold nan, which equals nothing"),
    ("anything", object, "Config.anything cannot hold <class 'object'>: a configuration takes"),
]


@pytest.mark.parametrize(("path", "value"), GOOD)
def test_values_that_fit_have_no_problem(path: str, value: Any) -> None:
    assert value_problem(CONFIG, path, value) is None


@pytest.mark.parametrize(("path", "value", "problem"), BAD)
def test_values_that_do_not_fit_are_told_with_the_rule(path: str, value: Any, problem: str) -> None:
    found = value_problem(CONFIG, path, value)
    assert found is not None
    assert found.startswith(problem)


Share = NewType("Share", float)


@dataclass
class Loose:
    x: int = 1


def test_hints_that_only_a_checker_can_resolve_check_nothing_but_their_own_field() -> None:
    @dataclass(frozen=True)
    class Local:
        money: Decimal | None = None
        share: Share = Share(0.5)
        kind: Literal["a", "b"] = "a"

    config = Local()
    assert value_problem(config, "money", 3) is None
    assert value_problem(config, "share", "x") == "Local.share takes Share, got 'x'"
    assert value_problem(config, "kind", "c") == "Local.kind takes Literal['a', 'b'], got 'c'"


def test_hints_of_inherited_fields_are_read_where_they_are_written() -> None:
    @dataclass(frozen=True)
    class Longer(Config):
        extra: int = 1

    config = Longer(steps=1)
    assert value_problem(config, "best", "max") is not None
    assert value_problem(config, "extra", 1.5) == "Longer.extra takes int, got 1.5"


def test_dataclasses_that_are_not_frozen_are_found_at_every_depth() -> None:
    @dataclass(frozen=True)
    class Inner:
        loose: Loose

    @dataclass(frozen=True)
    class Outer:
        inner: Inner

    assert list(unfrozen(Outer(Inner(Loose())))) == ["inner.loose"]
    assert list(unfrozen(CONFIG)) == []


@dataclass(frozen=True)
class Section:
    rate: float = 0.1

    def __post_init__(self) -> None:
        if self.rate > 1:
            raise SpaceError([f"rate is {self.rate}"])


@dataclass(frozen=True)
class Sections:
    one: Section = Section()
    two: Section = Section()
    rest: int = 0

    def __post_init__(self) -> None:
        if self.rest < 0:
            raise SpaceError([f"rest is {self.rest}"])


def test_all_sections_say_their_problems() -> None:
    with pytest.raises(SpaceError) as error:
        override(Sections(), {"one.rate": 2.0, "two.rate": 3.0, "rest": -1})
    assert list(error.value.problems) == ["rate is 2.0", "rate is 3.0", "rest is -1"]
    assert override(Sections(), {"one.rate": 0.5, "rest": 1}) == Sections(Section(0.5), rest=1)

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FixedTrial

from search.errors import SpaceError
from search.parameters import ask_trial
from search.space import Categorical, Float, Int, Space, When, contains, describe


class Norm(Enum):
    NONE = "none"
    LAYER = "layer"


@dataclass(frozen=True)
class Model:
    width: int = 32
    heads: int = 4
    pooling: Literal["mean", "attention"] = "mean"


@dataclass(frozen=True)
class Config:
    lr: float = 1e-3
    dropout: float = 0.1
    depth: int = 2
    focal: bool = False
    norm: Norm = Norm.NONE
    model: Model = field(default_factory=Model)

    def __post_init__(self) -> None:
        if self.depth == 13:
            raise ValueError("13 is unlucky")


LR = Float(1e-5, 1e-1, log=True)


def problems_of(**changes: Any) -> tuple[str, ...]:
    """Return the problems of a space that is right but for these arguments."""
    with pytest.raises(SpaceError) as caught:
        Space(**{"baseline": Config(), "domains": {"lr": LR}, **changes})
    return caught.value.problems


def test_a_space_knows_its_names_and_makes_configurations() -> None:
    space = Space(Config(), {"lr": LR, "model.width": Int(8, 64, step=8)})
    assert space.names == ("lr", "model.width")
    assert space.configuration({"model.width": 8}) == Config(model=Model(width=8))
    assert space.points == ()


def test_a_space_cannot_be_changed() -> None:
    domains: dict[str, Any] = {"lr": LR}
    points: list[dict[str, Any]] = [{"lr": 0.01}]
    space = Space(Config(), domains, points)
    domains.clear()
    points[0]["lr"] = 5.0
    assert space == Space(Config(), {"lr": LR}, [{"lr": 0.01}])
    with pytest.raises(dataclasses.FrozenInstanceError):
        space.domains = {}  # type: ignore[misc]  # that it fails is the point
    with pytest.raises(TypeError):
        space.domains["lr"] = LR  # type: ignore[index]  # likewise
    assert pickle.loads(pickle.dumps(space)) == space
    assert hash(space) == hash(pickle.loads(pickle.dumps(space)))


def test_every_problem_is_told_at_once() -> None:
    problems = problems_of(
        domains={
            "lrr": LR,
            "dropout": Int(0, 1),
            "depth": Float(1.0, 4.0),
            "focal": (False, True),
            "model.width": Int(64, 128),
            "model.pooling": Categorical(("mean", "atention")),
            "model.heads": When({"model.poolin": "attention"}, Int(1, 8)),
        },
        points=[{"model.widht": 3, "lr": 1.0}],
    )
    assert problems == (
        "Config has no field 'lrr'; did you mean 'lr'?",
        "the baseline has dropout=0.1, outside its domain [0, 1]; "
        "widen the domain or change the baseline",
        "the domain of 'depth' does not fit: Config.depth takes int, got 1.0; use Int",
        "the domain of 'focal' must be Float, Int or Categorical, got (False, True)",
        "the baseline has model.width=32, outside its domain [64, 128]; "
        "widen the domain or change the baseline",
        "the domain of 'model.pooling' does not fit: Config.model.pooling takes "
        "Literal['mean', 'attention'], got 'atention'",
        "domain of 'model.heads': Config has no field 'model.poolin'; "
        "did you mean 'model.pooling'?",
        "a point to try first: Config has no field 'model.widht'; did you mean 'model.width'?",
    )


@dataclass
class Thawed:
    lr: float = 0.1


@dataclass(frozen=True)
class Around:
    inner: Thawed
    values: Any = ()
    lr: float = 0.1


@pytest.mark.parametrize("baseline", [Thawed(), Config, {"lr": 0.1}, None])
def test_a_baseline_is_an_instance_of_a_frozen_dataclass(baseline: Any) -> None:
    (problem,) = problems_of(baseline=baseline)
    assert problem.startswith("Space.baseline must be an instance of a frozen dataclass")
    assert problem.endswith(f"got {baseline!r}")


def test_nested_dataclasses_are_frozen_and_values_are_plain() -> None:
    problems = problems_of(baseline=Around(Thawed(), [1], "x"))  # type: ignore[arg-type]
    assert problems == (
        "Space.baseline.inner must be a frozen dataclass too (@dataclass(frozen=True))",
        "the baseline is wrong: Around.values cannot hold [1], which may change: "
        "use a tuple or a frozenset",
        "the baseline is wrong: Around.lr takes float, got 'x'",
        "the baseline has lr='x', outside its domain [1e-05, 0.1] log; "
        "widen the domain or change the baseline",
    )


@pytest.mark.parametrize(
    ("argument", "value", "problem"),
    [
        ("domains", [LR], "Space.domains takes {field: domain}, got ["),
        ("points", {"lr": 0.1}, "Space.points takes a list of {field: value}, got {'lr': 0.1}"),
        ("points", [("lr", 0.1)], "Space.points takes a list of {field: value}, got [('lr', 0.1)]"),
        (
            "points",
            [{"lr": 1.0}],
            "a point to try first: lr=1.0 is outside its domain [1e-05, 0.1]",
        ),
        ("points", [{"lr": "x"}], "a point to try first: Config.lr takes float, got 'x'"),
        ("points", [{"depth": 13}], "a point to try first: Config refuses depth=13: 13 is unlucky"),
        ("domains", {"model": LR}, "Config.model is no value; it holds model.width, model.heads"),
    ],
)
def test_arguments_of_another_shape_are_refused(argument: str, value: Any, problem: str) -> None:
    (found,) = problems_of(**{argument: value})
    assert found.startswith(problem)


def test_points_may_leave_fields_that_no_domain_varies() -> None:
    space = Space(Config(), {"lr": LR}, points=[{"focal": True}, {"lr": 0.01}])
    assert [space.configuration(point).focal for point in space.points] == [True, False]


def test_conditions_in_a_circle_are_refused() -> None:
    problems = problems_of(
        domains={
            "lr": When({"dropout": 0.1}, LR),
            "dropout": When({"depth": 2}, Float(0.0, 0.5)),
            "depth": When({"lr": 1e-3}, Int(1, 4)),
        }
    )
    assert problems == (
        "the domain of 'lr' depends on itself",
        "the domain of 'dropout' depends on itself",
        "the domain of 'depth' depends on itself",
    )
    assert problems_of(domains={"lr": When({"lr": 1e-3}, LR)}) == problems[:1]


def test_conditions_name_values_that_the_field_may_have() -> None:
    bad = {"lr": When({"model.pooling": {"mean", "max"}, "focal": 1}, LR)}
    assert problems_of(domains=bad) == (
        "domain of 'lr': Config.model.pooling takes Literal['mean', 'attention'], got 'max'",
        "domain of 'lr': Config.focal takes bool, got 1",
    )
    listed = {"lr": When({"model.pooling": ["mean"]}, LR)}
    assert problems_of(domains=listed) == (
        "domain of 'lr': for several values of model.pooling give a set, got ['mean']",
    )


def test_a_condition_holds_for_a_value_or_any_of_a_set() -> None:
    when = When({"pooling": {"attention", "gated"}, "focal": True}, Int(1, 2))
    assert when.holds({"pooling": "gated", "focal": True})
    assert not when.holds({"pooling": "mean", "focal": True})
    assert not when.holds({"pooling": "gated", "focal": False})
    assert not when.holds({"pooling": "gated", "focal": 1})
    assert pickle.loads(pickle.dumps(when)) == when
    assert hash(when) == hash(When({"focal": True, "pooling": {"gated", "attention"}}, Int(1, 2)))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (({}, LR), "When takes {field: value} first, got {}"),
        (("focal", LR), "When takes {field: value} first, got 'focal'"),
        (({"focal": True}, 3), "When takes Float, Int or Categorical, got 3"),
        (({"focal": True}, When({"focal": True}, LR)), "When takes Float, Int or Categorical"),
    ],
)
def test_a_condition_needs_fields_and_a_domain(arguments: Any, problem: str) -> None:
    with pytest.raises(SpaceError) as caught:
        When(*arguments)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("domain", "inside", "outside"),
    [
        (LR, [1e-5, 0.1, 0.05], [0.0, 0.2, "x", True, None]),
        (Float(0.0, 1.0, step=0.1), [0.0, 0.3, 0.7, 1.0, 0], [0.25, 1.1]),
        (Int(1, 9, step=2), [1, 3, 9, 3.0], [2, 10, 3.5, True]),
        (Int(1, 64, log=True), [1, 17, 64], [0, 3.5, 65]),
        (Categorical((1, "a", None)), [1, 1.0, "a", None], [True, "b", 2]),
        (Categorical((False, True)), [False, True], [0, 1]),
        (When({"focal": True}, Int(1, 3)), [2], [4]),
    ],
)
def test_a_domain_contains_a_value_or_not(domain: Any, inside: Any, outside: Any) -> None:
    assert [value for value in inside if not contains(domain, value)] == []
    assert [value for value in outside if contains(domain, value)] == []


@pytest.mark.filterwarnings("ignore:The distribution is specified by:UserWarning")  # Optuna rounds
@given(st.data())
def test_what_optuna_suggests_is_contained(data: st.DataObject) -> None:
    low = data.draw(st.integers(-50, 50))
    steps = data.draw(st.integers(0, 30))
    step = data.draw(st.sampled_from([0.125, 0.25, 0.5, 1.0, 7.0]))  # exact in binary
    domain = Float(float(low), low + steps * step, step=step)
    value = low + data.draw(st.integers(0, steps)) * step
    if value <= domain.high:
        assert contains(domain, ask_trial(FixedTrial({"x": value}))("x", domain))


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        (LR, "[1e-05, 0.1] log"),
        (Float(0, 1, step=1.0), "[0, 1] step 1"),
        (Int(8, 64), "[8, 64]"),
        (Int(8, 64, step=8), "[8, 64] step 8"),
        (Categorical(("mean", None, 3)), "{mean, None, 3}"),
    ],
)
def test_a_domain_is_described_as_one_reads_it(domain: Any, words: str) -> None:
    assert describe(domain) == words


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution:UserWarning")
def test_choices_of_an_enum_are_its_members() -> None:
    assert Space(Config(), {"norm": Categorical(tuple(Norm))}).names == ("norm",)
    assert problems_of(domains={"norm": Categorical(("none", "layer"))}) == (
        "the domain of 'norm' does not fit: Config.norm takes Norm, got 'none'",
    )

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState, create_trial

from search.configuration import flatten, override
from search.errors import SpaceError
from search.parameters import Parameter, Parameters, ask_trial
from search.space import Categorical, Domain, Float, Int, Space, When
from search.technique import Technique


class Pooling(Enum):
    LAST = "last"
    MEAN = "mean"
    ATTENTION = "attention"


@dataclass(frozen=True)
class Model:
    width: int = 32
    pooling: Pooling = Pooling.LAST
    heads: int = 4
    widths: tuple[int, ...] = (64,)


@dataclass(frozen=True)
class Config:
    lr: float = 1e-3
    loss: Literal["bce", "focal", "cb", "ldam"] = "bce"
    gamma: float = 2.0
    margin: float = 0.5
    swa: bool = False
    swa_start: float = 0.75
    schedule: str = "constant"
    cycle: int = 2
    accum: int = 1
    dropout: float = 0.0
    mixup: bool = False
    drw: bool = False
    model: Model = field(default_factory=Model)


SPACE = Space(
    baseline=Config(),
    domains={
        "lr": Float(1e-5, 1e-1, log=True),
        "model.width": Int(8, 64),
        "model.heads": When({"model.pooling": Pooling.ATTENTION}, Categorical((1, 2, 4))),
    },
)
GAMMA = Float(0.0, 5.0)
FOCAL = Technique("Focal loss", on={"loss": "focal"}, domains={"gamma": GAMMA})
BALANCED = Technique("Class-balanced", on={"loss": "cb"}, domains={"gamma": GAMMA})
LDAM = Technique("LDAM-DRW", on={"loss": "ldam", "drw": True}, domains={"margin": Float(0.1, 1.0)})
SWA = Technique(
    "SWA",
    on={"swa": True},
    domains={
        "swa_start": Float(0.5, 0.9),
        "schedule": Categorical(("constant", "cyclic")),
        "cycle": When({"schedule": "cyclic"}, Int(1, 5)),
    },
)
ATTENTION = Technique("Attention pooling", on={"model.pooling": Pooling.ATTENTION})
MEAN = Technique("Mean pooling", on={"model.pooling": Pooling.MEAN})
WIDE = Technique("Wide head", on={"model.widths": (64, 32)})
ACCUM = Technique("Accumulation", on={"accum": 4}, excludes=["Mixup"])
MIXUP = Technique("Mixup", on={"mixup": True}, requires=["SWA"], domains={"gamma": GAMMA})
DROPOUT = Technique("Dropout", levels={"dropout": (0.1, 0.3, 0.5)})
LATER = Technique("Some day", on={"nothing": 1}, status="planned")
ALL = (FOCAL, BALANCED, LDAM, SWA, ATTENTION, MEAN, WIDE, ACCUM, MIXUP, DROPOUT, LATER)
EVERYTHING = Parameters.of(SPACE, ALL)


def draw_from(data: st.DataObject) -> Any:
    """Return a function that answers like a sampler, as hypothesis pleases."""

    def ask(name: str, domain: Domain) -> Any:
        if isinstance(domain, Categorical):
            return data.draw(st.sampled_from(domain.choices), label=name)
        if isinstance(domain, Int):
            return data.draw(st.integers(domain.low, domain.high), label=name)
        return data.draw(st.floats(domain.low, domain.high), label=name)

    return ask


def named(parameters: Parameters) -> dict[str, Parameter]:
    """Return parameters by name."""
    return {parameter.name: parameter for parameter in parameters.parameters}


@given(st.data())
def test_whatever_a_sampler_answers_encodes_and_decodes_to_the_same(data: st.DataObject) -> None:
    asked = EVERYTHING.suggest(draw_from(data))
    changes = EVERYTHING.decode(asked)
    config = override(Config(), changes)
    assert EVERYTHING.decode(EVERYTHING.encode(config)) == changes
    assert EVERYTHING.encode(config) == asked
    assert set(EVERYTHING.distributions(asked)) == set(asked)
    before = flatten(Config())
    assert all(before[path] != value for path, value in changes.items())


@given(st.data())
def test_techniques_that_exclude_each_other_are_never_on_together(data: st.DataObject) -> None:
    values = {**flatten(Config()), **EVERYTHING.decode(EVERYTHING.suggest(draw_from(data)))}
    on = [t for t in ALL if t.searched and t.is_on(values)]
    assert not [(a.name, b.name) for a in on for b in on if a is not b and a.conflicts(b)]
    names = {technique.name for technique in on}
    assert all(set(technique.requires) <= names for technique in on)


@given(st.data())
def test_a_knob_exists_only_while_something_makes_it_meaningful(data: st.DataObject) -> None:
    asked = EVERYTHING.suggest(draw_from(data))
    values = {**flatten(Config()), **EVERYTHING.decode(asked)}
    gamma = values["loss"] in ("focal", "cb") or values["mixup"]
    assert ("gamma" in asked) == gamma
    assert ("margin" in asked) == (values["loss"] == "ldam")
    assert ("swa_start" in asked) == values["swa"]
    assert ("cycle" in asked) == (values["swa"] and values["schedule"] == "cyclic")
    assert ("model.heads" in asked) == (values["model.pooling"] is Pooling.ATTENTION)
    assert ("Mixup" in asked) == (values["swa"] and values["accum"] == 1)
    for path, value in flatten(Config()).items():
        if path not in {p for name in asked for p in named(EVERYTHING)[name].fields}:
            assert values[path] == value


def test_optuna_sees_parameters_only_where_they_apply() -> None:
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=3, n_startup_trials=15))
    seen: Counter[str] = Counter()
    for _ in range(60):
        trial = study.ask()
        asked = EVERYTHING.suggest(ask_trial(trial))
        config = override(Config(), EVERYTHING.decode(asked))
        assert trial.params == asked
        assert EVERYTHING.encode(config) == asked
        assert ("gamma" in trial.params) == (config.loss in ("focal", "cb") or config.mixup)
        assert ("cycle" in trial.params) == (config.swa and config.schedule == "cyclic")
        seen.update(list(asked))
        loss = abs(config.lr - 0.01) + (config.loss != "focal") + abs(config.gamma - 1)
        study.tell(trial, loss)
    assert seen["lr"] == seen["SWA"] == seen["Focal loss"] == 60
    for name in ("gamma", "swa_start", "cycle", "model.heads", "Mixup", "LDAM-DRW"):
        assert 0 < seen[name] < 60
    assert study.best_params["Focal loss"] is True


def test_parameters_survive_optunas_json() -> None:
    asked = EVERYTHING.suggest(lambda _, domain: _last(domain))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Optuna warns of choices that a database cannot hold
        stored = json.loads(json.dumps(asked))
        distributions = {
            name: optuna.distributions.json_to_distribution(
                optuna.distributions.distribution_to_json(domain)
            )
            for name, domain in EVERYTHING.distributions(asked).items()
        }
    trial = create_trial(state=TrialState.RUNNING, params=stored, distributions=distributions)
    config = override(Config(), EVERYTHING.decode(trial.params))
    assert config.model.pooling is Pooling.MEAN
    assert config.model.widths == (64, 32)
    assert EVERYTHING.decode(trial.params) == EVERYTHING.decode(asked)


def test_one_field_is_one_choice_that_techniques_share() -> None:
    parameters = named(Parameters.of(SPACE, (FOCAL, BALANCED, ATTENTION, MEAN, WIDE)))
    assert parameters["loss"].domain == Categorical(("bce", "focal", "cb"))
    assert parameters["loss"].condition is None
    assert parameters["model.pooling"].domain == Categorical(("last", "attention", "mean"))
    assert parameters["model.widths"].domain == Categorical(("[64]", "[64, 32]"))
    assert parameters["gamma"].when == ({"loss": frozenset({"focal", "cb"})},)
    assert parameters["gamma"].condition == "loss = cb or focal"
    assert parameters["model.heads"].condition == "model.pooling = attention"
    assert "Focal loss" not in parameters


def test_several_fields_or_ties_to_others_are_a_toggle() -> None:
    parameters = named(EVERYTHING)
    assert parameters["LDAM-DRW"].domain == Categorical((False, True))
    assert parameters["LDAM-DRW"].sets == {"loss": "ldam", "drw": True}
    assert parameters["Mixup"].condition == "swa = True and accum ≠ 4"
    assert {"Focal loss", "Class-balanced", "SWA", "Accumulation"} <= parameters.keys()
    assert "loss" not in parameters  # LDAM sets more than the loss, so the others are toggles too
    assert parameters["Class-balanced"].condition == "loss ≠ focal"


def test_a_field_that_a_tied_technique_sets_too_is_no_shared_choice() -> None:
    tied = Technique("Tied", on={"loss": "ldam"}, requires=["SWA"])
    parameters = Parameters.of(SPACE, (tied, SWA, FOCAL))
    assert set(named(parameters)) >= {"Tied", "SWA", "Focal loss"}
    on = {"lr": 1e-3, "model.width": 32, "SWA": True, "Tied": True}
    assert parameters.decode(on) == {"swa": True, "loss": "ldam"}
    assert parameters.decode(on | {"Focal loss": True}) == {"swa": True, "loss": "ldam"}


def test_a_knob_that_techniques_of_different_fields_share_exists_under_any() -> None:
    parameters = named(Parameters.of(SPACE, (SWA, MIXUP, FOCAL)))
    gamma = parameters["gamma"]
    assert gamma.condition == "mixup = True or loss = focal"
    assert gamma.exists({"loss": "focal", "mixup": False})
    assert gamma.exists({"loss": "bce", "mixup": True})
    assert not gamma.exists({"loss": "bce", "mixup": False})


def test_a_technique_that_sets_more_than_another_requires_it() -> None:
    part = Technique("Part", on={"loss": "ldam"})
    parameters = Parameters.of(SPACE, (LDAM, part))
    assert named(parameters)["LDAM-DRW"].condition == "loss = ldam"
    order = [parameter.name for parameter in parameters.parameters]
    assert order.index("Part") < order.index("LDAM-DRW")
    other = Technique("Other", on={"loss": "cb", "mixup": True})
    assert Parameters.of(SPACE, (LDAM, part, other)).encode(Config())["Part"] is False


def test_levels_alone_are_a_choice_with_the_baselines_value() -> None:
    dropout = named(EVERYTHING)["dropout"]
    assert dropout.domain == Categorical((0.0, 0.1, 0.3, 0.5))
    with_switch = Technique("Anneal", on={"swa": True}, levels={"cycle": (1, 3)})
    cycle = named(Parameters.of(SPACE, (with_switch,)))["cycle"]
    assert cycle.domain == Categorical((1, 3))
    assert cycle.condition == "swa = True"


def test_levels_may_be_required_and_excluded() -> None:
    needs = Technique("Needs", on={"swa": True}, requires=["Dropout"])
    bars = Technique("Bars", on={"mixup": True}, excludes=["Dropout"])
    parameters = named(Parameters.of(SPACE, (DROPOUT, needs, bars)))
    values = flatten(Config())
    assert parameters["Bars"].condition == "not (dropout = 0.1 or 0.3 or 0.5)"
    assert not parameters["Needs"].exists(values)
    assert parameters["Needs"].exists(values | {"dropout": 0.3})
    assert parameters["Bars"].exists(values)
    assert not parameters["Bars"].exists(values | {"dropout": 0.3})


def test_parameters_come_after_what_decides_about_them() -> None:
    order = [parameter.name for parameter in EVERYTHING.parameters]
    for before, after in (
        ("SWA", "Mixup"),
        ("Accumulation", "Mixup"),
        ("SWA", "schedule"),
        ("schedule", "cycle"),
        ("Focal loss", "Class-balanced"),
        ("Class-balanced", "LDAM-DRW"),
        ("Mixup", "gamma"),
        ("model.pooling", "model.heads"),
    ):
        assert order.index(before) < order.index(after), (before, after)


def test_of_two_that_exclude_each_other_the_first_decides_whatever_it_waits_for() -> None:
    first = Technique("First", on={"mixup": True}, requires=["SWA"], excludes=["Second"])
    second = Technique("Second", on={"drw": True})
    parameters = Parameters.of(Space(Config(), {}), (first, second, SWA))
    order = [parameter.name for parameter in parameters.parameters]
    assert order.index("SWA") < order.index("First") < order.index("Second")
    asked = parameters.suggest(lambda _, domain: _last(domain))
    assert parameters.decode(asked).get("drw") is None
    assert "Second" not in asked


def _last(domain: Domain) -> Any:
    return domain.choices[-1] if isinstance(domain, Categorical) else domain.high


def test_planned_and_post_hoc_techniques_are_no_parameters() -> None:
    platt = Technique("Platt", stage="post-hoc", fit=lambda validation: validation)
    assert Parameters.of(SPACE, (LATER, platt)) == Parameters.of(SPACE)


def test_the_order_of_a_circle_is_named() -> None:
    one = Technique("One", on={"swa": True}, requires=["Two"])
    two = Technique("Two", on={"mixup": True}, requires=["One"])
    with pytest.raises(SpaceError, match=r"in a circle: (One -> Two -> One|Two -> One -> Two)"):
        Parameters.of(SPACE, (one, two))


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (Config(lr=1.0), "lr=1.0 lies outside [1e-05, 0.1] log"),
        (Config(gamma=1.0), "only a search with "),
        (Config(cycle=3), "only a search with swa = True and schedule = cyclic can set cycle=3"),
        (Config(accum=2), "no parameter of the search can set accum=2"),
        (Config(dropout=0.2), "dropout=0.2 lies outside {0.0, 0.1, 0.3, 0.5}"),
        (Config(drw=True), "no parameter of the search can set drw=True"),
    ],
)
def test_a_configuration_out_of_reach_is_told_why(config: Config, problem: str) -> None:
    with pytest.raises(SpaceError) as caught:
        EVERYTHING.encode(config)
    assert caught.value.problems[0].startswith(problem)


def test_values_of_parameters_that_do_not_exist_are_not_read() -> None:
    asked: Mapping[str, Any] = {"lr": 0.01, "model.width": 32, "gamma": 4.0, "cycle": 5}
    assert EVERYTHING.decode(asked) == {"lr": 0.01}


def test_a_name_for_two_things_is_refused() -> None:
    same = Technique("gamma", on={"swa": True, "mixup": True})
    with pytest.raises(SpaceError, match="both called 'gamma'; rename the technique"):
        Parameters.of(SPACE, (same, FOCAL))
    other = Technique("Other", on={"swa": True}, domains={"gamma": Float(0.0, 1.0)})
    with pytest.raises(SpaceError, match="'gamma' is asked for twice, with different domains"):
        Parameters.of(SPACE, (other, FOCAL))


def test_what_json_cannot_tell_apart_is_spelled_out() -> None:
    @dataclass(frozen=True)
    class Strange:
        x: Any = (1, "2")

    one = Technique("One", on={"x": (1, 2)})
    two = Technique("Two", on={"x": "[1, 2]"})
    parameters = Parameters.of(Space(Strange(), {}), (one, two))
    for config in (Strange(), Strange((1, 2)), Strange("[1, 2]")):
        asked = parameters.encode(config)
        assert override(Strange(), parameters.decode(asked)) == config

"""The guards of one run: when each kind speaks, what it says, and that it goes on where it was."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.engine.watch import Watch
from search.guards import DEFAULT_GUARDS, Guard
from search.objective import Objective

AP = Objective("val_ap", "maximize")
FULL = 8


def watch(*guards: Guard, goals: Any = (AP,), state: Any = None) -> Watch:
    return Watch(guards, goals, FULL, state)


def fed(found: Watch, metric: str, values: Iterable[float | None]) -> list[tuple[str, int]]:
    """Feed a metric; return (kind, step) of what was said."""
    for step, value in enumerate(values, start=1):
        found.observe(step, {} if value is None else {metric: value})
    return [(flag.kind, flag.step) for flag in found.news()]


@pytest.mark.parametrize(
    ("guard", "metric", "values", "step"),
    [
        (Guard("non_finite"), "train_loss", [1.0, math.nan, math.nan], 2),
        (Guard("non_finite"), "train_loss", [1.0, -math.inf], 2),
        (Guard("non_finite"), "train_loss", [1e300, 0.0, -5.0], None),
        (Guard("gradient_high"), "grad_norm", [1000.0, 1000.1], 2),
        (Guard("gradient_high", limit=5), "grad_norm", [5.0, math.nan], 2),
        (Guard("gradient_high", limit=5, steps=2), "grad_norm", [6, 5, 6, 7], 4),
        (Guard("gradient_vanishing"), "grad_norm", [1e-8, 1e-8, 1.0, 0.0, 0.0, 0.0], 6),
        (Guard("gradient_vanishing"), "grad_norm", [1e-8, 1e-8], None),
        (Guard("collapse"), "loss_miss", [1.0, 1.1e-5, -9e-6], 3),
        (Guard("dominance"), "gradient_share_miss", [0.1, 0.95, 0.96], 3),
        (Guard("dominance", limit=0.5), "gradient_share_miss", [0.4, 0.6], 2),
        (Guard("collapse"), "loss_miss", [1.0, math.nan], None),
        (Guard("negative"), "train_mse", [0.0, -1e-12], 2),
        (Guard("negative"), "val_nll", [-1.0], None),
        (Guard("negative", "val_nll", limit=-2), "val_nll", [-2.0, -2.1], 2),
        (Guard("constant"), "prediction_sd", [0.3, 0.0], 2),
        (Guard("gap", "generalization_gap", 0.5), "generalization_gap", [0.5, 0.51], 2),
        (Guard("no_improvement", steps=2), "val_ap", [0.1, 0.2, 0.2, 0.1], 4),
        (Guard("no_improvement", steps=2), "val_ap", [0.1, 0.2, 0.2, 0.3, 0.3], None),
        (Guard("no_improvement"), "val_ap", [0.5] + 6 * [0.4], 7),
        (Guard("collapse"), "loss", [None, None, 0.0], 3),
    ],
)
def test_each_kind_speaks_once_at_its_step(
    guard: Guard, metric: str, values: list[float | None], step: int | None
) -> None:
    assert fed(watch(guard), metric, values) == ([] if step is None else [(guard.kind, step)])


def test_a_gap_is_measured_against_the_training_loss_of_the_same_name() -> None:
    found = watch(Guard("gap"))
    found.observe(1, {"train_loss": 1.0, "val_loss": 2.0, "val_loss_risk": 9.0})
    assert found.news() == ()
    found.observe(2, {"train_loss": 0.5, "val_loss": 1.1})
    (flag,) = found.news()
    assert flag.metric == "val_loss"
    assert flag.value == pytest.approx(0.6)
    assert flag.words == "val_loss minus train_loss is over its limit: 0.6, limit 0.5 at step 2"


def test_a_gap_may_have_a_limit_in_the_losss_unit() -> None:
    found = watch(Guard("gap", limit=3.0))
    found.observe(1, {"val_loss": 3.9, "train_loss": 1.0})
    found.observe(2, {"val_loss": 4.1, "train_loss": 1.0})
    assert [flag.step for flag in found.news()] == [2]


def test_a_partner_may_be_reported_later() -> None:
    found = watch(Guard("gap"))
    found.observe(1, {"val_loss": 9.0})
    found.observe(2, {"val_loss": 9.0, "train_loss": 1.0})
    assert [flag.step for flag in found.news()] == [2]


def test_the_direction_of_the_objective_says_what_improves() -> None:
    loss = Objective("val_rmse", "minimize")
    falling = watch(Guard("no_improvement", steps=2), goals=(loss,))
    assert fed(falling, "val_rmse", [3.0, 2.0, 1.0]) == []
    rising = watch(Guard("no_improvement", steps=2), goals=(loss,))
    assert fed(rising, "val_rmse", [1.0, 2.0, 3.0]) == [("no_improvement", 3)]


def test_of_several_objectives_the_first_or_the_named_one_is_watched() -> None:
    goals = (AP, Objective("val_rmse", "minimize"))
    first = watch(Guard("no_improvement", steps=1), goals=goals)
    named = watch(Guard("no_improvement", "val_rmse", steps=1), goals=goals)
    for found in (first, named):
        found.observe(1, {"val_ap": 0.5, "val_rmse": 1.0})
        found.observe(2, {"val_ap": 0.6, "val_rmse": 1.0})
    assert first.news() == ()
    assert [flag.metric for flag in named.news()] == ["val_rmse"]


@pytest.mark.parametrize(
    ("values", "speaks"),
    [([0.1, 0.2, 0.3], True), ([0.1, 0.3, 0.3], False), ([0.3, 0.2, 0.1], False), ([1, 2], False)],
)
def test_a_peak_at_the_last_step_is_known_at_the_end(values: list[float], speaks: bool) -> None:
    found = watch(Guard("peak_at_end"))
    assert fed(found, "val_ap", values) == []
    assert found.finish(len(values)) is None
    assert [flag.kind for flag in found.news()] == ["peak_at_end"] * speaks


def test_a_named_metric_that_is_never_reported_is_flagged_and_others_are_not() -> None:
    found = watch(Guard("collapse", "loss_gone"), *DEFAULT_GUARDS)
    fed(found, "val_ap", [0.3, 0.2, 0.25])
    found.finish(3)
    (flag,) = found.news()
    assert (flag.kind, flag.metric) == ("not_reported", "loss_gone")
    assert flag.words == "metric 'loss_gone' of the guard 'collapse' was not reported"


def test_the_spread_of_predictions_is_wanted_where_the_run_reports_none() -> None:
    found = watch(Guard("constant", action="stop"))
    fed(found, "val_ap", [0.3])
    assert found.wants_spread
    flag = found.finish(1, 0.0)
    assert flag is not None
    assert flag.stops
    reporting = watch(Guard("constant"))
    fed(reporting, "val_prediction_sd", [0.3])
    assert not reporting.wants_spread
    assert not watch(Guard("constant", "my_sd")).wants_spread
    assert not watch(Guard("collapse")).wants_spread


def test_only_a_guard_that_may_stop_a_run_stops_it() -> None:
    assert watch(Guard("collapse")).observe(1, {"loss": 0.0}) is None
    flag = watch(Guard("collapse", action="stop")).observe(1, {"loss": 0.0})
    assert flag is not None
    assert (flag.stops, flag.words) == (True, "loss = 0 collapses, under 1e-05 at step 1")


class Sealed(dict[str, float]):
    """Metrics whose held-out values cannot be looked at."""

    def __getitem__(self, name: str) -> float:
        assert not name.startswith("test_"), f"a guard looked at {name}"
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        if name not in self:
            return default
        return self[name]

    def values(self) -> Any:
        raise AssertionError("a guard looked at every value")

    items = values


def test_no_guard_sees_a_held_out_metric() -> None:
    held_out = {"test_loss": 0.0, "test_mse": -1.0, "test_grad_norm": math.inf, "test_ap": math.nan}
    guards = [Guard(g.kind, action=g.action) for g in DEFAULT_GUARDS]
    found = watch(*guards, Guard("no_improvement", steps=2))
    for step in range(1, FULL + 1):
        found.observe(step, Sealed(held_out | {"val_ap": -abs(step - 6.5), "val_loss": 1.0}))
    found.finish(FULL)
    assert [(flag.kind, flag.metric) for flag in found.news()] == [("no_improvement", "val_ap")]


NAMES = ("train_loss", "val_loss", "grad_norm", "val_ap", "prediction_sd", "train_mse")
VALUES = st.sampled_from([0.0, 1e-9, 0.5, 1.0, 3.0, 5e3, -1.0, math.nan, math.inf])
STEPS = st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES), min_size=2, max_size=9)


@given(steps=STEPS, data=st.data())
def test_a_run_that_goes_on_from_a_checkpoint_says_what_an_unbroken_one_says(
    steps: list[Mapping[str, float]], data: Any
) -> None:
    guards = (*DEFAULT_GUARDS, Guard("no_improvement", steps=2), Guard("gap", limit=0.1))
    whole = watch(*guards)
    for step, metrics in enumerate(steps, start=1):
        whole.observe(step, metrics)
    whole.finish(len(steps))
    cut = data.draw(st.integers(0, len(steps)))
    first = watch(*guards)
    for step, metrics in enumerate(steps[:cut], start=1):
        first.observe(step, metrics)
    state = json.loads(json.dumps(first.state()))
    second = watch(*guards, state=state)
    for step, metrics in enumerate(steps[cut:], start=cut + 1):
        second.observe(step, metrics)
    second.finish(len(steps))
    parts = sorted(map(repr, (*first.news(), *second.news())))
    assert parts == sorted(map(repr, whole.news()))

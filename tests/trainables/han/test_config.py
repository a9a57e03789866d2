"""Configurations: the document's, and everything wrong with one at once."""

from dataclasses import fields, is_dataclass, replace

import pytest
import torch

from search.configuration import flatten, override
from search.errors import SpaceError
from tests.trainables.han.parts import CPU, drawn
from trainables.han.batch import TASKS
from trainables.han.config import HanConfig, documented
from trainables.han.inputs import series_of
from trainables.han.network import HanNetwork
from trainables.han.panel import Panel

NOT_ALL_AT_ONCE = {
    "data.windows.days": 0,
    "data.generator.n_train": 0,
    "data.reduction.correlation": 2.0,
    "data.augment.jitter": -1.0,
    "data.scale": "standrd",
    "model.width": 10,
    "model.dropout": 1.0,
    "model.fusion": "gate",
    "loss.regime.label_smoothing": 1.0,
    "loss.casualty.theta_min": 0.0,
    "loss.transition.pos_weight": 0.0,
    "loss.anomaly.kind": "nl",
    "loss.forecast.unit": "log",
    "loss.consistency.cycle_kind": "huber",
    "loss.floor": -1.0,
    "mtl.weighting.kind": "kendal",
    "mtl.weighting.kendall.initial": 3.0,
    "mtl.weighting.a3dro.beta": 1.5,
    "mtl.weighting.group_dro.rate": 0.0,
    "mtl.gate.kind": "firm",
    "mtl.gate.min_availability": -0.1,
    "mtl.aggregator": "pgrad",
    "optim.lr": 0.0,
    "optim.schedule": "step",
    "stop.patience": -1,
    "stop.watch": "anchor",
}


def problems(changes):
    with pytest.raises(SpaceError) as caught:
        override(HanConfig(), changes)
    return str(caught.value)


def test_everything_wrong_is_said_at_once_with_its_path():
    said = problems(NOT_ALL_AT_ONCE)
    missing = [path for path in NOT_ALL_AT_ONCE if path not in said]
    assert not missing
    for meant in ("'kendall'", "'pcgrad'", "'anchored'", "'standard'"):
        assert f"did you mean {meant}" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss.consistency.latent_weight": 0.1}, "latent_weight needs model.forecast_head"),
        ({"loss.consistency.cycle_weight": 0.1}, "cycle_weight needs model.forecast_head"),
        (
            {"model.forecast_head": "latent", "mtl.tasks.daily_forecast": False},
            "needs mtl.tasks.daily_forecast",
        ),
        (
            {
                "model.forecast_head": "latent",
                "loss.consistency.latent_weight": 0.1,
                "data.windows.days": 6,
            },
            "latent_weight needs data.windows.days of 7 or more, got 6",
        ),
        (
            {"loss.consistency.physical_weight": 0.1, "mtl.tasks.forecast": False},
            "physical_weight needs mtl.tasks.forecast and mtl.tasks.daily_forecast",
        ),
        (
            {"loss.consistency.physical_weight": 0.1, "mtl.tasks.daily_forecast": False},
            "physical_weight needs mtl.tasks.forecast and mtl.tasks.daily_forecast",
        ),
        ({"loss.anomaly.kind": "nll"}, "'nll' needs model.uncertainty"),
        ({"mtl.aggregator": "gradnorm", "mtl.weighting.kind": "a3dro"}, "may be negative"),
        ({"mtl.aggregator": "gradnorm", "mtl.weighting.kind": "kendall"}, "may be negative"),
        ({"mtl.aggregator": "hierarchical", "mtl.tasks.regime": False}, "its anchor"),
        (dict.fromkeys((f"mtl.tasks.{task}" for task in TASKS), False), "at least one task"),
    ],
)
def test_what_does_not_fit_together(changes, words):
    assert words in problems(changes)


def test_the_default_is_the_plain_state():
    plain = flatten(HanConfig())
    assert (plain["mtl.weighting.kind"], plain["mtl.aggregator"]) == ("uniform", "sum")
    assert (plain["mtl.gate.kind"], plain["stop.patience"]) == ("none", 0)
    assert (plain["optim.schedule"], plain["optim.accum_steps"]) == ("constant", 1)
    added = (
        *("floor", "cap", "jitter", "time_mask", "crop", "source_dropout"),
        *("label_smoothing", "_weight", "warmup_start"),
    )
    off = {path: value for path, value in plain.items() if path.endswith(added)}
    del off["loss.transition.pos_weight"]  # of a kind that is not on
    assert len(off) == 18
    assert set(off.values()) == {0.0}


def test_every_section_can_be_compared_and_changed():
    def frozen(section):
        assert type(section).__dataclass_params__.frozen
        for field in fields(section):
            if is_dataclass(value := getattr(section, field.name)):
                frozen(value)

    frozen(HanConfig())
    assert HanConfig() == HanConfig()
    assert hash(documented()) != hash(HanConfig())


def test_the_documents_size():
    config = documented()
    told = flatten(config)
    assert (told["data.windows.days"], told["data.windows.months"]) == (365, 12)
    assert (told["model.width"], told["model.heads"], told["model.source_layers"]) == (128, 8, 4)
    assert told["optim.batch_size"] * told["optim.accum_steps"] == 32
    assert (told["optim.lr"], told["optim.weight_decay"]) == (1e-4, 0.01)
    assert (told["stop.patience"], told["model.dropout"]) == (30, 0.1)


def test_the_documented_network_is_built_and_speaks():
    splits = drawn()
    assert isinstance(splits.panel, Panel)
    series = series_of(documented().data, splits, CPU)
    network = HanNetwork(series.shape, documented().model).eval()
    count = sum(network.components().values())
    assert count == sum(parameter.numel() for parameter in network.parameters())
    assert 1e6 < count < 3e7  # 7.3 to 26.9 million in the source document
    with torch.no_grad():
        said = network(series.batch(series.anchors("test")[:1]))
    assert said.daily_forecast.shape == (1, 7, series.shape.forecast)
    assert replace(said, weights={}).regime.isfinite().all()

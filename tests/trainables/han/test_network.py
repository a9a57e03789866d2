import math
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import pytest
import torch

from tests.trainables.han.drawn import changed, drawn_batch, drawn_shape
from trainables.han.batch import AHEAD, REGIMES, TASKS, Observed, Outputs
from trainables.han.network import HanNetwork, observation_density
from trainables.han.shape import ModelConfig

SHAPE = drawn_shape()
LATENT: dict[str, Any] = {"forecast_head": "latent"}
KNOBS: dict[str, tuple[dict[str, Any], Any]] = {  # field: what else is on, another value
    "width": ({}, 32),
    "heads": ({}, 4),
    "source_layers": ({}, 2),
    "causal": ({}, False),
    "feature_embeddings": ({}, False),
    "compression": ({}, False),
    "positions": ({}, "weekday"),
    "geographic": ({}, False),
    "scale_km": ({}, 20.0),
    "fusion": ({}, "attention"),
    "fusion_layers": ({}, 2),
    "gate_temperature": ({}, 0.25),
    "kernels": ({}, "3-7-14"),
    "window": ({}, 7),
    "aggregation": ({}, "attention"),
    "cross_resolution": ({}, "daily_to_monthly"),
    "cross_layers": ({}, 2),
    "cross_gating": ({}, False),
    "temporal_layers": ({}, 0),
    "dropout": ({}, 0.5),
    "forecast_hidden": ({}, 32),
    "forecast_head": ({}, "latent"),
    "latent_hidden": (LATENT, 128),
    "horizon_embedding": (LATENT, False),
    "decoder": (LATENT, "low_rank"),
    "rank": (LATENT | {"decoder": "low_rank"}, 16),
    "uncertainty": ({}, "density"),
}


def network(seed: int = 0, **values: Any) -> HanNetwork:
    torch.manual_seed(seed)
    return HanNetwork(SHAPE, ModelConfig(**values))


def said(model: HanNetwork) -> Outputs:
    torch.manual_seed(1)  # of dropout
    outputs: Outputs = model(drawn_batch(SHAPE, scale=500.0))
    return outputs


def size(model: HanNetwork) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("knob", [field.name for field in fields(ModelConfig)])
def test_every_knob_does_something(knob: str) -> None:
    context, value = KNOBS[knob]
    assert getattr(ModelConfig(**context), knob) != value
    one, other = network(**context), network(**(context | {knob: value}))
    first, second = said(one), said(other)
    same = (
        size(one) == size(other)
        and torch.equal(first.state, second.state)
        and torch.equal(first.anomaly, second.anomaly)
    )
    assert not same


@pytest.mark.parametrize("head", ["features", "latent"])
def test_outputs_have_the_documented_shapes(head: str) -> None:
    model = network(forecast_head=head, uncertainty="learned")
    outputs, n = said(model), 3
    expected = {
        "regime": (n, REGIMES),
        "casualty": (n, 3),
        "anomaly": (n, 2),
        "transition": (n,),
        "forecast": (n, SHAPE.forecast),
        "daily_forecast": (n, AHEAD, SHAPE.forecast),
    }
    assert {task: tuple(outputs.of(task).shape) for task in TASKS} == expected
    assert outputs.state.shape == (n, 32)
    assert (outputs.latents is None) == (outputs.cycle is None) == (head == "features")
    if outputs.latents is not None and outputs.cycle is not None:
        assert outputs.latents.shape == (n, AHEAD, 16)
        assert outputs.cycle.shape == (n, 16)
    batch = drawn_batch(SHAPE)
    assert model.day_states(batch).shape == (n, SHAPE.days, 16)
    assert model.month_state(batch).shape == (n, 16)


def test_teachers_are_the_states_that_heads_read() -> None:
    model, batch = network().eval(), drawn_batch(SHAPE)
    state = model(batch).state
    assert torch.equal(model.day_states(batch)[:, -1], state[:, :16])
    assert torch.equal(model.month_state(batch), state[:, 16:])


@pytest.mark.parametrize("junk", [1e9, -7.0])
@pytest.mark.parametrize("values", [{}, LATENT | {"uncertainty": "density"}])
def test_what_was_not_observed_changes_no_bit(values: dict[str, Any], junk: float) -> None:
    model, batch = network(**values).eval(), drawn_batch(SHAPE)
    other = changed(batch, lambda s: Observed(s.values.masked_fill(~s.mask, junk), s.mask))
    first, second = model(batch), model(other)
    for task in TASKS:
        assert torch.equal(first.of(task), second.of(task))


@pytest.mark.parametrize("values", [{}, LATENT | {"decoder": "low_rank", "fusion": "concat"}])
def test_components_add_up(values: dict[str, Any]) -> None:
    model = network(**values)
    components = model.components()
    assert sum(components.values()) == size(model)
    heads = sum(p.numel() for p in model.heads.parameters())
    names = ("forecast_head", "daily_forecast_head", "prediction_heads")
    assert sum(components[name] for name in names) == heads
    assert min(components.values()) > 0


def test_states_predicted_make_the_daily_head_small() -> None:
    raw, latent = network().components(), network(**LATENT).components()
    key = "daily_forecast_head"
    assert {name for name in raw if raw[name] != latent[name]} == {key}
    expected = 33 * 64 + AHEAD * 64 + 65 * 16 + 16 + 17 * SHAPE.forecast
    assert latent[key] == expected
    assert raw[key] == 33 * 128 + 129 * AHEAD * SHAPE.forecast


@pytest.mark.parametrize(("width", "heads", "days"), [(128, 8, 365), (64, 4, 365)])
def test_the_documented_sizes_run(width: int, heads: int, days: int) -> None:
    shape = drawn_shape(days=days, months=12)
    config = ModelConfig(width=width, heads=heads, source_layers=4, fusion_layers=2)
    torch.manual_seed(0)
    model = HanNetwork(shape, config).eval()
    with torch.inference_mode():
        outputs = model(drawn_batch(shape, n=1))
    for task in TASKS:
        assert torch.isfinite(outputs.of(task)).all()


def test_one_seed_one_network() -> None:
    first, again, other = network(0).state_dict(), network(0).state_dict(), network(1).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_dropout_matters_in_training_alone() -> None:
    dropping, whole = network(dropout=0.5), network(dropout=0.0)
    assert not torch.equal(said(dropping).state, said(whole).state)
    assert torch.equal(said(dropping.eval()).state, said(whole.eval()).state)


def test_priors_are_what_heads_say_at_first() -> None:
    model = network(seed=3)
    monthly = torch.linspace(-1e4, 1e4, SHAPE.forecast)
    shares = torch.tensor([0.7, 0.2, 0.07, 0.03])
    model.set_priors(
        {
            "regime": shares.log(),
            "transition": torch.tensor([math.log(0.015 / 0.985)]),
            "casualty": torch.tensor([0.0, 5.0, 1.0]),
            "anomaly": torch.tensor([2.0]),
            "forecast": monthly,
            "daily_forecast": monthly,
        }
    )
    outputs = said(model)
    assert torch.equal(outputs.forecast, monthly.expand(3, -1))
    assert torch.equal(outputs.daily_forecast, monthly.expand(3, AHEAD, -1))
    for head in ("regime", "casualty", "transition"):
        model.heads[head].last.weight.data.zero_()  # type: ignore[union-attr,operator]
    outputs = said(model)
    torch.testing.assert_close(outputs.regime.softmax(dim=-1), shares.expand(3, -1))
    torch.testing.assert_close(outputs.transition.sigmoid(), torch.full((3,), 0.015))
    assert torch.equal(outputs.casualty, torch.tensor([0.0, 5.0, 1.0]).expand(3, -1))


def test_density_counts_sources_alike() -> None:
    batch = drawn_batch(SHAPE, n=2)
    every = changed(batch, lambda s: Observed(s.values, torch.ones_like(s.mask)))
    assert torch.equal(observation_density(every), torch.ones(2))
    blind = {"fires": Observed(every.daily["fires"].values, torch.zeros(2, 32, 5).bool())}
    one_less = replace(every, daily={**every.daily, **blind})
    torch.testing.assert_close(observation_density(one_less), torch.full((2,), 5 / 6))


def test_uncertainty_grows_as_observations_are_removed() -> None:
    model, batch = network(uncertainty="density").eval(), drawn_batch(SHAPE)
    sds = [model(batch).anomaly[:, 1]]
    for share in (0.7, 0.4, 0.1, 0.0):
        rng = torch.Generator().manual_seed(4)

        def thinned(source: Observed, share: float = share, rng: torch.Generator = rng) -> Observed:
            keep = torch.rand(source.mask.shape, generator=rng) < share
            return Observed(source.values, source.mask & keep)

        sds.append(model(changed(batch, thinned)).anomaly[:, 1])
    for fuller, thinner in pairwise(sds):
        assert torch.all(thinner > fuller)


@pytest.mark.parametrize("values", [{}, LATENT | {"uncertainty": "learned"}])
def test_every_parameter_learns(values: dict[str, Any]) -> None:
    model = network(**values)
    for head in ("forecast", "daily_forecast"):  # past their zeros
        torch.nn.init.normal_(model.heads[head].last.weight)  # type: ignore[union-attr,arg-type]
    outputs = model(drawn_batch(SHAPE, n=8))
    said_all = [outputs.of(task).view(8, -1) for task in TASKS]
    said_all += [extra.flatten(1) for extra in (outputs.cycle,) if extra is not None]
    loss = torch.cat(said_all, dim=1).square().mean()
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own
    unread = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().max() > 0
    ]
    assert unread == []

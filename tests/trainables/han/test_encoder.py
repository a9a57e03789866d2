from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainables.han.drawn import changed, drawn_batch, drawn_shape
from trainables.han.batch import Batch, Observed
from trainables.han.daily_encoder import KERNELS
from trainables.han.encoder import HanEncoder
from trainables.han.shape import DataShape, ModelConfig

SHAPE = drawn_shape()


def encoder(shape: DataShape = SHAPE, **fields: Any) -> HanEncoder:
    torch.manual_seed(0)
    return HanEncoder(shape, ModelConfig(**fields)).eval()


def on_day(batch: Batch, day: int) -> Batch:
    """Return a batch in which something else happened on one day: values, and what is known."""

    def other(source: Observed) -> Observed:
        values, mask = source.values.clone(), source.mask.clone()
        values[:, day] += 3
        mask[:, day] ^= torch.rand(mask[:, day].shape) > 0.5
        mask[:, day, ..., 0] = True
        return Observed(values, mask)

    return replace(changed(replace(batch, monthly={}), other), monthly=batch.monthly)


def in_month(batch: Batch, month: int) -> Batch:
    monthly = {}
    for name, source in batch.monthly.items():
        values, mask = source.values.clone(), source.mask.clone()
        values[:, month] += 3
        mask[:, month] = True
        monthly[name] = Observed(values, mask)
    return replace(batch, monthly=monthly)


def steps(before: Tensor, after: Tensor) -> list[int]:
    """Return which steps, on the second axis, have changed."""
    return (before != after).any(dim=-1).any(dim=0).nonzero().flatten().tolist()


CONTEXTS = [
    *({"kernels": kernels} for kernels in KERNELS),
    *({"window": window} for window in (0, 7)),
    *({"fusion": fusion} for fusion in ("concat", "attention")),
    {"geographic": False},
    {"source_layers": 2, "fusion_layers": 2},
    {"feature_embeddings": False, "positions": "none"},
]


@pytest.mark.parametrize("fields", CONTEXTS)
def test_no_day_before_hears_of_a_change(fields: dict[str, Any]) -> None:
    model, batch = encoder(**fields), drawn_batch(SHAPE)
    before = model.days(batch)
    for day in (0, 13, 31):
        heard = steps(before, model.days(on_day(batch, day)))
        assert heard[0] == day


def test_without_a_causal_mask_days_before_hear_of_it() -> None:
    model, batch = encoder(causal=False), drawn_batch(SHAPE)
    assert steps(model.days(batch), model.days(on_day(batch, 31)))[0] == 0


@pytest.mark.parametrize("aggregation", ["mean", "attention", "constrained"])
@pytest.mark.parametrize("cross_resolution", ["none", "daily_to_monthly", "both"])
def test_no_month_before_hears_of_a_change(aggregation: str, cross_resolution: str) -> None:
    batch = drawn_batch(SHAPE)
    model = encoder(aggregation=aggregation, cross_resolution=cross_resolution)
    before = model(batch).months
    for month in (0, 3):
        heard = steps(before, model(in_month(batch, month)).months)
        assert heard == list(range(month, SHAPE.months))
    day = 20  # of the last month: those before know nothing of it
    assert batch.month[0, day] == SHAPE.months - 1
    assert steps(before, model(on_day(batch, day)).months) == [SHAPE.months - 1]


def test_without_a_causal_mask_months_before_hear_of_it() -> None:
    model, batch = encoder(causal=False), drawn_batch(SHAPE)
    heard = steps(model(batch).months, model(in_month(batch, 4)).months)
    assert heard == list(range(SHAPE.months))


@pytest.mark.parametrize("junk", [1e9, -7.0])
@pytest.mark.parametrize("fusion", ["concat", "attention", "gated"])
def test_what_was_not_observed_changes_no_bit(fusion: str, junk: float) -> None:
    model, batch = encoder(fusion=fusion), drawn_batch(SHAPE)
    other = changed(batch, lambda s: Observed(s.values.masked_fill(~s.mask, junk), s.mask))
    first, second = model(batch), model(other)
    assert torch.equal(first.days, second.days)
    assert torch.equal(first.months, second.months)
    for name, weights in first.weights.items():
        assert torch.equal(weights, second.weights[name])


def unobserved(source: Observed) -> Observed:
    return Observed(source.values, torch.zeros_like(source.mask))


@pytest.mark.parametrize("aggregation", ["mean", "attention", "constrained"])
@pytest.mark.parametrize("fusion", ["concat", "attention", "gated"])
def test_without_any_observation_all_is_finite(fusion: str, aggregation: str) -> None:
    model = encoder(fusion=fusion, aggregation=aggregation)
    full = drawn_batch(SHAPE)
    one_source = replace(full, daily={**full.daily, "fires": unobserved(full.daily["fires"])})
    for batch in (one_source, changed(full, unobserved)):
        model.zero_grad()
        encoded = model(batch)
        encoded.state.square().sum().backward()
        assert torch.isfinite(encoded.days).all()
        assert torch.isfinite(encoded.months).all()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_the_state_is_that_of_the_anchor() -> None:
    encoded = encoder()(drawn_batch(SHAPE))
    assert torch.equal(encoded.state[:, :16], encoded.days[:, -1])
    assert torch.equal(encoded.state[:, 16:], encoded.months[:, -1])


def test_windows_do_not_hear_each_other() -> None:
    model, batch = encoder(), drawn_batch(SHAPE, n=4)
    whole = model(batch)
    half = changed(batch, lambda s: Observed(s.values[:2], s.mask[:2]))
    calendar = ("month", "weekday", "season", "month_season")
    half = replace(half, **{name: getattr(batch, name)[:2] for name in calendar})
    torch.testing.assert_close(model(half).state, whole.state[:2])


def test_weights_are_shares_and_carry_no_gradient() -> None:
    weights = encoder()(drawn_batch(SHAPE)).weights
    assert weights["fusion"].shape == (3, SHAPE.days, 4)
    assert weights["aggregation"].shape == (3, SHAPE.months, SHAPE.days)
    torch.testing.assert_close(weights["fusion"].sum(dim=-1), torch.ones(3, SHAPE.days))
    assert not any(weight.requires_grad for weight in weights.values())
    assert not encoder(fusion="concat", aggregation="mean")(drawn_batch(SHAPE)).weights


@pytest.mark.parametrize("without", ["daily", "regional", "monthly"])
def test_a_kind_of_source_may_be_missing(without: str) -> None:
    none: dict[str, Any] = {without: {}}
    shape, batch = replace(SHAPE, **none), replace(drawn_batch(SHAPE), **none)
    assert torch.isfinite(encoder(shape)(batch).state).all()


def test_parts_start_alike_whatever_the_others_are() -> None:
    gated, plain = encoder().state_dict(), encoder(fusion="concat", kernels="none").state_dict()
    assert gated.keys() != plain.keys()
    for name in gated.keys() & plain.keys():
        if not name.startswith(("daily_fusion", "daily_temporal_encoder")):
            assert torch.equal(gated[name], plain[name])

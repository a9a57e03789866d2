import math

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.pi_tft.batches import Batch, to_batch
from trainables.pi_tft.blocks import (
    GatedMix,
    GatedResidual,
    InterpretableAttention,
    LinearMix,
    Packing,
    SequenceDropout,
    VariableSelection,
)
from trainables.pi_tft.model import Encoder, PiTftNetwork
from trainables.pi_tft.sequences import Splits
from trainables.techniques.pooling import Pooling

WIDTH = 8


@pytest.fixture
def batch(splits: Splits) -> Batch:
    return to_batch(splits.train, torch.device("cpu"))


def network(
    *, pooling: Pooling = "last", gated: bool = False, layers: int = 1, dropout: float = 0.0
) -> PiTftNetwork:
    torch.manual_seed(0)
    encoder = Encoder(
        5,
        3,
        width=WIDTH,
        layers=layers,
        heads=2,
        dropout=dropout,
        gated_selection=gated,
        pooling=pooling,
        pool_hidden=4,
    )
    return PiTftNetwork(encoder, WIDTH, prior_logit=-1.5)


def packing_of(mask: Tensor) -> Packing:
    return Packing(mask, torch.arange(len(mask)), len(mask))


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
def test_padded_inputs_change_nothing(batch: Batch, pooling: Pooling, gated: bool) -> None:
    model = network(pooling=pooling, gated=gated, layers=2).eval()
    temporal, mask, time, static = batch.inputs
    other = torch.where(mask.unsqueeze(-1), temporal, torch.full_like(temporal, 50.0))
    later = torch.where(mask, time, torch.full_like(time, 99.0))
    logits, miss = model(temporal, mask, time, static)
    changed, changed_miss = model(other, mask, later, static)
    assert torch.equal(logits[:, -1], changed[:, -1])
    assert torch.equal(logits[mask], changed[mask])
    assert torch.equal(miss, changed_miss)


@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
def test_more_padding_on_the_left_changes_nothing(batch: Batch, pooling: Pooling) -> None:
    model = network(pooling=pooling).eval()
    temporal, mask, time, static = batch.inputs
    wider = (
        torch.nn.functional.pad(temporal, (0, 0, 3, 0)),
        torch.nn.functional.pad(mask, (3, 0)),
        torch.nn.functional.pad(time, (3, 0)),
        static,
    )
    assert torch.allclose(model(*batch.inputs)[0][:, -1], model(*wider)[0][:, -1], atol=1e-5)


@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
def test_a_forecast_knows_nothing_of_later_messages(batch: Batch, pooling: Pooling) -> None:
    model = network(pooling=pooling, layers=2).eval()
    temporal, mask, time, static = batch.inputs
    future = temporal.clone()
    future[:, -1] += 5.0
    before, after = model(temporal, mask, time, static)[0], model(future, mask, time, static)[0]
    assert torch.allclose(before[:, :-1][mask[:, :-1]], after[:, :-1][mask[:, :-1]], atol=1e-5)
    assert not torch.allclose(before[:, -1], after[:, -1], atol=1e-3)


def test_events_do_not_see_each_other(batch: Batch) -> None:
    model = network(pooling="attention").eval()
    together = model(*batch.inputs)[0][:, -1]
    alone = torch.cat([model(*batch.take(torch.tensor([i])).inputs)[0][:, -1] for i in range(8)])
    assert torch.allclose(together[:8], alone, atol=1e-5)


def test_an_event_without_messages_is_finite_with_finite_gradients(batch: Batch) -> None:
    model = network(pooling="attention")
    temporal, mask, time, static = batch.take(torch.arange(4)).inputs
    mask[0] = False
    logits, miss = model(temporal, mask, time, static)
    (logits.sum() + miss.sum()).backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
def test_what_the_network_looks_at_sums_to_one_over_real_messages(
    batch: Batch, pooling: Pooling
) -> None:
    seen = network(pooling=pooling).eval().encoder.inspect(*batch.inputs)
    mask = batch.mask
    assert torch.allclose(seen.pooling.sum(dim=1), torch.ones(len(batch)), atol=1e-5)
    assert torch.allclose(seen.attention.sum(dim=2)[mask], torch.ones(int(mask.sum())), atol=1e-5)
    assert (seen.attention[:, -1][~mask] == 0).all()
    assert torch.allclose(seen.selection.sum(dim=2), mask.float(), atol=1e-5)


def test_every_parameter_of_every_variant_learns(batch: Batch) -> None:
    for gated in (False, True):
        model = network(pooling="attention", gated=gated, layers=2)
        logits, miss = model(*batch.inputs)
        (logits[:, -1].square().sum() + miss.square().sum()).backward()
        idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        assert idle == []


def test_common_parts_start_alike_whatever_the_pool() -> None:
    last, attention = network(pooling="last"), network(pooling="attention")
    different = dict(attention.state_dict())
    for name, value in last.state_dict().items():
        assert torch.equal(value, different[name]), name


def test_the_risk_head_starts_at_the_base_rate() -> None:
    assert network().risk_head.bias.tolist() == [-1.5]


def test_copies_of_an_event_share_its_dropout(batch: Batch) -> None:
    model = network(dropout=0.5, pooling="attention").train()
    temporal, mask, time, static = batch.inputs
    twice = torch.arange(len(batch)).repeat(2)
    torch.manual_seed(3)
    both = model.encoder(
        torch.cat([temporal] * 2), torch.cat([mask] * 2), torch.cat([time] * 2), static, twice
    )
    first, second = both.chunk(2)
    assert torch.allclose(first, second, atol=1e-6)
    torch.manual_seed(3)
    assert torch.allclose(first, model.encoder(*batch.inputs), atol=1e-6)


def test_dropout_is_one_mask_per_event_scaled_and_off_in_evaluation() -> None:
    mask = torch.tensor([[True, True, True], [False, True, True]])
    packing = packing_of(mask)
    dropout = SequenceDropout(0.5).train()
    torch.manual_seed(0)
    x = torch.ones(5, 400)
    out = dropout(x, packing)
    assert torch.equal(out[0], out[1])
    assert torch.equal(out[3], out[4])
    assert not torch.equal(out[0], out[3])
    assert set(out.unique().tolist()) == {0.0, 2.0}
    assert 0.35 < float((out == 0).float().mean()) < 0.65
    assert torch.equal(dropout.eval()(x, packing), x)


def test_packing_lays_rows_out_and_back() -> None:
    mask = torch.tensor([[False, True, True], [True, True, True], [False, False, True]])
    packing = packing_of(mask)
    x = torch.arange(12.0).view(6, 2)
    grid = packing.spread(x)
    assert torch.equal(grid[mask], x)
    assert (grid[~mask] == 0).all()
    assert torch.equal(packing.gather(grid), x)
    assert packing.events.tolist() == [0, 0, 1, 1, 1, 2]


def test_attention_is_its_formula() -> None:
    torch.manual_seed(0)
    mask = torch.tensor([[False, True, True, True]])
    packing = packing_of(mask)
    attention = InterpretableAttention(width=6, heads=3)
    x = torch.randn(3, 6)
    got, weights = attention(x, packing)
    projected = attention.project(x)
    query, key, value = torch.split(projected, [6, 6, 2], dim=-1)
    mean = torch.zeros(3, 3)
    for head in range(3):
        part = slice(2 * head, 2 * head + 2)
        scores = query[:, part] @ key[:, part].t() / math.sqrt(2)
        scores = scores.masked_fill(~torch.ones(3, 3).tril().bool(), -torch.inf)
        mean += scores.softmax(dim=-1) / 3
    assert torch.allclose(weights[0, 1:, 1:], mean, atol=1e-6)
    assert torch.allclose(got, mean @ value @ attention.out.weight.t(), atol=1e-6)


def test_gated_residual_is_its_formula() -> None:
    torch.manual_seed(0)
    grn = GatedResidual(4, 6, 3, 0.0, n_context=2)
    x, context = torch.randn(5, 4), torch.randn(5, 2)
    hidden, skip = torch.split(grn.entry(x), [6, 3], dim=-1)
    gate = grn.gate.both(torch.nn.functional.elu(hidden + context @ grn.context.weight.t()))
    inner = skip + gate[:, :3] * torch.sigmoid(gate[:, 3:])
    centred = inner - inner.mean(dim=1, keepdim=True)
    expected = centred / (centred.square().mean(dim=1, keepdim=True) + 1e-5).sqrt()
    assert torch.allclose(grn(x, context), expected, atol=1e-5)


def test_fused_mixes_are_the_sum_over_variables() -> None:
    torch.manual_seed(0)
    x = torch.randn(7, 4)
    weights = torch.rand(7, 4).softmax(dim=1)
    linear, gated = LinearMix(4, WIDTH), GatedMix(4, WIDTH)
    by_hand = sum(
        weights[:, j : j + 1] * (x[:, j : j + 1] * linear.slope[j] + linear.offset[j])
        for j in range(4)
    )
    assert torch.allclose(linear(x, weights), by_hand, atol=1e-6)
    total = torch.zeros(7, WIDTH)
    for j in range(4):
        scalar = x[:, j : j + 1]
        hidden = torch.nn.functional.elu(scalar * gated.hidden_slope[j] + gated.hidden_offset[j])
        gate = hidden @ gated.gate_weight[j] + gated.gate_bias[j]
        inner = scalar * gated.skip_slope[j] + gated.skip_offset[j]
        inner = inner + gate[:, :WIDTH] * torch.sigmoid(gate[:, WIDTH:])
        norm = torch.nn.functional.layer_norm(
            inner, (WIDTH,), gated.norm_gain[j], gated.norm_bias[j]
        )
        total = total + weights[:, j : j + 1] * norm
    assert torch.allclose(gated(x, weights), total, atol=1e-5)


def test_selection_depends_on_the_static_context() -> None:
    torch.manual_seed(0)
    selection = VariableSelection(4, WIDTH, 0.0, n_context=WIDTH, gated=False)
    x = torch.randn(3, 4)
    packing = packing_of(torch.ones(3, 1, dtype=torch.bool))
    _, first = selection(x, torch.zeros(3, WIDTH), packing)
    _, second = selection(x, torch.ones(3, WIDTH), packing)
    assert not torch.allclose(first, second)
    assert np.allclose(first.sum(dim=1).detach(), 1.0, atol=1e-6)

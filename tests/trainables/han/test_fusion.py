import math

import pytest
import torch
from torch import Tensor

from trainables.han.fusion import AttentionFusion, ConcatFusion, SourceAttention, fusion
from trainables.han.shape import Fusion

SOURCES, WIDTH, ROWS, DAYS = 3, 8, 2, 20


def built(
    kind: Fusion, *, temperature: float = 1.0, causal: bool = True, layers: int = 1
) -> ConcatFusion | AttentionFusion:
    torch.manual_seed(0)
    return fusion(
        kind,
        SOURCES,
        width=WIDTH,
        heads=2,
        layers=layers,
        dropout=0.0,
        temperature=temperature,
        causal=causal,
    ).eval()


def inputs() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(SOURCES, WIDTH, ROWS, DAYS, generator=rng)
    return x, torch.randn(WIDTH, ROWS, DAYS, generator=rng)


@pytest.mark.parametrize("kind", ["concat", "attention", "gated"])
def test_no_day_before_hears_of_a_change(kind: Fusion) -> None:
    model, (x, where) = built(kind), inputs()
    other = x.clone()
    other[..., 10] += torch.randn(SOURCES, WIDTH, ROWS)
    changed = (model(x, where)[0] != model(other, where)[0]).flatten(0, 2).any(dim=0)
    after = list(range(10, DAYS)) if kind == "gated" else [10]  # a gate remembers 14 days
    assert changed.nonzero().flatten().tolist() == after


def test_a_gate_that_is_not_causal_looks_ahead() -> None:
    model, (x, where) = built("gated", causal=False), inputs()
    other = x.clone()
    other[..., 10] += 1
    assert not torch.equal(model(x, where)[0][..., 8], model(other, where)[0][..., 8])


def test_every_source_is_heard() -> None:
    for kind in ("concat", "attention", "gated"):
        x, where = inputs()
        for source in range(SOURCES):
            other = x.clone()
            other[source] += torch.randn(WIDTH, ROWS, DAYS)
            model = built(kind)
            assert not torch.allclose(model(x, where)[0], model(other, where)[0])


def test_sources_have_names() -> None:
    x, where = inputs()
    for kind in ("attention", "gated"):
        model = built(kind)
        assert not torch.allclose(model(x, where)[0], model(x.flip(0), where)[0])


def test_the_gate_sums_to_one_and_weighs_the_sources() -> None:
    model, (x, where) = built("gated"), inputs()
    assert isinstance(model, AttentionFusion)
    days, weights = model(x, where)
    assert weights is not None
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(ROWS, DAYS))
    with torch.no_grad():
        model.gate.prior[1] = 1e4  # type: ignore[union-attr]
    alone, weights = model(x, where)
    assert torch.all(weights[..., 1] == 1)
    without = AttentionFusion(SOURCES, width=WIDTH, heads=2, layers=1, dropout=0.0, gate=None)
    without.load_state_dict(model.state_dict(), strict=False)
    across = (x.transpose(0, 1) + without.source).unsqueeze(0)
    torch.testing.assert_close(alone, without.blocks[0](across)[:, :, 1])
    assert not torch.allclose(days, alone)


def test_a_hot_gate_is_a_mean_and_a_cold_one_picks() -> None:
    x, where = inputs()
    hot, even, cold = (built("gated", temperature=t)(x, where)[1] for t in (1e6, 1.0, 1e-6))
    assert hot is not None
    assert even is not None
    assert cold is not None
    torch.testing.assert_close(hot, torch.full_like(hot, 1 / SOURCES), atol=1e-4, rtol=0)
    assert torch.equal(cold.max(dim=-1).values.round(), torch.ones(ROWS, DAYS))
    assert hot.max() < even.max() < cold.max()


def test_only_a_gate_has_weights() -> None:
    x, where = inputs()
    assert built("concat")(x, where)[1] is None
    assert built("attention")(x, where)[1] is None


def test_attention_across_sources_is_that_of_the_paper() -> None:
    layer, x = SourceAttention(WIDTH, 2), torch.randn(1, WIDTH, SOURCES, 1, DAYS)
    query, key, value = layer.project(x).squeeze(0).squeeze(2).chunk(3)  # (width, sources, days)
    heard, size = torch.zeros(WIDTH, SOURCES, DAYS), WIDTH // 2
    for head in (slice(0, size), slice(size, WIDTH)):
        scores = torch.einsum("kid,kjd->ijd", query[head], key[head]) / math.sqrt(size)
        heard[head] = torch.einsum("ijd,kjd->kid", scores.softmax(dim=1), value[head])
    expected = layer.out(heard.unsqueeze(0).unsqueeze(3))
    torch.testing.assert_close(layer(x), expected)


def test_layers_add_up() -> None:
    one, two = (sum(p.numel() for p in built("attention", layers=n).parameters()) for n in (1, 2))
    three = sum(p.numel() for p in built("attention", layers=3).parameters())
    assert two - one == three - two > 0

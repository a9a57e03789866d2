import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from trainables.han.batch import Observed
from trainables.han.blocks import mask_bias, visible
from trainables.han.source_encoder import FeatureEmbedding, SourceEncoder, compress

FEATURES = (3, 1, 5)
WIDTH = 8


def sources(seed: int = 0) -> list[Observed]:
    rng = torch.Generator().manual_seed(seed)
    shapes = [(2, 4, count) for count in FEATURES]
    return [
        Observed(torch.randn(shape, generator=rng), torch.rand(shape, generator=rng) > 0.4)
        for shape in shapes
    ]


def embedding(*, embeddings: bool = True, compression: bool = True) -> FeatureEmbedding:
    torch.manual_seed(1)
    return FeatureEmbedding(FEATURES, WIDTH, embeddings=embeddings, compression=compression)


def by_hand(layer: FeatureEmbedding, given: list[Observed]) -> Tensor:
    """One source, row and feature after the other."""
    out, first = torch.zeros(len(given), WIDTH, 2, 4), 0
    for place, (source, count) in enumerate(zip(given, FEATURES, strict=True)):
        own = slice(first, first + count)
        known = source.mask.float()
        vectors = layer.bias[place] + (source.values * known) @ layer.weight[own]
        if layer.feature is not None and layer.status is not None:
            absent, present = layer.status[place]
            share = known.mean(dim=-1, keepdim=True)
            vectors = vectors + known @ layer.feature[own] + absent + share * (present - absent)
        out[place], first = vectors.permute(2, 0, 1), first + count
    return out


@pytest.mark.parametrize("embeddings", [False, True])
def test_embedding_by_hand(embeddings: bool) -> None:
    layer, batch = embedding(embeddings=embeddings), sources()
    vectors, observed = layer(batch)
    torch.testing.assert_close(vectors, by_hand(layer, batch))
    for place, source in enumerate(batch):
        assert torch.equal(observed[place, 0], source.mask.any(dim=-1))


def test_no_padding_has_weights() -> None:
    counted = {name: value.numel() for name, value in embedding().named_parameters()}
    assert counted == {
        "weight": 9 * WIDTH,
        "bias": 3 * WIDTH,
        "feature": 9 * WIDTH,
        "status": 6 * WIDTH,
    }


@pytest.mark.parametrize("junk", [1e9, -3.0, float("inf"), float("nan")])
@pytest.mark.parametrize("embeddings", [False, True])
def test_what_was_not_observed_is_not_read(junk: float, embeddings: bool) -> None:
    layer, batch = embedding(embeddings=embeddings), sources()
    other = [Observed(s.values.masked_fill(~s.mask, junk), s.mask) for s in batch]
    assert torch.equal(layer(batch)[0], layer(other)[0])


def test_embeddings_tell_zero_from_not_observed() -> None:
    batch = sources()
    zeros = [Observed(torch.zeros_like(s.values), s.mask) for s in batch]
    fewer = [Observed(s.values, torch.zeros_like(s.mask)) for s in zeros]
    plain, rich = embedding(embeddings=False), embedding()
    assert torch.equal(plain(zeros)[0], plain(fewer)[0])
    assert not torch.allclose(rich(zeros)[0], rich(fewer)[0])


@given(st.floats(-1e6, 1e6, width=32), st.floats(-1e6, 1e6, width=32))
def test_compression_is_odd_and_keeps_the_order(x: float, y: float) -> None:
    low, high = sorted((x, y))
    squeezed = compress(torch.tensor([low, high, -low]))
    assert squeezed[0] <= squeezed[1]
    assert squeezed[2] == -squeezed[0]
    if abs(x) <= 100:
        assert compress(torch.tensor(x)).item() == pytest.approx(x, rel=1e-6, abs=1e-30)


def test_compression_matters_for_large_values_only() -> None:
    for scale, same in ((10.0, True), (1000.0, False)):
        batch = [Observed(scale * s.values.sign(), s.mask) for s in sources()]
        with_it, without = embedding()(batch)[0], embedding(compression=False)(batch)[0]
        assert torch.allclose(with_it, without) == same


def encoder(layers: int = 1) -> SourceEncoder:
    torch.manual_seed(2)
    return SourceEncoder(3, width=WIDTH, heads=2, layers=layers, dropout=0.0)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("causal", [False, True])
def test_a_day_hears_the_past_alone(layers: int, causal: bool) -> None:
    x, observed = torch.randn(3, WIDTH, 2, 6), torch.ones(3, 1, 2, 6, dtype=torch.bool)
    where, bias = torch.zeros(WIDTH, 2, 6), mask_bias(visible(6, causal=causal))
    other = x.clone()
    other[..., 3] += torch.randn(WIDTH, 2)
    model = encoder(layers)
    before, after = model(x, observed, where, bias), model(other, observed, where, bias)
    assert torch.equal(before[..., :3], after[..., :3]) == causal
    for day in (3, 4, 5):
        assert not torch.allclose(before[..., day], after[..., day])


def test_a_day_without_any_observation_is_a_token() -> None:
    x, observed = torch.randn(3, WIDTH, 2, 6), torch.ones(3, 1, 2, 6, dtype=torch.bool)
    observed[1, :, 0, 4] = False
    where, bias = torch.zeros(WIDTH, 2, 6), mask_bias(visible(6, causal=True))
    other = x.clone()
    other[1, :, 0, 4] = 1e9
    model = encoder()
    assert torch.equal(model(x, observed, where, bias), model(other, observed, where, bias))
    with torch.no_grad():
        token = model.no_observation[1].flatten().clone()
        other[1, :, 0, 4] = token
    seen = torch.ones_like(observed)
    assert torch.equal(model(x, observed, where, bias)[1], model(other, seen, where, bias)[1])

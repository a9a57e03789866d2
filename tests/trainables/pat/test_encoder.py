import math
from typing import Any

import pytest
import torch
from torch import Tensor

from search.errors import TrainableError
from trainables.pat.encoder import Attention, PatEncoder, PostNormBlock, SelfAttention
from trainables.pat.patches import Embedding
from trainables.pat.sizes import SIZES, Size

TINY = Size(patch=6, heads=2, layers=2, width=8, key=5, feed_forward=12)


def encoder(
    embedding: Embedding = "linear",
    *,
    size: Size = TINY,
    dropout: float = 0.0,
    attention: Attention = "fused",
    conv_channels: int | None = None,
) -> PatEncoder:
    torch.manual_seed(0)
    return PatEncoder(
        size,
        embedding,
        conv_channels=conv_channels,
        dropout=dropout,
        attention=attention,
    )


def activity(rows: int = 3, minutes: int = 60) -> Tensor:
    return torch.randn(rows, minutes, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("size", "embedding", "expected"),
    [
        ("S", "linear", 274_720),
        ("M", "linear", 993_440),
        ("L", "linear", 1_984_192),
        ("L", "conv", 1_983_616),
    ],
)
def test_parameters_as_published(size: str, embedding: Embedding, expected: int) -> None:
    model = PatEncoder(SIZES[size], embedding)
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


@pytest.mark.parametrize("name", list(SIZES))
def test_parameters_by_hand(name: str) -> None:
    size = SIZES[name]
    inner = 96 * size.heads
    attention = 3 * (96 * inner + inner) + inner * 96 + 96
    block = attention + (96 * 256 + 256) + (256 * 96 + 96) + 2 * 2 * 96
    expected = size.patch * 96 + 96 + size.layers * block
    assert sum(parameter.numel() for parameter in PatEncoder(size).parameters()) == expected


@pytest.mark.parametrize("other", [{}, {"conv_channels": 4}, {"conv_pool": "flatten"}])
def test_encoders_of_one_seed_differ_in_their_embedding_only(other: dict[str, Any]) -> None:
    found = []
    arms: list[tuple[Embedding, dict[str, Any]]] = [("linear", {}), ("conv", other)]
    for embedding, conv in arms:
        torch.manual_seed(0)
        found.append((PatEncoder(TINY, embedding, **conv), torch.rand(9)))
    (linear, after), (conv_, afterwards) = found
    theirs = conv_.blocks.state_dict()
    assert all(
        torch.equal(value, theirs[name]) for name, value in linear.blocks.state_dict().items()
    )
    assert torch.equal(after, afterwards)  # so a head drawn after either is the same


def test_another_seed_draws_another_embedding() -> None:
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        weights.append(next(PatEncoder(TINY).patches.parameters()))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("minutes", [6, 12, 1440])
def test_any_multiple_of_the_patch(minutes: int) -> None:
    assert encoder()(activity(2, minutes)).shape == (2, minutes // 6, 8)


def test_another_length_is_refused() -> None:
    with pytest.raises(TrainableError, match="6 minutes; it is 61"):
        encoder()(activity(2, 61))


@pytest.mark.parametrize(("name", "kind"), [("embedding", "cov"), ("attention", "fuse")])
def test_another_kind_is_refused(name: str, kind: str) -> None:
    with pytest.raises(TrainableError, match=f"no {name} '{kind}'; did you mean"):
        PatEncoder(TINY, **{name: kind})  # type: ignore[arg-type]  # what no type checker saw


@pytest.mark.parametrize("embedding", ["linear", "conv"])
def test_post_norm_leaves_mean_0_and_variance_1(embedding: Embedding) -> None:
    tokens = encoder(embedding)(10 * activity())
    assert torch.allclose(tokens.mean(dim=-1), torch.zeros(3, 10), atol=1e-5)
    assert torch.allclose(tokens.var(dim=-1, correction=0), torch.ones(3, 10), atol=1e-3)


def test_the_norm_divides_by_the_published_epsilon() -> None:
    norms = [m for m in encoder().modules() if isinstance(m, torch.nn.LayerNorm)]
    assert len(norms) == 4
    assert {norm.eps for norm in norms} == {1e-6}


def normed(x: Tensor) -> Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred / (centred.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()


def test_a_block_is_its_formula() -> None:
    torch.manual_seed(0)
    block, x = PostNormBlock(TINY, 0.0), torch.randn(2, 7, 8)
    for layer in (block.expand, block.contract):
        torch.nn.init.normal_(layer.bias)
    first = normed(x + block.attention(x))
    hidden = (first @ block.expand.weight.T + block.expand.bias).clamp_min(0)
    second = hidden @ block.contract.weight.T + block.contract.bias
    assert torch.allclose(block(x), normed(first + second), atol=1e-5)


def test_attention_is_its_formula() -> None:
    torch.manual_seed(0)
    attention, x = SelfAttention(8, 3, 5), torch.randn(2, 7, 8)
    torch.nn.init.normal_(attention.project.bias)
    query, key, value = attention.project(x).split(15, dim=-1)
    heads = []
    for head in range(3):
        part = slice(5 * head, 5 * head + 5)
        scores = query[..., part] @ key[..., part].mT / math.sqrt(5)
        heads.append(scores.softmax(dim=-1) @ value[..., part])
    expected = attention.out(torch.cat(heads, dim=-1))
    assert torch.allclose(attention(x), expected, atol=1e-6)


@pytest.mark.parametrize("minutes", [60, 6 * 1120])
def test_fused_and_plain_attention_agree(minutes: int) -> None:
    fused, plain = encoder(), encoder(attention="plain")
    x = activity(2, minutes)
    for model in (fused, plain):
        model(x).pow(3).sum().backward()
    assert torch.allclose(fused(x), plain(x), atol=1e-5)
    for (name, one), other in zip(fused.named_parameters(), plain.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        scale = max(1.0, float(one.grad.abs().max()))
        assert torch.allclose(one.grad, other.grad, atol=1e-4 * scale), name


def test_keys_do_not_learn_a_bias() -> None:
    model = encoder().double()
    model(activity().double()).pow(3).sum().backward()
    for block in model.blocks:
        assert isinstance(block, PostNormBlock)
        gradient = block.attention.project.bias.grad
        assert gradient is not None
        queries, keys, values = torch.split(gradient, 10)
        assert float(keys.abs().max()) < 1e-12  # softmax does not see what all keys share
        assert queries.abs().max() > 1e-8
        assert values.abs().max() > 1e-3


def test_blocks_see_all_tokens_and_no_order() -> None:
    model, tokens = encoder(), torch.randn(2, 10, 8)
    order = torch.randperm(10)
    assert torch.allclose(model.encode(tokens[:, order]), model.encode(tokens)[:, order], atol=1e-5)
    later = tokens.clone()
    later[:, -1] += 1.0
    moved = (model.encode(later) - model.encode(tokens)).abs().amax(dim=-1)
    assert (moved > 1e-6).all()


def test_positions_are_added_to_embedded_patches() -> None:
    model = encoder("conv")
    tokens = model.embed(torch.ones(1, 60))[0]
    expected = model.positions(10)
    assert torch.allclose(tokens - tokens[0], expected - expected[0], atol=1e-5)


@pytest.mark.parametrize("embedding", ["linear", "conv"])
def test_rows_do_not_see_each_other(embedding: Embedding) -> None:
    model, x = encoder(embedding), activity(4)
    alone = torch.cat([model(x[i : i + 1]) for i in range(4)])
    assert torch.allclose(model(x), alone, atol=1e-5)


@pytest.mark.parametrize(("embedding", "channels"), [("linear", None), ("conv", None), ("conv", 5)])
def test_every_parameter_learns(embedding: Embedding, channels: int | None) -> None:
    model = encoder(embedding, conv_channels=channels)
    model(activity()).pow(3).sum().backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_dropout_is_the_sizes_unless_given() -> None:
    assert PatEncoder(TINY).dropout == 0.1
    model, x = encoder(dropout=0.5), activity()
    assert not torch.equal(model(x), model(x))
    assert torch.equal(model.eval()(x), model(x))
    still = encoder(dropout=0.0)
    assert torch.equal(still.train()(x), still.eval()(x))
    assert torch.equal(still(x), model(x))


def test_dropout_is_on_attention_and_on_the_feed_forward_network() -> None:
    torch.manual_seed(0)
    block = PostNormBlock(TINY, 0.999999).train()
    x = torch.randn(2, 7, 8)
    assert torch.allclose(block(x), normed(x), atol=1e-3)  # nothing is left but the residuals


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_any_precision(dtype: torch.dtype) -> None:
    reference = encoder()(activity())
    got = encoder().to(dtype)(activity().to(dtype))
    assert got.dtype == dtype
    assert torch.allclose(got.to(reference.dtype), reference, atol=0.1)


@pytest.mark.parametrize("embedding", ["linear", "conv"])
@pytest.mark.parametrize("attention", ["fused", "plain"])
def test_mixed_precision(embedding: Embedding, attention: Attention) -> None:
    model, x = encoder(embedding, attention=attention), activity()
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model(x)
    assert torch.allclose(mixed.float(), model(x), atol=0.1)
    mixed.float().pow(3).sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in model.parameters())


def test_stages_are_all_parameters_once_in_order() -> None:
    model = encoder()
    stages = model.stages()
    assert stages == [model.patches, *model.blocks]
    listed = [id(p) for stage in stages for p in stage.parameters()]
    assert listed == [id(p) for p in model.parameters()]


def test_attention_starts_with_the_fans_of_keras() -> None:
    torch.manual_seed(0)
    attention = SelfAttention(96, 12, 96)
    project, out = attention.project.weight.detach(), attention.out.weight.detach()
    for weight, bound in ((project, math.sqrt(6 / 10_368)), (out, math.sqrt(6 / 2_304))):
        assert 0.999 * bound < float(weight.abs().max()) <= bound
    assert not attention.project.bias.any()
    assert not attention.out.bias.any()


def test_the_layout_tells_apart_what_cannot_share_weights() -> None:
    plain = encoder().layout()
    assert plain == encoder(dropout=0.3, attention="plain").layout()
    assert "conv_kernel" not in plain
    assert encoder("conv").layout()["conv_channels"] == 8
    assert encoder("conv", conv_channels=4).layout() != encoder("conv").layout()

import pytest
import torch
from torch import Tensor, nn

from trainables.techniques.pooling import AttentionPool, Pooling, pool

KINDS = ("last", "mean", "attention")


def example(
    seed: int = 0, batch: int = 5, length: int = 7, width: int = 4
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, length, width, generator=generator)
    real = torch.randint(1, length + 1, (batch,), generator=generator)
    mask = torch.arange(length) >= (length - real).unsqueeze(1)
    return x, mask


def pooling(kind: Pooling, width: int = 4, hidden: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return pool(kind, width, hidden)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind: Pooling) -> None:
    x, mask = example()
    other = torch.where(mask.unsqueeze(-1), x, torch.full_like(x, 1e3))
    module = pooling(kind)
    assert torch.equal(module(x, mask), module(other, mask))
    assert torch.equal(module.weights(x, mask), module.weights(other, mask))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_a_distribution_over_real_positions_and_make_the_summary(kind: Pooling) -> None:
    x, mask = example()
    module = pooling(kind)
    weights = module.weights(x, mask)
    assert torch.allclose(weights.sum(dim=1), torch.ones(len(x)))
    assert (weights[~mask] == 0).all()
    summary = torch.einsum("bl,bld->bd", weights, x)
    assert torch.allclose(module(x, mask)[:, -1], summary, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_prefix_is_summarised_as_if_it_were_the_whole(kind: Pooling) -> None:
    x, mask = example()
    module = pooling(kind)
    for end in range(1, 8):
        ends_real = mask[:, end - 1]
        alone = module(x[:, :end], mask[:, :end])[:, -1]
        assert torch.allclose(module(x, mask)[ends_real, end - 1], alone[ends_real], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_padding_gives_zeros_and_finite_gradients(kind: Pooling) -> None:
    x = torch.randn(2, 3, 4, requires_grad=True)
    mask = torch.zeros(2, 3, dtype=torch.bool)
    out = pooling(kind)(x, mask)
    assert (out == 0).all()
    out.sum().backward()
    assert torch.isfinite(x.grad).all()


def test_attention_without_scores_is_the_mean() -> None:
    x, mask = example()
    module = AttentionPool(4, hidden=0)
    torch.nn.init.zeros_(module.score.weight)
    assert torch.allclose(module(x, mask), pooling("mean")(x, mask), atol=1e-6)


def test_attention_with_a_steep_score_takes_the_position_it_prefers() -> None:
    x, mask = example()
    module = AttentionPool(4, hidden=0)
    with torch.no_grad():
        module.score.weight.copy_(torch.tensor([[1e3, 0.0, 0.0, 0.0]]))
    best = x[..., 0].masked_fill(~mask, -torch.inf).argmax(dim=1)
    assert torch.allclose(module(x, mask)[:, -1], x[torch.arange(len(x)), best])

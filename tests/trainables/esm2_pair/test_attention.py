"""Tokens look at each other; a single one cannot choose."""

import pytest
import torch

from search.errors import DataError
from trainables.esm2_pair.attention import (
    AttentionConfig,
    CrossAttention,
    Interaction,
    Tokens,
    attention_problems,
    check_tokens,
)
from trainables.esm2_pair.features import FeatureConfig
from trainables.esm2_pair.heads import MlpConfig


def network(n_tokens=1, **attention):
    torch.manual_seed(0)
    config = AttentionConfig(**{"chunks": 2, "d_attn": 8, **attention})
    mlp = MlpConfig(hidden_dims="4", dropout=0.0)
    return CrossAttention(n_tokens, 6, config, FeatureConfig(), mlp).eval()


def test_one_token_is_refused_in_words():
    with pytest.raises(DataError, match=r"needs several tokens .* attention is the identity"):
        check_tokens(1, 96, chunks=1)
    check_tokens(2, 96, chunks=1)  # the data have several
    with pytest.raises(DataError, match="must divide the 96 dimensions of an embedding, got 7"):
        check_tokens(1, 96, chunks=7)


def test_over_one_token_attention_would_be_the_identity():
    """Why it is refused: queries and keys do not matter, only values do."""
    layer = Interaction(8, 2, 0.0).eval()
    first, second = torch.randn(3, 1, 8), torch.randn(3, 1, 8)
    before = layer(first, second)[0]
    with torch.no_grad():
        layer.forth.in_proj_weight[:16] = torch.randn(16, 8)  # queries and keys
    assert torch.allclose(layer(first, second)[0], before, atol=1e-6)
    several = torch.randn(3, 4, 8)
    before = layer(several, several.flip(0))[0]
    with torch.no_grad():
        layer.forth.in_proj_weight[:16] = torch.randn(16, 8)
    assert not torch.allclose(layer(several, several.flip(0))[0], before, atol=1e-3)


def test_both_directions_look():
    layer = Interaction(8, 2, 0.0).eval()
    first, second = torch.randn(2, 3, 8, requires_grad=True), torch.randn(2, 3, 8)
    second.requires_grad_()
    for place, other in ((0, second), (1, first)):
        # a weighted sum: that of a normalised vector's entries is constant
        seen = (layer(first, second)[place] * torch.arange(8.0)).sum()
        (gradient,) = torch.autograd.grad(seen, other)
        assert gradient.abs().max() > 1e-4


def test_chunks_are_dimensions_side_by_side_with_a_projection_each():
    torch.manual_seed(0)
    tokens = Tokens(1, 6, AttentionConfig(chunks=2, d_attn=4, n_heads=1))
    embedding = torch.randn(5, 2, 1, 6)
    made = tokens(embedding)
    assert made.shape == (5, 2, 2, 4)
    for chunk in (0, 1):
        part = embedding[:, :, 0, 3 * chunk : 3 * chunk + 3]
        wanted = tokens.norm(part @ tokens.weight[chunk] + tokens.position[chunk])
        assert torch.allclose(made[:, :, chunk], wanted, atol=1e-6)


def test_several_tokens_are_taken_as_they_are():
    tokens = Tokens(5, 6, AttentionConfig(chunks=2, d_attn=4, n_heads=1))
    assert tokens(torch.randn(3, 2, 5, 6)).shape == (3, 2, 5, 4)


@pytest.mark.parametrize("n_tokens", [1, 5])
def test_depth_is_how_often_proteins_look(n_tokens):
    deep = network(n_tokens, depth=3)
    assert len(deep.interactions) == 3
    outputs = deep(torch.randn(4, 2, n_tokens, 6), torch.zeros(4, 2).long())
    assert outputs.logits.shape == (4,)
    assert outputs.measured is None


def test_a_width_that_heads_do_not_divide_is_refused():
    words = " ".join(attention_problems(AttentionConfig(d_attn=10, n_heads=4, depth=0)))
    assert "d_attn must be a multiple of n_heads=4, got 10" in words
    assert "model.attention.depth must be 1 or more, got 0" in words
    assert attention_problems(AttentionConfig(n_heads=0))

import math

import pytest
import torch
from torch import Tensor, nn

from trainables.han.blocks import (
    Block,
    GroupedLinear,
    SharedDropout,
    apart,
    attend,
    mask_bias,
    normalised,
    visible,
)


def brute_force(parts: Tensor, seen: Tensor, heads: int) -> Tensor:
    groups, channels, rows, length = parts.shape
    width = channels // 3
    heard = torch.zeros(groups, width, rows, length)
    for group in range(groups):
        for row in range(rows):
            query, key, value = parts[group, :, row].T.chunk(3, dim=-1)  # each (length, width)
            for head in range(heads):
                own = slice(head * width // heads, (head + 1) * width // heads)
                scores = query[:, own] @ key[:, own].T / math.sqrt(width // heads)
                weights = scores.masked_fill(~seen, -math.inf).softmax(dim=-1)
                heard[group, own, row] = (weights @ value[:, own]).T
    return heard


@pytest.mark.parametrize(("causal", "window"), [(True, 0), (False, 0), (True, 2), (False, 3)])
def test_attention_is_that_of_the_paper(causal: bool, window: int) -> None:
    parts = torch.randn(2, 12, 3, 5)
    seen = visible(5, causal=causal, window=window)
    expected = brute_force(parts, seen, heads=2)
    torch.testing.assert_close(attend(parts, mask_bias(seen), heads=2), expected)


@pytest.mark.parametrize("length", [1, 4, 9])
@pytest.mark.parametrize("window", [0, 1, 3, 50])
@pytest.mark.parametrize("causal", [False, True])
def test_what_is_visible(length: int, window: int, causal: bool) -> None:
    seen = visible(length, causal=causal, window=window)
    for row in range(length):
        for column in range(length):
            near = not window or abs(row - column) < window
            assert seen[row, column] == (near and (not causal or column <= row))
    assert seen.diagonal().all()  # no row is fully masked


def test_each_group_has_its_own_map() -> None:
    layer, x = GroupedLinear(3, 4, 2), torch.randn(3, 4, 5, 6)
    for group in range(3):
        bias = layer.bias[group].squeeze(-1)
        expected = nn.functional.linear(x[group].movedim(0, -1), layer.weight[group], bias)
        torch.testing.assert_close(layer(x)[group].movedim(0, -1), expected)


def test_normalisation_is_that_over_channels() -> None:
    x = 5 + 3 * torch.randn(2, 8, 4, 6)
    expected = nn.functional.layer_norm(x.movedim(1, -1), (8,)).movedim(-1, 1)
    torch.testing.assert_close(normalised(x), expected)


def test_groups_do_not_hear_each_other() -> None:
    block, bias = Block(2, 8, 2, 0.0), mask_bias(visible(5, causal=True))
    x = torch.randn(2, 8, 3, 5)
    other = x.clone()
    other[1] += 1
    assert torch.equal(block(x, bias)[0], block(other, bias)[0])
    assert not torch.allclose(block(x, bias)[1], block(other, bias)[1])


def test_rows_do_not_hear_each_other() -> None:
    block, bias = Block(1, 8, 2, 0.0), mask_bias(visible(5, causal=False))
    x = torch.randn(1, 8, 3, 5)
    other = x.clone()
    other[:, :, 1] += torch.randn(8, 5)
    same = torch.isclose(block(x, bias), block(other, bias), atol=1e-6).all(dim=1).all(dim=-1)
    assert same.squeeze(0).tolist() == [True, False, True]


def test_dropout_is_the_same_all_along_a_sequence() -> None:
    layer, x = SharedDropout(0.5), torch.ones(2, 16, 8, 5)
    dropped = layer(x)
    assert torch.equal(dropped, dropped[..., :1].expand_as(x))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(SharedDropout(0.0)(x), x)


def test_a_part_built_apart_leaves_the_next_one_as_it_is() -> None:
    torch.manual_seed(0)
    apart(lambda: nn.Linear(3, 3))
    after_small = torch.rand(3)
    torch.manual_seed(0)
    large = apart(lambda: nn.Linear(30, 30))
    assert torch.equal(torch.rand(3), after_small)
    torch.manual_seed(0)
    assert torch.equal(apart(lambda: nn.Linear(30, 30)).weight, large.weight)
    torch.manual_seed(1)
    assert not torch.equal(apart(lambda: nn.Linear(30, 30)).weight, large.weight)

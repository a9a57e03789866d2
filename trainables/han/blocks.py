"""Layers that treat several sources at once, each with weights of its own.

Sources, days and months are few and small here, so that starting an operation costs more than
carrying it out. Sequences of all sources therefore run through one operation: an axis of groups
comes first, and every group has its own weights. The channels come next, and days last in memory:
what is done to each element, and sums over a handful of channels, then run along the days.

References
----------
Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762; normalised in front of each
part, Xiong et al. 2020, "On layer normalization in the transformer architecture",
arXiv:2002.04745.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.techniques.randomness import RandomStream

Part = TypeVar("Part", bound=nn.Module)

EXPANSION = 2  # hidden units of a block's position-wise layers, per unit of its width
EPS = 1e-5  # added to a variance
TOKEN_SCALE = 0.02  # standard deviation of embeddings at the start, as in the source document


def visible(length: int, *, causal: bool, window: int = 0) -> Tensor:
    """Return which positions (columns) each position (rows) may look at, always itself.

    Parameters
    ----------
    length
        Of the sequence.
    causal
        Whether later positions are out of sight.
    window
        Positions that are less than so many steps away are in sight; 0 for all.

    Returns
    -------
    bool Tensor of shape (length, length)

    Examples
    --------
    >>> visible(3, causal=True, window=2).int().tolist()
    [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    """
    place = torch.arange(length)
    back = place.unsqueeze(1) - place  # steps from a column's position to the row's
    seen = back.abs() < window if window else torch.ones_like(back, dtype=torch.bool)
    return seen & (back >= 0) if causal else seen


def mask_bias(seen: Tensor) -> Tensor:
    """Return what is added to scores: 0 where a position is seen, -inf elsewhere."""
    return torch.zeros(seen.shape).masked_fill(~seen, -math.inf)


def token(*shape: int) -> nn.Parameter:
    """Return a learned vector, or several."""
    return nn.Parameter(torch.randn(*shape) * TOKEN_SCALE)


def apart(build: Callable[[], Part]) -> Part:
    """Build a part on a stream of random numbers of its own, which one number of torch's begins.

    Networks of one seed that differ in one part then start alike in all the others.
    """
    with RandomStream(int(torch.randint(2**32, ())), torch.device("cpu")).active():
        return build()


class GroupedLinear(nn.Module):
    """One affine map of the channels per group, all started as `nn.Linear` starts.

    Parameters
    ----------
    groups
        Number of maps.
    n_in, n_out
        Channels before and after.
    """

    def __init__(self, groups: int, n_in: int, n_out: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = nn.Parameter(torch.empty(groups, n_out, n_in).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(groups, n_out, 1).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Map x (groups, n_in, ...) to (groups, n_out, ...)."""
        mapped = torch.baddbmm(self.bias, self.weight, x.flatten(2))
        return mapped.view(*mapped.shape[:2], *x.shape[2:])


def normalised(x: Tensor) -> Tensor:
    """Return each vector of x (groups, width, ...) with mean 0 and variance 1 over its channels.

    Nothing is averaged over time, so that no later day is heard in an earlier one. There is no
    scale and shift: the affine maps that follow have their own.
    """
    centred = x - x.mean(dim=1, keepdim=True)
    return centred * torch.rsqrt(centred.square().mean(dim=1, keepdim=True) + EPS)


class SharedDropout(nn.Module):
    """Dropout with one mask per sequence, the same at all its positions.

    Gal and Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural
    networks", arXiv:1512.05287. Drawing a number per position would cost more than the layers.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Mask x (groups, width, rows, length)."""
        if not self.training or self.probability == 0.0:
            return x
        mask = x.new_empty(*x.shape[:3], 1).bernoulli_(1 - self.probability)
        return x * mask.div_(1 - self.probability)


def attend(parts: Tensor, bias: Tensor, heads: int) -> Tensor:
    """Return what each position hears, by scaled dot products, (groups, width, rows, length).

    Keys come before queries in memory: for sequences as short as these, that takes two thirds of
    the time of the fused kernel on a CPU.

    Parameters
    ----------
    parts : Tensor of shape (groups, 3 · width, rows, length)
        Queries, keys, values.
    bias : Tensor of shape (length, length)
        What is added to the scores; see `mask_bias`.
    heads
        Number of heads that the width is divided into.
    """
    groups, channels, rows, length = parts.shape
    size = channels // (3 * heads)
    by_head = parts.view(groups, 3, heads, size, rows, length).permute(1, 0, 4, 2, 3, 5)
    query, key, value = by_head.reshape(3, -1, size, length).unbind(0)
    scores = torch.baddbmm(bias.T, key.transpose(1, 2), query, alpha=1 / math.sqrt(size))
    heard = torch.bmm(value, scores.softmax(dim=1))  # keys are summed over
    heard = heard.view(groups, rows, heads * size, length)
    return heard.transpose(1, 2)


class SelfAttention(nn.Module):
    """Each position looks at those positions of its sequence that it may see."""

    def __init__(self, groups: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = GroupedLinear(groups, width, 3 * width)  # queries, keys, values
        self.out = GroupedLinear(groups, width, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Attend within x (groups, width, rows, length); bias has shape (length, length)."""
        attended: Tensor = self.out(attend(self.project(x), bias, self.heads))
        return attended


class PositionWise(nn.Module):
    """``W2 ReLU(W1 x)``."""

    def __init__(self, groups: int, width: int) -> None:
        super().__init__()
        self.expand = GroupedLinear(groups, width, EXPANSION * width)
        self.contract = GroupedLinear(groups, EXPANSION * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each vector of x (groups, width, ...)."""
        changed: Tensor = self.contract(functional.relu(self.expand(x)))
        return changed


class Block(nn.Module):
    """``x + Drop(Attention(Norm(x)))``, then ``x + Drop(PositionWise(Norm(x)))``.

    Parameters
    ----------
    groups
        Number of sources with weights of their own; 1 for a single sequence per row.
    width, heads
        Size of the vectors; attention heads.
    dropout
        Probability of dropping a unit.
    """

    def __init__(self, groups: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = SelfAttention(groups, width, heads)
        self.position_wise = PositionWise(groups, width)
        self.dropout = SharedDropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Transform x (groups, width, rows, length); bias has shape (length, length)."""
        x = x + self.dropout(self.attention(normalised(x), bias))
        changed: Tensor = x + self.dropout(self.position_wise(normalised(x)))
        return changed

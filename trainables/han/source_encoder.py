"""From a source's features to one vector per day or month, whatever was observed of them.

Nothing is filled in: a value that was not observed is multiplied by nothing, and a day of which
nothing was observed becomes a learned token, after Devlin et al. 2018, "BERT", arXiv:1810.04805.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trainables.han.batch import Observed
from trainables.han.blocks import Block, normalised, token

LINEAR = 100.0  # values up to this size are read as they are


def compress(values: Tensor) -> Tensor:
    """Return x where |x| <= 100, else sign(x) (100 + log(1 + |x| - 100)): odd, and increasing.

    Examples
    --------
    >>> compress(torch.tensor([-3.0, 100.0, 10_100.0])).round().tolist()
    [-3.0, 100.0, 109.0]
    """
    size = values.abs()
    beyond = (size - LINEAR).clamp_min(0)
    return torch.copysign(size - beyond + beyond.log1p(), values)


class FeatureEmbedding(nn.Module):
    """Features of several sources to one vector per source and day, in one matrix product.

    A feature that was observed adds its value times a vector, and, where features have embeddings,
    a vector of its own; the share of a source's features that was observed then blends that
    source's two status vectors. Without embeddings, what was not observed is read as zero.

    Parameters
    ----------
    features
        Number of features of each source.
    width
        Size of the vectors.
    embeddings
        Whether features and their status have embeddings.
    compression
        Whether large values are compressed.
    """

    def __init__(
        self, features: Sequence[int], width: int, *, embeddings: bool, compression: bool
    ) -> None:
        super().__init__()
        self.compression, self.widest, self.n_sources = compression, max(features), len(features)
        bounds = [1 / math.sqrt(count) for count in features for _ in range(count)]
        scale = torch.tensor(bounds).unsqueeze(1)
        n_all = len(bounds)
        self.weight = nn.Parameter(torch.empty(n_all, width).uniform_(-1, 1) * scale)
        self.bias = token(len(features), width)
        self.feature = token(n_all, width) if embeddings else None
        self.status = token(len(features), 2, width) if embeddings else None
        self.slots: Tensor
        self.share: Tensor
        self.register_buffer("slots", _slots(features, self.widest), persistent=False)
        share = torch.tensor([1 / count for count in features]).view(-1, 1, 1)
        self.register_buffer("share", share, persistent=False)

    def forward(self, sources: Sequence[Observed]) -> tuple[Tensor, Tensor]:
        """Embed sources of shape (..., n_features), whose leading axes are the same.

        Returns
        -------
        vectors : Tensor of shape (n_sources, width, ...)
        observed : bool Tensor of shape (n_sources, 1, ...)
            Where anything of a source was observed.
        """
        lead = sources[0].mask.shape[:-1]
        known = self._padded([source.mask.to(source.values.dtype) for source in sources])
        values = self._padded([source.values.where(source.mask, 0) for source in sources])
        rows = torch.cat([compress(values) if self.compression else values, known], dim=1)
        vectors = torch.baddbmm(self._bias(), self._weights(), rows)
        observed = known.any(dim=1, keepdim=True)
        return vectors.view(*vectors.shape[:2], *lead), observed.view(-1, 1, *lead)

    def _padded(self, parts: Sequence[Tensor]) -> Tensor:
        """Return features side by side, shape (n_sources, widest, n_rows), zeros where none is."""
        if len(parts) == 1:
            return parts[0].movedim(-1, 0).reshape(1, self.widest, -1)
        rows = [part.flatten(0, -2) for part in parts]
        flat = torch.cat([*rows, rows[0].new_zeros(len(rows[0]), 1)], dim=-1).t().contiguous()
        return flat.index_select(0, self.slots).view(self.n_sources, self.widest, -1)

    def _weights(self) -> Tensor:
        """Return the weights of values, then of masks, shape (n_sources, width, 2 · widest)."""
        values = self._laid_out(self.weight)
        if self.feature is None or self.status is None:
            return torch.cat([values, torch.zeros_like(values)], dim=-1)
        known = (self.status[:, 1] - self.status[:, 0]).unsqueeze(-1)  # (n_sources, width, 1)
        return torch.cat([values, self._laid_out(self.feature) + known * self.share], dim=-1)

    def _laid_out(self, weights: Tensor) -> Tensor:
        flat = torch.cat([weights, weights.new_zeros(1, weights.shape[1])])
        by_slot = flat.index_select(0, self.slots)
        return by_slot.view(self.n_sources, self.widest, -1).transpose(1, 2)

    def _bias(self) -> Tensor:
        bias = self.bias if self.status is None else self.bias + self.status[:, 0]
        return bias.unsqueeze(-1)


def _slots(features: Sequence[int], widest: int) -> Tensor:
    """Return which feature stands in each slot of each source; one past the last for none."""
    slots, first = torch.full((len(features), widest), sum(features)), 0
    for row, count in zip(slots, features, strict=True):
        row[:count] = torch.arange(first, first + count)
        first += count
    return slots.flatten()


class SourceEncoder(nn.Module):
    """From each source's own vectors to those that know its past.

    Parameters
    ----------
    n_sources
        Number of sources; each has its own weights.
    width, heads, layers
        Size of the vectors; attention heads and number of blocks.
    dropout
        Probability of dropping a unit.
    """

    def __init__(
        self, n_sources: int, *, width: int, heads: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.no_observation = token(n_sources, width, 1, 1)
        self.blocks = nn.ModuleList(Block(n_sources, width, heads, dropout) for _ in range(layers))

    def forward(self, x: Tensor, observed: Tensor, positions: Tensor, bias: Tensor) -> Tensor:
        """Encode x, shape (n_sources, width, n, length).

        Parameters
        ----------
        x : Tensor of shape (n_sources, width, n, length)
        observed : bool Tensor of shape (n_sources, 1, n, length)
            Elsewhere x is not read.
        positions : Tensor of shape (width, n, length)
            Added to all of them.
        bias : Tensor of shape (length, length)
            Which steps (columns) a step (rows) looks at; see `trainables.han.blocks.mask_bias`.
        """
        x = torch.where(observed, x, self.no_observation) + positions
        for block in self.blocks:
            x = block(x, bias)
        return normalised(x)

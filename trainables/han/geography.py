"""From the regions of a country to one vector per day: the near ones are heard by each other.

Region i attends to region j with weight proportional to exp(s_j - d_ij / scale): how loudly j
speaks is learned from what was observed there (a score per head), how far it carries follows from
the distance. It is attention with an additive score and a logarithmic prior of distance. In
additive scores the query's part is the same for all keys and cancels in the softmax, so that the
weights split into a matrix of distances and a factor per region: all days are then attended by one
matrix product, instead of one small one per day and head.

References
----------
Bahdanau et al. 2014, arXiv:1409.0473 (additive scores). Tobler 1970, doi:10.2307/143141 (near
things are more related than distant things).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.han.batch import Observed
from trainables.han.blocks import GroupedLinear, token
from trainables.han.source_encoder import FeatureEmbedding

LOUDEST = 5.0  # scores lie between ± this, so that no region is drowned out entirely
TINY = 1e-30


def adjacency(distances: Tensor, scale_km: float) -> Tensor:
    """Return exp(-distance / scale), shape (n_regions, n_regions) as distances has, in km."""
    return torch.exp(-distances / scale_km)


class CrossRegionAttention(nn.Module):
    """Observed regions attend to each other, and become one vector per day.

    Parameters
    ----------
    width, heads
        Size of the vectors; attention heads.
    nearness : Tensor of shape (n_regions, n_regions)
        See `adjacency`.
    """

    def __init__(self, width: int, heads: int, nearness: Tensor) -> None:
        super().__init__()
        self.score = GroupedLinear(1, width, heads)
        self.value = GroupedLinear(heads, width, width // heads)
        self.out = GroupedLinear(1, width, width)
        self.nearness: Tensor
        self.register_buffer("nearness", nearness.to(torch.float32), persistent=False)

    def forward(self, x: Tensor, share: Tensor) -> Tensor:
        """Return what the regions have heard, their mean, shape (width, rows).

        Parameters
        ----------
        x : Tensor of shape (width, n_regions, rows)
        share : Tensor of shape (n_regions, rows)
            Each region's share in the mean; 0 where nothing was observed.
        """
        loudness = self.loudness(x, share)
        total = (self.nearness @ loudness).clamp_min(TINY)  # heard by each region
        heard = loudness * (self.nearness.T @ (share / total))  # of each region, by all together
        summary = (heard.unsqueeze(1) * x).sum(dim=2)  # (heads, width, rows)
        value = self.value(summary).flatten(0, 1).unsqueeze(0)
        out: Tensor = self.out(value)
        return out.squeeze(0)

    def loudness(self, x: Tensor, share: Tensor) -> Tensor:
        """Return exp(s_j), shape (heads, n_regions, rows); 0 where nothing was observed."""
        score = LOUDEST * torch.tanh(self.score(x.unsqueeze(0)).squeeze(0) / LOUDEST)
        return score.exp() * (share > 0)

    def weights(self, x: Tensor, share: Tensor) -> Tensor:
        """Return the weight of each region (third axis) in what one hears (second axis).

        Returns
        -------
        Tensor of shape (heads, n_regions, n_regions, rows)
        """
        weights = self.nearness.unsqueeze(-1) * self.loudness(x, share).unsqueeze(1)
        return weights / weights.sum(dim=2, keepdim=True).clamp_min(TINY)


class GeographicEncoder(nn.Module):
    """A regional source's values to one vector per day.

    Parameters
    ----------
    features
        Number of features of a region.
    distances : Tensor of shape (n_regions, n_regions)
        In kilometres.
    width, heads
        Size of the vectors; attention heads.
    scale_km
        Distance at which a region is heard 1/e as loudly.
    geographic
        Whether regions attend to each other; else they are averaged.
    embeddings, compression
        See `FeatureEmbedding`.
    """

    def __init__(
        self,
        features: int,
        distances: Tensor,
        *,
        width: int,
        heads: int,
        scale_km: float,
        geographic: bool,
        embeddings: bool,
        compression: bool,
    ) -> None:
        super().__init__()
        self.embedding = FeatureEmbedding(
            (features,), width, embeddings=embeddings, compression=compression
        )
        self.region = token(width, len(distances), 1)
        nearness = adjacency(distances, scale_km)
        self.attention = CrossRegionAttention(width, heads, nearness) if geographic else None

    def forward(self, source: Observed) -> tuple[Tensor, Tensor]:
        """Encode a source of shape (n, n_days, n_regions, n_features).

        Returns
        -------
        vectors : Tensor of shape (width, n, n_days)
        observed : bool Tensor of shape (1, n, n_days)
            Where anything of any region was observed.
        """
        lead = source.mask.shape[:2]
        by_region = Observed(*(part.flatten(0, 1).transpose(0, 1) for part in source))
        vectors, known = (part.squeeze(0) for part in self.embedding([by_region]))
        x = functional.relu(vectors + self.region)  # (width, n_regions, rows)
        known = known.squeeze(0)  # (n_regions, rows)
        share = known / known.sum(dim=0).clamp_min(1)
        day = (x * share).sum(dim=1)  # (width, rows)
        if self.attention is not None:
            day = day + self.attention(x, share)
        return day.view(-1, *lead), known.any(dim=0).view(1, *lead)

"""The four published sizes of the Pretrained Actigraphy Transformer.

References
----------
Ruan et al. 2024, arXiv:2411.15240; S, M and L are the paper's, H ("huge") is in its code only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from search.errors import TrainableError


@dataclass(frozen=True)
class Size:
    """What determines an encoder's parameters, besides its patch embedding.

    Parameters
    ----------
    patch
        Minutes per token.
    heads, layers
        Attention heads of a block; number of blocks.
    width
        Size of a token's vector; even, since positions are half sines, half cosines.
    key
        Size of the queries, keys and values of each head: not ``width / heads``. The attention's
        inner width is ``heads * key``.
    feed_forward
        Hidden size of a block's feed-forward network.
    dropout
        Probability of dropping a unit.

    Raises
    ------
    TrainableError
        When a count is below 1, the width is odd, or the dropout is no probability below 1.

    Examples
    --------
    >>> SIZES["L"].heads * SIZES["L"].key
    1152
    """

    patch: int
    heads: int
    layers: int
    width: int = 96
    key: int = 96
    feed_forward: int = 256
    dropout: float = 0.1

    def __post_init__(self) -> None:
        counts = ("patch", "heads", "layers", "width", "key", "feed_forward")
        problems = [
            f"a size's {name} is at least 1, not {getattr(self, name)}"
            for name in counts
            if getattr(self, name) < 1
        ]
        if self.width % 2:
            problems.append(f"a size's width is even (half sines, half cosines), not {self.width}")
        if not 0 <= self.dropout < 1:
            problems.append(f"a size's dropout is in [0, 1), not {self.dropout}")
        if problems:
            raise TrainableError(problems)


SIZES: Final[Mapping[str, Size]] = MappingProxyType(
    {
        "S": Size(patch=18, heads=6, layers=1),
        "M": Size(patch=18, heads=12, layers=2),
        "L": Size(patch=9, heads=12, layers=4),
        "H": Size(patch=5, heads=12, layers=8),
    }
)

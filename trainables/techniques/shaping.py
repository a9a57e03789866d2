"""Shapes put on a task's loss: a floor, flooding, a cap; what each does to the gradient differs.

References
----------
Ishida et al. 2020, "Do we need zero training loss after achieving zero training error?",
arXiv:2002.08709 (flooding).
"""

from __future__ import annotations

import torch
from torch import Tensor


def floored(loss: Tensor, floor: float) -> Tensor:
    """Return max(L, b): no gradient at or below the floor b.

    Examples
    --------
    >>> floored(torch.tensor([0.01, 0.5]), 0.05)
    tensor([0.0500, 0.5000])
    """
    return torch.where(loss > floor, loss, torch.full_like(loss, floor))


def flooded(loss: Tensor, level: float) -> Tensor:
    """Return |L - b| + b: below the level b, the gradient turns round.

    Examples
    --------
    >>> flooded(torch.tensor([0.01, 0.5]), 0.05)
    tensor([0.0900, 0.5000])
    """
    return (loss - level).abs() + level


def capped(loss: Tensor, cap: float) -> Tensor:
    """Return min(L, c): no gradient at or above the cap c.

    Examples
    --------
    >>> capped(torch.tensor([0.5, 100.0]), 10.0)
    tensor([ 0.5000, 10.0000])
    """
    return torch.where(loss < cap, loss, torch.full_like(loss, cap))

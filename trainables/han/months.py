"""From days to the months that they belong to."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from trainables.han.blocks import token
from trainables.han.shape import Aggregation

MASKED = -1e9  # a score no softmax sees; finite, so that a month without days has no NaN


def days_of(month: Tensor, months: int) -> Tensor:
    """Return whether a day belongs to a month, bool (n, n_months, n_days), for month (n, n_days).

    Examples
    --------
    >>> days_of(torch.tensor([[-1, 0, 1, 1]]), 2).int().tolist()
    [[[0, 1, 0, 0], [0, 0, 1, 1]]]
    """
    return month.unsqueeze(1) == torch.arange(months, device=month.device).view(1, -1, 1)


def days_until(month: Tensor, months: int) -> Tensor:
    """Return whether a day lies in a month or before it, bool (n, n_months, n_days)."""
    return month.unsqueeze(1) <= torch.arange(months, device=month.device).view(1, -1, 1)


class MeanOfDays(nn.Module):
    """A month is the mean of its days; a month without any is a learned token.

    Parameters
    ----------
    width
        Size of the vectors.
    months
        Of a window.
    """

    def __init__(self, width: int, months: int) -> None:
        super().__init__()
        self.months = months
        self.no_days = token(width)

    def forward(self, days: Tensor, month: Tensor) -> tuple[Tensor, Tensor | None]:
        """Aggregate days; see `MonthQueries`."""
        own = days_of(month, self.months)
        count = own.sum(dim=-1, keepdim=True)
        mean = (own / count.clamp_min(1)) @ days
        return torch.where(count > 0, mean, self.no_days), None


class MonthQueries(nn.Module):
    """A learned query per month attends to days: its own, or all up to its end.

    Parameters
    ----------
    width, heads
        Size of the vectors; attention heads.
    months
        Of a window.
    constrained
        Whether a month sees its own days only.
    """

    def __init__(self, width: int, heads: int, months: int, *, constrained: bool) -> None:
        super().__init__()
        self.months, self.heads, self.constrained = months, heads, constrained
        self.no_days = token(width)
        self.query = token(months, width)
        self.asked = nn.Linear(width, width)
        self.project = nn.Linear(width, 2 * width)  # keys, values
        self.out = nn.Linear(width, width)

    def forward(self, days: Tensor, month: Tensor) -> tuple[Tensor, Tensor | None]:
        """Aggregate days to months.

        Parameters
        ----------
        days : Tensor of shape (n, n_days, width)
        month : Tensor of shape (n, n_days)
            The place of a day's month in the window; -1 before the first.

        Returns
        -------
        months : Tensor of shape (n, n_months, width)
        weights : Tensor of shape (n, n_months, n_days)
            Mean over the heads; 0 where a month has no days to look at.
        """
        allowed = (days_of if self.constrained else days_until)(month, self.months)
        both = self.project(days).unflatten(-1, (2, self.heads, -1))
        key, value = both.unbind(dim=2)  # each (n, n_days, heads, key)
        weights = self._weights(key, allowed)
        heard = torch.einsum("nhmt,nthk->nmhk", weights, value).flatten(2)
        some = allowed.any(dim=-1, keepdim=True)
        return torch.where(some, self.out(heard), self.no_days), weights.mean(dim=1) * some

    def _weights(self, key: Tensor, allowed: Tensor) -> Tensor:
        """Return weights (n, heads, n_months, n_days) for keys (n, n_days, heads, key)."""
        query = self.asked(self.query).unflatten(-1, (self.heads, -1))  # (n_months, heads, key)
        scores = torch.einsum("mhk,nthk->nhmt", query, key) / math.sqrt(key.shape[-1])
        return scores.masked_fill(~allowed.unsqueeze(1), MASKED).softmax(dim=-1)


def aggregation(
    kind: Aggregation, width: int, heads: int, months: int
) -> MeanOfDays | MonthQueries:
    """Return the way from days to months of that kind; see the classes."""
    if kind == "mean":
        return MeanOfDays(width, months)
    return MonthQueries(width, heads, months, constrained=kind == "constrained")

"""What is said about the days to come.

A head starts by saying one constant whatever it reads, where its last layer starts at zero: targets
in a unit of thousands would otherwise make the first step an explosion. `set_prior` tells it which.

References
----------
van den Oord et al. 2018, "Representation learning with contrastive predictive coding",
arXiv:1807.03748 (predicting states instead of features).
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.han.batch import AHEAD
from trainables.han.blocks import token
from trainables.han.shape import Decoder, Uncertainty

LEAST_SD = 1e-3
UNIT = 0.5413248546129181  # softplus of it is 1: the standard deviation at the start


class Readout(nn.Module):
    """An affine map to a few numbers.

    Parameters
    ----------
    n_in, n_out
        Sizes of what is read and said.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.last = nn.Linear(n_in, n_out)
        nn.init.zeros_(self.last.bias)

    def forward(self, state: Tensor) -> Tensor:
        """Return what is said, shape (n, n_out)."""
        said: Tensor = self.last(state)
        return said

    def set_prior(self, constant: Tensor) -> None:
        """Say this, shape (n_out,), where the state says nothing."""
        _set(self.last, constant)


class AnomalyHead(nn.Module):
    """Mean and standard deviation of a score.

    Parameters
    ----------
    n_in
        Size of the state.
    uncertainty
        "none": a standard deviation of 1; "learned": softplus of an affine map; "density": that
        times 1 + (1 - share of the window's values that was observed).
    """

    def __init__(self, n_in: int, uncertainty: Uncertainty) -> None:
        super().__init__()
        self.by_density = uncertainty == "density"
        self.mean = Readout(n_in, 1)
        self.spread = _constant(nn.Linear(n_in, 1)) if uncertainty != "none" else None
        if self.spread is not None:
            nn.init.constant_(self.spread.bias, UNIT)

    def forward(self, state: Tensor, density: Tensor) -> Tensor:
        """Return mean and standard deviation, (n, 2), for a density of shape (n,)."""
        mean = self.mean(state)
        if self.spread is None:
            return torch.cat([mean, torch.ones_like(mean)], dim=-1)
        sd = functional.softplus(self.spread(state)) + LEAST_SD
        if self.by_density:
            sd = sd * (2 - density.unsqueeze(-1))
        return torch.cat([mean, sd], dim=-1)

    def set_prior(self, constant: Tensor) -> None:
        """Say this mean where the state says nothing."""
        self.mean.set_prior(constant.reshape(-1)[:1])


class FeatureForecast(nn.Module):
    """Features directly from the state, by one hidden layer.

    Parameters
    ----------
    n_in, hidden, n_out
        Sizes of the state, of the hidden layer and of what is said.
    dropout
        Probability of dropping a hidden unit.
    """

    def __init__(self, n_in: int, hidden: int, n_out: int, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_in, hidden)
        self.dropout = nn.Dropout(dropout)
        self.last = _constant(nn.Linear(hidden, n_out))

    def forward(self, state: Tensor) -> Tensor:
        """Return the forecast, shape (n, n_out)."""
        forecast: Tensor = self.last(self.dropout(functional.relu(self.hidden(state))))
        return forecast

    def set_prior(self, constant: Tensor) -> None:
        """Forecast this, shape (n_out,) or such that it fills it, where the state says nothing."""
        _set(self.last, constant)


class LatentStatePredictor(nn.Module):
    """The days' states to come, from the state.

    Parameters
    ----------
    n_in, hidden, width
        Sizes of the state, of the hidden layer and of a day's state.
    by_name
        Whether one last layer serves all days, whose names are embedded in the hidden layer; else
        each day has a last layer of its own.
    dropout
        Probability of dropping a hidden unit.
    """

    def __init__(
        self, n_in: int, hidden: int, width: int, *, by_name: bool, dropout: float
    ) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_in, hidden)
        self.day = token(AHEAD, hidden) if by_name else None
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(hidden, width if by_name else AHEAD * width)

    def forward(self, state: Tensor) -> Tensor:
        """Return predicted states, shape (n, AHEAD, width)."""
        hidden: Tensor = self.hidden(state)
        if self.day is not None:
            hidden = hidden.unsqueeze(1) + self.day  # (n, AHEAD, hidden)
        states: Tensor = self.last(self.dropout(functional.relu(hidden)))
        return states if self.day is not None else states.view(len(state), AHEAD, -1)


class LatentForecast(nn.Module):
    """States of the days to come, and features of each from its state.

    Parameters
    ----------
    predictor
        Of the states.
    width, n_features
        Sizes of a day's state and of what is said of it.
    decoder
        "linear", or "low_rank": by way of a few numbers.
    rank
        How many these are.
    """

    def __init__(
        self,
        predictor: LatentStatePredictor,
        width: int,
        n_features: int,
        *,
        decoder: Decoder,
        rank: int,
    ) -> None:
        super().__init__()
        self.predictor = predictor
        self.narrow = nn.Linear(width, rank, bias=False) if decoder == "low_rank" else None
        self.last = _constant(nn.Linear(width if self.narrow is None else rank, n_features))
        self.score = token(width)  # of a day, in the mean over them

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features (n, AHEAD, n_features), states (n, AHEAD, width), their mean (n, width).

        The mean is weighted by a softmax of learned scores.
        """
        states = self.predictor(state)
        features: Tensor = self.last(states if self.narrow is None else self.narrow(states))
        weights = torch.softmax(states @ self.score, dim=1).unsqueeze(-1)
        return features, states, (weights * states).sum(dim=1)

    def set_prior(self, constant: Tensor) -> None:
        """Forecast this, shape (n_features,), on every day where the state says nothing.

        A constant per day, shape (AHEAD, n_features), is averaged over the days, which share the
        decoder.
        """
        _set(self.last, constant if constant.dim() == 1 else constant.mean(dim=0))


class HasPrior(Protocol):
    """A head that can be told what to say as long as it has learned nothing."""

    def set_prior(self, constant: Tensor) -> None:
        """Say this."""


def _constant(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _set(layer: nn.Linear, constant: Tensor) -> None:
    with torch.no_grad():
        repeats = layer.out_features // constant.numel()  # a constant of one day, for several
        layer.bias.copy_(constant.reshape(-1).repeat(repeats))

"""Terms that bind forecasts to each other: latent states, days to months, in latent and real space.

References
----------
van den Oord et al. 2018, "Representation learning with contrastive predictive coding",
arXiv:1807.03748; Grill et al. 2020, "Bootstrap your own latent", arXiv:2006.07733 (a teacher
without gradient, without which all states collapse into one).
Athanasopoulos et al. 2017, "Forecasting with temporal hierarchies", doi:10.1016/j.ejor.2017.02.046.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor
from torch.nn import functional

from trainables.techniques.limits import at_least, one_of

LatentKind = Literal["cosine", "huber"]
CycleKind = Literal["cosine", "mse"]


@dataclass(frozen=True)
class ConsistencyConfig:
    """Weights of the terms; 0 leaves one out."""

    latent_weight: float = 0.0  # predicted states of days against those that came
    latent_kind: LatentKind = "cosine"
    cycle_weight: float = (
        0.0  # their mean against the state of the month; .2 in the source document
    )
    cycle_kind: CycleKind = "cosine"
    physical_weight: float = 0.0  # days' mean forecast against the month's; .1 there


def consistency_problems(config: ConsistencyConfig, *, prefix: str = "") -> Iterator[str]:
    """Yield what is wrong with a configuration."""
    weights = ("latent_weight", "cycle_weight", "physical_weight")
    yield from at_least(config, 0, *weights, prefix=prefix)
    yield from one_of(config, "latent_kind", get_args(LatentKind), prefix=prefix)
    yield from one_of(config, "cycle_kind", get_args(CycleKind), prefix=prefix)


@dataclass(frozen=True, eq=False)
class Teacher:
    """States that came to be, for predicted ones to be like.

    Parameters
    ----------
    latents : Tensor of shape (n, AHEAD, width), or None
        Of the days to come; rows with NaN are left out.
    month : Tensor of shape (n, width), or None
        Of the month to come, or of the present one; rows with NaN are left out.
    """

    latents: Tensor | None = None
    month: Tensor | None = None


def likeness(said: Tensor, teacher: Tensor, kind: Literal["cosine", "huber", "mse"]) -> Tensor:
    """Return the mean distance of states to a teacher's, which gets no gradient.

    1 - cos, the Huber loss or the squared error; rows whose teacher is not known count for nothing.

    Parameters
    ----------
    said, teacher : Tensor of shape (..., width)
    """
    said, target = said.float(), teacher.detach().float()  # losses take one precision only
    known = target.isfinite().all(dim=-1)
    if not bool(known.any()):
        return said.flatten()[:0].sum()
    said, target = said[known], target[known]
    if kind == "cosine":
        return (1 - functional.cosine_similarity(said, target, dim=-1)).mean()
    distance = functional.huber_loss if kind == "huber" else functional.mse_loss
    return distance(said, target)


def physical(daily: Tensor, monthly: Tensor, deviation: Tensor) -> Tensor:
    """Return how far the mean of the days' forecasts is from the month's.

    The squared difference in units of the training targets' deviation, averaged.

    Parameters
    ----------
    daily : Tensor of shape (n, AHEAD, n_forecast)
        In the features' own unit.
    monthly : Tensor of shape (n, n_forecast)
        Means over the month, in the features' own unit.
    deviation : Tensor of shape (n_forecast,)
    """
    return ((daily.mean(dim=1) - monthly) / deviation).square().mean()

"""Training windows made harder: noise, hidden days, hidden sources.

All random numbers are torch's current ones: see `techniques.randomness.RandomStream`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import torch
from torch import Tensor

from trainables.han.batch import Batch, Observed
from trainables.techniques.limits import at_least, below_one, one_of

SECTION: Final = "data.augment."

Sources = Literal["suspect", "monthly", "all"]
Mode = Literal["token", "zero"]
Scope = Literal["sample", "batch"]
Change = Callable[[str, Observed], Observed]


@dataclass(frozen=True)
class AugmentConfig:
    """What is done to training windows; a strength of 0 is nothing."""

    jitter: float = 0.0  # deviation of noise on observed values, in the unit of the scaled inputs
    time_mask: float = 0.0  # share of days of a window that are hidden, in all sources
    source_dropout: float = 0.0  # probability of a source to be hidden; .4 in the source document
    sources: Sources = "suspect"  # which: those suspected to mislead, the monthly ones, all
    mode: Mode = "token"  # "zero" leaves a hidden source's mask: zeros pass for observed values
    scope: Scope = "sample"  # whether each window draws for itself, or all of a batch alike
    crop: float = 0.0  # share of a window's days, its oldest, of which a random part is hidden


def augment_problems(augment: AugmentConfig) -> Iterator[str]:
    """Yield what is wrong with a configuration of the augmentation."""
    yield from at_least(augment, 0, "jitter", prefix=SECTION)
    yield from below_one(augment, "time_mask", "crop", "source_dropout", prefix=SECTION)
    for name, kinds in (("sources", Sources), ("mode", Mode), ("scope", Scope)):
        yield from one_of(augment, name, get_args(kinds), prefix=SECTION)


def augmented(batch: Batch, augment: AugmentConfig, suspect: Collection[str]) -> Batch:
    """Return a training batch as the configuration would have it; targets stay.

    Parameters
    ----------
    batch : Batch
    augment : AugmentConfig
    suspect
        Names of the sources that are suspected to mislead; see `Series.suspect`.
    """
    if augment.jitter:
        noise = augment.jitter
        batch = _mapped(batch, lambda _, seen: _jittered(seen, noise))
    if augment.time_mask:
        shown = torch.rand(batch.month.shape, device=batch.month.device) >= augment.time_mask
        batch = _with_days_hidden(batch, shown)
    if augment.crop:
        batch = _with_days_hidden(batch, _recent(batch, augment.crop))
    if augment.source_dropout:
        batch = _with_sources_hidden(batch, augment, suspect)
    return batch


def _recent(batch: Batch, crop: float) -> Tensor:
    """Return which days are shown, shape (n, days): those from a random day on."""
    count, days = batch.month.shape
    device = batch.month.device
    first = crop * days * torch.rand((count, 1), device=device)
    return torch.arange(days, device=device) >= first.round()


def _with_days_hidden(batch: Batch, shown: Tensor) -> Batch:
    return replace(
        batch,
        daily={k: _hidden(v, shown, "token") for k, v in batch.daily.items()},
        regional={k: _hidden(v, shown, "token") for k, v in batch.regional.items()},
    )


def _with_sources_hidden(batch: Batch, augment: AugmentConfig, suspect: Collection[str]) -> Batch:
    sources = [*batch.daily, *batch.regional, *batch.monthly]
    chosen = {"suspect": suspect, "monthly": batch.monthly, "all": sources}[augment.sources]
    draws = 1 if augment.scope == "batch" else len(batch)

    def hide(name: str, seen: Observed) -> Observed:
        if name not in chosen:
            return seen
        shown = torch.rand((draws, 1), device=seen.mask.device) >= augment.source_dropout
        return _hidden(seen, shown.expand(len(batch), 1), augment.mode)

    return _mapped(batch, hide)


def _mapped(batch: Batch, change: Change) -> Batch:
    def over(sources: Mapping[str, Observed]) -> dict[str, Observed]:
        return {name: change(name, seen) for name, seen in sources.items()}

    return replace(
        batch,
        daily=over(batch.daily),
        regional=over(batch.regional),
        monthly=over(batch.monthly),
    )


def _jittered(seen: Observed, deviation: float) -> Observed:
    noise = deviation * torch.randn_like(seen.values)
    return Observed(torch.where(seen.mask, seen.values + noise, seen.values), seen.mask)


def _hidden(seen: Observed, shown: Tensor, mode: Mode) -> Observed:
    """Hide steps of windows: shown has shape (n, steps) or (n, 1)."""
    wide = shown.reshape(shown.shape + (1,) * (seen.mask.ndim - 2))
    values = torch.where(wide, seen.values, 0.0)
    return Observed(values, seen.mask if mode == "zero" else seen.mask & wide)

"""Events as tensors: converted once, then taken by row."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from search.errors import TrainableError
from trainables.pi_tft.config import DataConfig
from trainables.pi_tft.sequences import (
    Events,
    Splits,
    event_table_splits,
    generate_splits,
    make_splits,
)
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling

EVENT_TABLE_MARK = "r_minus2"  # a column of the event table that official messages do not have

# Drawing events takes as long as two epochs; the arms of a study run on the same seeds in turn.
_generated = lru_cache(maxsize=2)(generate_splits)


def splits_of(
    config: DataConfig, data: Any, *, seed: int, sampling: Sampling = EVERY_SEED_AFRESH
) -> Splits:
    """Return the splits a run uses.

    Parameters
    ----------
    config : DataConfig
    data : None, Splits or DataFrame
        None draws events from the generator; a frame holds official messages, or the event table;
        ready splits are used as they are.
    seed
        Draws the events, or the validation split.
    sampling : Sampling
        What else a new seed draws anew.

    Raises
    ------
    TrainableError
        If `data` is none of these, or generated data are to be split again.
    """
    if data is None:
        return _generated(
            config.generator,
            seed=seed,
            max_length=config.max_length,
            delta_features=config.delta_features,
            test_seed=sampling.test_seed,
        )
    if isinstance(data, Splits):
        return data
    if not isinstance(data, pd.DataFrame):
        raise TrainableError(
            "PiTft takes data=None (generated), a DataFrame of messages, the event table, or "
            f"Splits, got {type(data).__name__}"
        )
    if EVENT_TABLE_MARK in data.columns:
        return event_table_splits(data, seed=seed, sampling=sampling)
    return make_splits(
        data,
        seed=seed,
        sampling=sampling,
        max_length=config.max_length,
        delta_features=config.delta_features,
        horizon_days=config.horizon_days,
    )


@dataclass(frozen=True)
class Batch:
    """Some events as tensors of one device.

    Attributes
    ----------
    temporal : Tensor of shape (n_events, length, n_temporal)
    mask : bool Tensor of shape (n_events, length)
    time_to_tca : Tensor of shape (n_events, length)
        Days.
    static : Tensor of shape (n_events, n_static)
    label : Tensor of shape (n_events,)
        1 where the final risk is high.
    log_miss : Tensor of shape (n_events,)
        log1p of the final miss distance in metres.
    max_risk_estimate, mahalanobis, log_miss_latest : Tensor of shape (n_events,)
        Latest inputs; finite, also where the event lacks them.
    physical : Tensor of shape (n_events,)
        1 where the closed forms hold for the latest inputs: all three are there, and the maximum is
        below certainty, where the small-radius form ends.
    """

    temporal: Tensor
    mask: Tensor
    time_to_tca: Tensor
    static: Tensor
    label: Tensor
    log_miss: Tensor
    max_risk_estimate: Tensor
    mahalanobis: Tensor
    log_miss_latest: Tensor
    physical: Tensor

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: Tensor) -> Batch:
        """Return some of the events, by position."""
        return Batch(*(getattr(self, f.name).index_select(0, rows) for f in fields(self)))

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the network reads."""
        return self.temporal, self.mask, self.time_to_tca, self.static


def to_batch(events: Events, device: torch.device) -> Batch:
    """Return a split's events as tensors."""

    def tensor(values: Any) -> Tensor:
        return torch.as_tensor(np.asarray(values, np.float32), device=device)

    latest = (events.max_risk_estimate, events.mahalanobis, events.log_miss_latest)
    complete = np.isfinite(latest).all(axis=0)
    risk, mahalanobis, miss = (tensor(np.where(complete, x, 1.0)) for x in latest)
    return Batch(
        temporal=tensor(events.temporal),
        mask=torch.as_tensor(events.mask, device=device),
        time_to_tca=tensor(events.time_to_tca),
        static=tensor(events.static),
        label=tensor(events.label),
        log_miss=tensor(events.log_miss),
        max_risk_estimate=risk,
        mahalanobis=mahalanobis,
        log_miss_latest=miss,
        physical=tensor(complete & (events.max_risk_estimate < 0)),
    )


def joined(first: Batch, second: Batch) -> Batch:
    """Return the events of two batches of one layout, the first one's first."""
    pairs = ((getattr(first, f.name), getattr(second, f.name)) for f in fields(first))
    return Batch(*(torch.cat(pair) for pair in pairs))

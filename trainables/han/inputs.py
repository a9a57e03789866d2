"""From a panel, or from the generator, to what a run trains on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from search.errors import TrainableError
from trainables.han.data_config import DataConfig, Missing
from trainables.han.generated import generate
from trainables.han.handcrafted import SOURCE, handcrafted
from trainables.han.panel import Floats, Panel, month_of_day
from trainables.han.reduction import fit_components, kept_columns
from trainables.han.scaling import fit_scaler
from trainables.han.series import Inputs, Series
from trainables.han.windows import Splits, recorded_periods, split
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling

# The arms of a study run on the same seeds in turn.
_generated = lru_cache(maxsize=2)(generate)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Inputs ready for a network.

    Parameters
    ----------
    inputs : Inputs
    dropped : mapping of source to tuple of str
        Columns that the correlation filter left out.
    """

    inputs: Inputs
    dropped: Mapping[str, tuple[str, ...]]


def splits_of(
    config: DataConfig, data: Any, *, seed: int, sampling: Sampling = EVERY_SEED_AFRESH
) -> Splits:
    """Return the splits that a run uses.

    Parameters
    ----------
    config : DataConfig
    data : None, Panel or Splits
        None draws a panel from the generator; a panel is split by time, the same for every seed;
        ready splits are used as they are.
    seed
        Draws the panel.
    sampling : Sampling
        What else a new seed draws anew.

    Raises
    ------
    TrainableError
        If `data` is none of these, or data are to be split again.
    """
    if data is None:
        return _generated(config.generator, config.windows, seed=seed, sampling=sampling)
    if not isinstance(data, Panel | Splits):
        raise TrainableError(
            f"Han takes data=None (generated), a Panel or Splits, got {type(data).__name__}"
        )
    if sampling.replication == "resplit":
        raise TrainableError(
            "days have an order, so that a panel has one split only: replication is 'fixed'"
        )
    if isinstance(data, Splits):
        return data
    return split(data, config.windows, recorded_periods(data, config.windows))


def series_of(config: DataConfig, splits: Splits, device: torch.device) -> Series:
    """Prepare splits and put them on a device."""
    return Series(splits, prepared(config, splits).inputs, config.windows, device)


def prepared(config: DataConfig, splits: Splits) -> Prepared:
    """Filter, scale and project the sources, by what was known when the training period ended."""
    panel, days = splits.panel, splits.fitted_days
    months = int(month_of_day(panel.days())[days - 1])  # those that were over
    daily = dict(panel.daily)
    features = dict(panel.features)
    if config.handcrafted:
        daily[SOURCE] = handcrafted(panel)
        features[SOURCE] = tuple(str(column) for column in range(daily[SOURCE].shape[1]))
    dropped: dict[str, tuple[str, ...]] = {}

    def ready(sources: Mapping[str, Floats], fitted: int, size: int) -> dict[str, Floats]:
        found = {}
        for name, values in sources.items():
            kept = kept_columns(values[:fitted], config.reduction.correlation)
            lost = np.setdiff1d(np.arange(values.shape[-1]), kept)
            if len(lost):
                dropped[name] = tuple(features[name][column] for column in lost.tolist())
            found[name] = _ready(config, values[..., kept], fitted, size)
        return found

    inputs = Inputs(
        ready(daily, days, 0),
        ready(panel.regional, days, config.reduction.components),
        ready(panel.monthly, months, 0),
    )
    return Prepared(inputs, dropped)


def _ready(config: DataConfig, values: Floats, fitted: int, size: int) -> Floats:
    raw = (
        np.where(np.isnan(values), np.float32(0.0), values) if config.missing == "zero" else values
    )
    scaled = fit_scaler(values[:fitted], config.scale).apply(raw)
    filled = _filled(scaled, fitted, config.missing)
    return fit_components(filled[:fitted], size).apply(filled) if size else filled


def _filled(values: Floats, fitted: int, missing: Missing) -> Floats:
    """Put numbers where nothing was observed, if that is wanted: the past's or the mean."""
    if missing == "mask" or missing == "zero":
        return values
    known = ~np.isnan(values)
    count = np.maximum(known[:fitted].sum(axis=tuple(range(values.ndim - 1))), 1)
    sums = np.where(known[:fitted], values[:fitted], 0.0).sum(axis=tuple(range(values.ndim - 1)))
    mean = np.broadcast_to((sums / count).astype(np.float32), values.shape)
    if missing == "mean":
        return np.where(known, values, mean)
    rows = np.arange(len(values)).reshape(-1, *(1,) * (values.ndim - 1))
    last = np.maximum.accumulate(np.where(known, rows, -1), axis=0)
    carried = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last >= 0, carried, mean)

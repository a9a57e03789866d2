"""Pack raw events into what a network trains on: trim, compress, impute, standardise, pad.

Every statistic is fitted on the train split. A missing value becomes the train median; the column
`missing_share` says how much of a message was missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import DataError
from trainables.pi_tft import physics
from trainables.pi_tft.columns import MISSING_SHARE
from trainables.pi_tft.events import Events, Singles, Splits
from trainables.pi_tft.raw_events import RawEvents
from trainables.pi_tft.scaling import Floats, Scaler, compress


def pack(
    parts: tuple[RawEvents, RawEvents, RawEvents],
    max_length: int,
    *,
    dropped: Mapping[str, int],
    delta_features: bool = False,
) -> Splits:
    """Trim to `max_length`, scale by train statistics, and pad.

    Parameters
    ----------
    parts : tuple of RawEvents
        Train, validation and test.
    max_length : int
        Longest sequence; the result is as long as the longest event, if that is shorter.
    dropped : mapping of str to int
        Passed on.
    delta_features : bool
        Add first differences, scaled by their own statistics.

    Raises
    ------
    DataError
        If `max_length` is below 1.
    """
    if max_length < 1:
        raise DataError(f"max_length must be at least 1, got {max_length}")
    length = min(max_length, max(part.longest() for part in parts))
    trimmed = [part.latest(length) for part in parts]
    scaling = _Scaling.fit(trimmed[0], delta_features=delta_features)
    train, validation, test = (scaling.events(part) for part in trimmed)
    return Splits(train, validation, test, dropped)


@dataclass(frozen=True)
class _Scaling:
    """Everything that was fitted on the train split."""

    temporal: Scaler
    delta: Scaler | None
    static: Scaler
    latest: Mapping[str, float]  # medians that stand in where an event never reports a value

    @classmethod
    def fit(cls, train: RawEvents, *, delta_features: bool) -> "_Scaling":
        values, mask = _compressed(train)
        temporal = Scaler.fit(values[mask])
        delta = None
        if delta_features:
            delta = Scaler.fit(_differences(temporal.impute(values), mask)[_has_previous(mask)])
        static = Scaler.fit(compress(train.static, tuple(train.static_columns.values())))
        names = ("max_risk_estimate", "max_risk_scaling", "miss_distance")
        latest = {name: _median(train.latest_known(name)) for name in names}
        return cls(temporal, delta, static, latest)

    def events(self, raw: RawEvents) -> Events:
        values, mask = _compressed(raw)
        scaled = [self.temporal.standardise(values)]
        names = (*raw.temporal_columns, MISSING_SHARE)
        if self.delta is not None:
            differences = self.delta.standardise(_differences(self.temporal.impute(values), mask))
            scaled.append(np.where(_has_previous(mask)[:, :, None], differences, 0.0))
            names = (*names, *(f"delta_{name}" for name in raw.temporal_columns))
        temporal = np.where(mask[:, :, None], np.concatenate(scaled, axis=2), 0.0)
        static = compress(raw.static, tuple(raw.static_columns.values()))
        return Events(
            temporal=temporal.astype(np.float32),
            mask=mask,
            time_to_tca=np.where(mask, raw.time_to_tca, 0.0).astype(np.float32),
            static=self.static.standardise(static).astype(np.float32),
            label=raw.high_risk.astype(np.float32),
            risk=raw.risk.astype(np.float32),
            **self._physics(raw),
            event_id=raw.event_id,
            temporal_names=names,
            static_names=tuple(raw.static_columns),
            miss_index=names.index("miss_distance"),
        )

    def _physics(self, raw: RawEvents) -> dict[str, Singles]:
        """Collect the latest known inputs of the closed forms, and the final miss distance."""
        known = {name: raw.latest_known(name) for name in self.latest}
        known = {name: np.where(np.isnan(v), self.latest[name], v) for name, v in known.items()}
        maximum, miss = known["max_risk_estimate"], known["miss_distance"]
        mahalanobis = physics.mahalanobis_from_scaling(known["max_risk_scaling"])
        final_miss = np.where(np.isnan(raw.miss_distance), miss, raw.miss_distance)
        values = {
            "log_miss": np.log1p(final_miss),
            "max_risk_estimate": maximum,
            "mahalanobis": mahalanobis,
            "log_miss_latest": np.log1p(miss),
            "log_sigma": physics.effective_log_sigma(raw.radius, maximum, mahalanobis),
        }
        return {name: value.astype(np.float32) for name, value in values.items()}


def _compressed(raw: RawEvents) -> tuple[Floats, NDArray[np.bool_]]:
    """Compress the temporal columns, append `missing_share`, and mark the messages."""
    mask = ~np.isnan(raw.time_to_tca)
    values = compress(raw.temporal, tuple(raw.temporal_columns.values()))
    missing = np.isnan(raw.temporal).mean(axis=2, keepdims=True)
    return np.concatenate([values, missing], axis=2), mask


def _differences(values: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Difference successive messages, without `missing_share`; 0 at an event's first one."""
    differences = np.diff(values[:, :, :-1], axis=1, prepend=values[:, :1, :-1])
    return np.where(_has_previous(mask)[:, :, None], differences, 0.0)


def _has_previous(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the messages that have a predecessor."""
    previous = np.zeros_like(mask)
    previous[:, 1:] = mask[:, :-1]
    return previous & mask


def _median(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else 0.0

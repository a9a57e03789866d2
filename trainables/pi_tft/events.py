"""What a network trains on: one split as padded arrays, and the three splits together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Events:
    """One split, ready for a network.

    Attributes
    ----------
    temporal : ndarray of float32, shape (n_events, length, n_temporal)
        Scaled; left-padded with 0, so the last position is always a message.
    mask : ndarray of bool, shape (n_events, length)
        True where there is a message.
    time_to_tca : ndarray of float32, shape (n_events, length)
        Days to the closest approach, 0 where padded.
    static : ndarray of float32, shape (n_events, n_static)
        Scaled.
    label : ndarray of float32, shape (n_events,)
        1 where the final risk is at least -6 (high risk), else 0.
    risk : ndarray of float32, shape (n_events,)
        Final log10 Pc, floored at -30: the challenge's regression target.
    log_miss : ndarray of float32, shape (n_events,)
        log1p of the final miss distance in metres; of the latest input's where the final one was
        not published (official test events, the event table).
    max_risk_estimate : ndarray of float32, shape (n_events,)
        Latest available input, log10 Pc_max.
    mahalanobis : ndarray of float32, shape (n_events,)
        Latest available input, in the encounter plane: sqrt(2 · `max_risk_scaling`), the M of
        `physics`. The column `mahalanobis_distance` is another quantity, in three dimensions.
    log_miss_latest : ndarray of float32, shape (n_events,)
        log1p of the latest available input miss distance in metres.
    log_sigma : ndarray of float32, shape (n_events,)
        Logarithm of the combined size sqrt(σx σy) in metres, from the latest available input.
    event_id : ndarray of int64, shape (n_events,)
    temporal_names, static_names : tuple of str
        Names along the last axes of `temporal` and `static`.
    miss_index : int
        Column of `temporal` that holds the scaled log1p miss distance.
    """

    temporal: Singles
    mask: NDArray[np.bool_]
    time_to_tca: Singles
    static: Singles
    label: Singles
    risk: Singles
    log_miss: Singles
    max_risk_estimate: Singles
    mahalanobis: Singles
    log_miss_latest: Singles
    log_sigma: Singles
    event_id: NDArray[np.int64]
    temporal_names: tuple[str, ...]
    static_names: tuple[str, ...]
    miss_index: int


@dataclass(frozen=True)
class Splits:
    """Three disjoint sets of events, and how many events were dropped for which reason."""

    train: Events
    validation: Events
    test: Events
    dropped: Mapping[str, int] = field(default_factory=dict)

"""Events in physical units, before any statistic is fitted: one form for every source of data.

Sources are official messages (a frame of 103 columns), generated conjunctions, and the event table.
All obey one rule: inputs lie at least `horizon_days` before the closest approach, and the message
that carries an event's label is never among them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from search.errors import DataError
from trainables.pi_tft import columns, physics
from trainables.pi_tft.columns import OBJECT_TYPES, STATIC, TEMPORAL, Compression
from trainables.pi_tft.conjunctions import Conjunctions

Floats = NDArray[np.float64]

EVENT_TABLE_TEMPORAL: Mapping[str, Compression] = {
    "risk": "none",
    "max_risk_estimate": "none",
    "max_risk_scaling": "log",
    "miss_distance": "log",
    "mahalanobis_distance": "log",
    "c_position_covariance_det": "log",
    "c_obs_used": "log",
}
EVENT_TABLE_STATIC: Mapping[str, Compression] = {
    "number_CDMs": "none",
    "mean_risk_CDMs": "none",
    "std_risk_CDMs": "none",
}


@dataclass(frozen=True)
class RawEvents:
    """Events in physical units.

    Attributes
    ----------
    temporal : ndarray of shape (n_events, length, n_temporal)
        Input messages, right-aligned in time; NaN where missing or padded.
    time_to_tca : ndarray of shape (n_events, length)
        Days; NaN where padded.
    static : ndarray of shape (n_events, n_static)
        NaN where missing.
    risk : ndarray of shape (n_events,)
        Final log10 Pc.
    miss_distance : ndarray of shape (n_events,)
        Final one in metres, NaN where nobody published it.
    radius : ndarray of shape (n_events,)
        Combined hard-body radius in metres.
    last_days : ndarray of shape (n_events,)
        Days from the last message, input or not, to the closest approach.
    official_test : ndarray of bool, shape (n_events,)
    event_id : ndarray of int64, shape (n_events,)
    temporal_columns, static_columns : mapping of str to compression
        Names along the last axes, and how to compress them.
    """

    temporal: Floats
    time_to_tca: Floats
    static: Floats
    risk: Floats
    miss_distance: Floats
    radius: Floats
    last_days: Floats
    official_test: NDArray[np.bool_]
    event_id: NDArray[np.int64]
    temporal_columns: Mapping[str, Compression]
    static_columns: Mapping[str, Compression]

    @property
    def high_risk(self) -> NDArray[np.bool_]:
        """True where the final risk is at least -6."""
        return self.risk >= physics.HIGH_RISK

    def take(self, rows: NDArray[np.int64]) -> "RawEvents":
        """Select events by position."""
        return replace(
            self,
            temporal=self.temporal[rows],
            time_to_tca=self.time_to_tca[rows],
            static=self.static[rows],
            risk=self.risk[rows],
            miss_distance=self.miss_distance[rows],
            radius=self.radius[rows],
            last_days=self.last_days[rows],
            official_test=self.official_test[rows],
            event_id=self.event_id[rows],
        )

    def latest(self, length: int) -> "RawEvents":
        """Keep the latest `length` positions."""
        return replace(
            self, temporal=self.temporal[:, -length:], time_to_tca=self.time_to_tca[:, -length:]
        )

    def longest(self) -> int:
        """Largest number of input messages of an event."""
        return int((~np.isnan(self.time_to_tca)).sum(axis=1).max())

    def latest_known(self, column: str) -> Floats:
        """Find the latest value of a temporal column, NaN where an event never has one."""
        values = self.temporal[:, :, list(self.temporal_columns).index(column)]
        known = ~np.isnan(values)
        position = values.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
        return np.asarray(values[np.arange(len(values)), position])


def from_messages(
    messages: pd.DataFrame, *, horizon_days: float
) -> tuple[RawEvents, dict[str, int]]:
    """Read events off a frame that `kelvins.load_kelvins` returned.

    Returns
    -------
    raw : RawEvents
        Ordered by event number, whatever the order of the rows.
    dropped : dict of str to int
        Events "without_input" (no message before the horizon except the label's own) and
        "unlabelled" (official test events whose `true_risk` is not there).
    """
    ordered = _ordered(messages)
    days = ordered["time_to_tca"].to_numpy(np.float64)
    unique, start, event, count = np.unique(
        ordered["event_id"].to_numpy(np.int64),
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    last = start + count - 1
    official = ordered[columns.OFFICIAL_TEST].to_numpy(np.bool_)[last]
    is_input = days >= horizon_days
    is_input[last[~official]] = False  # labels; the official test file has its own withheld
    n_inputs = np.bincount(event[is_input], minlength=len(unique))
    risk, miss = _outcomes(ordered, last, official)
    dropped = {
        "without_input": int((n_inputs == 0).sum()),
        "unlabelled": int(((n_inputs > 0) & np.isnan(risk)).sum()),
    }
    keep = np.flatnonzero((n_inputs > 0) & ~np.isnan(risk))
    if len(keep) == 0:
        raise DataError(f"no event is left of {len(unique)}: {dropped}")
    latest = start + np.maximum(n_inputs, 1) - 1  # inputs come first within an event
    spans = (ordered[name].to_numpy(np.float64)[latest] for name in ("t_span", "c_span"))
    temporal, times = _pad(ordered, is_input, event, start, n_inputs)
    raw = RawEvents(
        temporal=temporal,
        time_to_tca=times,
        static=_static_of(ordered, latest),
        risk=risk,
        miss_distance=miss,
        radius=physics.combined_radius(*spans),
        last_days=days[last],
        official_test=official,
        event_id=unique,
        temporal_columns=TEMPORAL,
        static_columns=_static_columns(),
    )
    return raw.take(keep), dropped


def from_conjunctions(drawn: Conjunctions, *, horizon_days: float) -> RawEvents:
    """Read events off generated arrays; the result equals that of the same events' frame."""
    messages = drawn.messages
    days = messages["time_to_tca"]
    n, length = days.shape
    slots = np.arange(length)
    is_input = drawn.present & (days >= horizon_days) & (slots < length - 1)
    latest = length - 1 - np.argmax(is_input[:, ::-1], axis=1)
    source = slots + (latest - (length - 1))[:, None]  # moves the inputs to the right edge
    rows = np.arange(n)[:, None]
    inside = (source >= 0) & is_input[rows, source]
    static = {name: drawn.events[name] for name in STATIC}
    one_hot = drawn.object_type[:, None] == np.arange(len(OBJECT_TYPES))
    temporal = np.stack([_shifted(messages[name], source, inside) for name in TEMPORAL], axis=2)
    return RawEvents(
        temporal=temporal,
        time_to_tca=_shifted(days, source, inside),
        static=np.column_stack([*static.values(), one_hot.astype(float)]),
        risk=messages["risk"][:, -1],
        miss_distance=messages["miss_distance"][:, -1],
        radius=physics.combined_radius(drawn.events["t_span"], drawn.events["c_span"]),
        last_days=days[:, -1],
        official_test=np.zeros(n, dtype=np.bool_),
        event_id=drawn.event_id,
        temporal_columns=TEMPORAL,
        static_columns=_static_columns(),
    )


def from_event_table(table: pd.DataFrame) -> RawEvents:
    """Treat each row of the event table as an event with one message.

    The table has no final miss distance and no object sizes: the final miss distance is NaN (so the
    latest input's takes its place) and the radius is that of two objects of unknown size.
    """
    frame = table.rename(columns={"r_minus2": "risk"})
    n = len(frame)
    return RawEvents(
        temporal=frame[list(EVENT_TABLE_TEMPORAL)].to_numpy(np.float64)[:, None, :],
        time_to_tca=frame["time_to_tca"].to_numpy(np.float64)[:, None],
        static=frame[list(EVENT_TABLE_STATIC)].to_numpy(np.float64),
        risk=np.maximum(frame["r_final"].to_numpy(np.float64), physics.RISK_FLOOR),
        miss_distance=np.full(n, np.nan),
        radius=physics.combined_radius(np.full(n, np.nan), np.nan),
        last_days=np.zeros(n),
        official_test=np.zeros(n, dtype=np.bool_),
        event_id=frame["event_id"].to_numpy(np.int64),
        temporal_columns=EVENT_TABLE_TEMPORAL,
        static_columns=EVENT_TABLE_STATIC,
    )


def _ordered(messages: pd.DataFrame) -> pd.DataFrame:
    """Sort by event and, within an event, towards the closest approach."""
    wanted = {*columns.COLUMNS, columns.OFFICIAL_TEST, columns.TRUE_RISK}
    missing = sorted(wanted - set(messages.columns))
    if missing:
        raise DataError(f"messages must come from load_kelvins; they lack {', '.join(missing)}")
    keys = ["event_id", "time_to_tca"]
    return messages.sort_values(keys, ascending=[True, False], kind="stable", ignore_index=True)


def _outcomes(
    ordered: pd.DataFrame, last: NDArray[np.int64], official: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Read final risk and miss distance; of official test events only the risk is known."""
    published = ordered[columns.TRUE_RISK].to_numpy(np.float64)[last]
    risk = np.where(official, published, ordered["risk"].to_numpy(np.float64)[last])
    miss = np.where(official, np.nan, ordered["miss_distance"].to_numpy(np.float64)[last])
    return np.maximum(risk, physics.RISK_FLOOR), miss


def _pad(
    ordered: pd.DataFrame,
    is_input: NDArray[np.bool_],
    event: NDArray[np.int64],
    start: NDArray[np.int64],
    n_inputs: NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Right-align every event's input messages in (n_events, length, n_temporal)."""
    rows = np.flatnonzero(is_input)
    owner = event[rows]
    length = int(n_inputs.max())
    position = length - n_inputs[owner] + rows - start[owner]
    temporal = np.full((len(start), length, len(TEMPORAL)), np.nan)
    temporal[owner, position] = ordered[list(TEMPORAL)].to_numpy(np.float64)[rows]
    times = np.full((len(start), length), np.nan)
    times[owner, position] = ordered["time_to_tca"].to_numpy(np.float64)[rows]
    return temporal, times


def _static_of(ordered: pd.DataFrame, latest: NDArray[np.int64]) -> Floats:
    types = ordered["c_object_type"].to_numpy()[latest]
    one_hot = [(types == name).astype(np.float64) for name in OBJECT_TYPES]
    return np.column_stack([ordered[list(STATIC)].to_numpy(np.float64)[latest], *one_hot])


def _static_columns() -> dict[str, Compression]:
    return {**STATIC, **{f"c_object_type={name}": "none" for name in OBJECT_TYPES}}


def _shifted(values: Floats, source: NDArray[np.int64], inside: NDArray[np.bool_]) -> Floats:
    taken = np.take_along_axis(values, np.maximum(source, 0), axis=1)
    return np.where(inside, taken, np.nan)

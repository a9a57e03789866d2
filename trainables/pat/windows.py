"""Minute counts of many people, and windows of whole days cut from them.

`Recordings` hold what devices recorded, minute by minute, with whatever gaps there are; `cut` turns
them into `Windows` of whole days that begin at midnight and do not overlap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.errors import DataError

Counts = NDArray[np.float32]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

DAY = 1440
"""Minutes of a day."""

UNKNOWN = -1
"""Label of a person of whom nobody knows whether they are depressed."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of whole days, each from midnight.

    Attributes
    ----------
    activity : ndarray of float32, shape (n_windows, minutes)
        Counts per minute, as the device gave them.
    worn : ndarray of bool, shape (n_windows, minutes)
        False where the device was not worn, as far as that is known; see `nonwear.worn_minutes`.
    participant : ndarray of int64, shape (n_windows,)
    label : ndarray of int64, shape (n_windows,)
        1 depressed, 0 not, -1 unknown.
    """

    activity: Counts
    worn: Flags
    participant: Numbers
    label: Numbers

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        shapes = [self.worn.shape, self.participant.shape, self.label.shape]
        rows = self.activity.shape[:1]
        if self.activity.ndim != 2 or shapes != [self.activity.shape, rows, rows]:
            raise ValueError(
                "activity and worn must have the shape (n_windows, minutes), participant and label "
                f"(n_windows,); got {self.activity.shape} and {shapes}"
            )

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: Numbers | Flags) -> Windows:
        """Select windows by position, or by a flag each."""
        return Windows(
            self.activity[rows], self.worn[rows], self.participant[rows], self.label[rows]
        )


@dataclass(frozen=True, eq=False)
class Recordings:
    """Minutes of many people, one after the other.

    Build them with `recordings`, which sorts the rows and removes duplicates.

    Attributes
    ----------
    participant : ndarray of int64, shape (n_participants,)
        Ascending, each once.
    label : ndarray of int64, shape (n_participants,)
        1 depressed, 0 not, -1 unknown.
    first : ndarray of int64, shape (n_participants + 1,)
        Minutes of participant i are the rows first[i] to first[i + 1] - 1.
    minute : ndarray of int32, shape (n_minutes,)
        Minutes since some midnight, local time, ascending within a participant.
    activity : ndarray of float32, shape (n_minutes,)
        Counts per minute.
    dropped : mapping of str to int
        What the reader left out, and why.
    """

    participant: Numbers
    label: Numbers
    first: Numbers
    minute: NDArray[np.int32]
    activity: Counts
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.participant)


def recordings(
    participant: ArrayLike,
    minute: ArrayLike,
    activity: ArrayLike,
    labels: Mapping[int, int],
    dropped: Mapping[str, int] | None = None,
) -> Recordings:
    """Bring rows of minutes into order.

    Parameters
    ----------
    participant, minute, activity : array_like of shape (n_rows,)
        Whose minute, which one, and its counts, in any order. Of a minute that occurs twice (an
        hour is repeated when summer time ends) the row that comes first is kept.
    labels : mapping of int to int
        Label of each participant; those that are not in it are unknown.
    dropped : mapping of str to int, optional
        What the reader left out so far; "duplicate_minutes" is added to it.

    Raises
    ------
    DataError
        If there is no row, or a count is negative or not a number.
    """
    person = np.asarray(participant)
    at = np.asarray(minute, np.int32)
    counts = np.asarray(activity, np.float32)
    if len(person) == 0:
        raise DataError("there is no minute of activity in these files")
    if not np.all(counts >= 0.0):
        bad = int((~(counts >= 0.0)).sum())
        raise DataError(f"counts per minute must be numbers from 0 on; {bad} are not")
    if not _ascending(person, at):
        order = np.lexsort((at, person))  # stable: of equal minutes the first stays the first
        person, at, counts = person[order], at[order], counts[order]
    again = np.zeros(len(person), np.bool_)
    again[1:] = (person[1:] == person[:-1]) & (at[1:] == at[:-1])
    if again.any():
        person, at, counts = person[~again], at[~again], counts[~again]
    unique, first = np.unique(person, return_index=True)
    return Recordings(
        participant=unique.astype(np.int64),
        label=np.array([labels.get(number, UNKNOWN) for number in unique.tolist()], np.int64),
        first=np.append(first, len(person)).astype(np.int64),
        minute=at,
        activity=counts,
        dropped={**(dropped or {}), "duplicate_minutes": int(again.sum())},
    )


def cut(raw: Recordings, days: int) -> tuple[Windows, dict[str, int]]:
    """Cut recordings into windows of whole days.

    A participant's first complete day begins the first window, and every window begins where the
    one before ends. Windows in which a day is not complete are left out: a single missing minute is
    enough.

    Parameters
    ----------
    raw : Recordings
    days : int
        Length of a window, at least 1.

    Returns
    -------
    windows : Windows
        In order of participant and time, everything worn.
    dropped : dict of str to int
        "incomplete_days" (minutes are missing), "left_over_days" (complete, but in no window) and
        "participants_without_window".

    Raises
    ------
    DataError
        If no window is left.
    """
    if days < 1:
        raise ValueError(f"days must be at least 1, got {days}")
    owner, complete, starts, since = _days_of(raw)
    position = np.arange(len(owner))
    last = np.minimum(position + days - 1, len(owner) - 1)
    whole = np.append(0, np.cumsum(complete))
    begins = (since >= 0) & (since % days == 0)
    together = (owner[last] == owner) & (since[last] == since + days - 1)  # no day is absent
    chosen = np.flatnonzero(begins & together & (whole[last + 1] - whole[position] == days))
    dropped = {
        "incomplete_days": int((~complete).sum()),
        "left_over_days": int(complete.sum()) - days * len(chosen),
        "participants_without_window": len(raw) - len(np.unique(owner[chosen])),
    }
    if len(chosen) == 0:
        raise DataError(f"no window of {days} complete days is in these recordings: {dropped}")
    rows = starts[chosen][:, None] + np.arange(days * DAY)
    activity = raw.activity[rows]
    people = owner[chosen]
    worn = np.ones(activity.shape, np.bool_)
    return Windows(activity, worn, raw.participant[people], raw.label[people]), dropped


def _ascending(person: NDArray[np.integer], minute: NDArray[np.int32]) -> bool:
    later = (person[1:] > person[:-1]) | ((person[1:] == person[:-1]) & (minute[1:] >= minute[:-1]))
    return bool(later.all())


def _days_of(raw: Recordings) -> tuple[Numbers, Flags, Numbers, Numbers]:
    """Find every day of every participant.

    Returns
    -------
    owner, complete, starts, since : ndarrays of shape (n_days,)
        Position of the participant; whether all minutes are there; the first row; and days since
        the participant's first complete day (negative before it, or if there is none).
    """
    person = np.repeat(np.arange(len(raw)), np.diff(raw.first))
    day = raw.minute // DAY
    changes = (person[1:] != person[:-1]) | (day[1:] != day[:-1])
    starts = np.append(0, np.flatnonzero(changes) + 1)
    complete = np.diff(np.append(starts, len(day))) == DAY
    owner, date = person[starts], day[starts].astype(np.int64)
    first = np.full(len(raw), np.iinfo(np.int32).max, np.int64)
    np.minimum.at(first, owner[complete], date[complete])
    return owner, complete, starts, date - first[owner]

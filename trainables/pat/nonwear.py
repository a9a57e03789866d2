"""When was the device not worn, and what to make of it.

A device that lies on a table counts nothing for a long time. Troiano et al. (2008,
doi:10.1249/mss.0b013e31815a51b3) call at least 60 consecutive minutes without counts, but for
interruptions of one or two minutes with fewer than 100 counts, "not worn". Deep sleep with a
device at the hip looks the same, and some devices never count zero: the rule is a guess, which is
why `handling` is an option and "keep" is its default.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from search.errors import DataError, SpaceError
from trainables.pat.windows import DAY, Counts, Flags, Windows
from trainables.techniques.limits import at_least, one_of, within

Handling = Literal["keep", "zero", "impute", "drop"]

SECTION: Final = "data.nonwear."  # of a configuration
HANDLINGS: Final[tuple[Handling, ...]] = ("keep", "zero", "impute", "drop")

Edges = NDArray[np.int64]


@dataclass(frozen=True)
class NonWear:
    """How to find minutes without the device, and what to do about them.

    Attributes
    ----------
    handling
        "keep" leaves the counts as they are; "zero" sets those of minutes not worn to zero (which
        changes interruptions only); "impute" gives such a minute the mean of the same
        participant's worn minutes at that time of the day; "drop" leaves out windows that were
        worn too little.
    minimum
        Minutes without counts that are called not worn.
    interruptions
        Longest interruption of such a run, in minutes; Troiano et al. allow 2.
    interruption_counts
        An interruption's counts stay below this.
    least_worn
        With "drop", the least share of worn minutes of a window; 10 hours a day make a valid day
        of Troiano et al.

    Raises
    ------
    SpaceError
        With every value that is out of range.
    """

    handling: Handling = "keep"
    minimum: int = 60
    interruptions: int = 0
    interruption_counts: float = 100.0
    least_worn: float = 10 / 24

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise SpaceError(problems)

    def _problems(self) -> Iterator[str]:
        yield from one_of(self, "handling", HANDLINGS, prefix=SECTION)
        yield from at_least(self, 1, "minimum", prefix=SECTION)
        yield from at_least(self, 0, "interruptions", "interruption_counts", prefix=SECTION)
        yield from within(self, 0, 1, "least_worn", prefix=SECTION)


def worn_minutes(
    activity: Counts,
    minimum: int = 60,
    *,
    interruptions: int = 0,
    interruption_counts: float = 100.0,
) -> Flags:
    """Find the minutes outside long runs of zeros.

    Parameters
    ----------
    activity : ndarray of shape (n_windows, minutes)
    minimum : int
        Shortest run that counts as not worn. Runs are looked for within a window: what a run
        continues beyond its midnight is not seen.
    interruptions : int
        Runs of counts up to this many minutes, between zeros, belong to the run of zeros if all
        their counts are below `interruption_counts`.

    Returns
    -------
    ndarray of bool, shape (n_windows, minutes)

    Examples
    --------
    >>> worn_minutes(np.float32([[5, 0, 0, 7, 0, 0, 0, 2]]), 3).astype(int)
    array([[1, 1, 1, 1, 0, 0, 0, 1]])
    >>> worn_minutes(np.float32([[5, 0, 0, 7, 0, 0, 0, 2]]), 3, interruptions=1).astype(int)
    array([[1, 0, 0, 0, 0, 0, 0, 1]])
    """
    quiet = activity == 0.0
    if interruptions:
        quiet = quiet | _interruptions(activity, quiet, interruptions, interruption_counts)
    row, start, stop = _runs(quiet)
    long = stop - start >= minimum
    return ~_spans(activity.shape, row[long], start[long], stop[long])


def handle(windows: Windows, how: NonWear) -> tuple[Windows, dict[str, int]]:
    """Mark the minutes not worn, and treat them as asked.

    Returns
    -------
    windows : Windows
        With `worn` as found; what was not worn before is not worn after either.
    dropped : dict of str to int
        "windows_not_worn", which is 0 unless windows are dropped.

    Raises
    ------
    DataError
        If every window would be dropped.
    """
    found = worn_minutes(
        windows.activity,
        how.minimum,
        interruptions=how.interruptions,
        interruption_counts=how.interruption_counts,
    )
    marked = replace(windows, worn=windows.worn & found)
    if how.handling == "zero":
        quiet = np.where(marked.worn, marked.activity, np.float32(0.0))
        return replace(marked, activity=quiet), {"windows_not_worn": 0}
    if how.handling == "impute":
        return replace(marked, activity=_imputed(marked)), {"windows_not_worn": 0}
    if how.handling == "drop":
        return _dropped(marked, how.least_worn)
    return marked, {"windows_not_worn": 0}


def _dropped(windows: Windows, least: float) -> tuple[Windows, dict[str, int]]:
    keep = windows.worn.mean(axis=1) >= least
    if not keep.any():
        raise DataError(
            f"no window was worn for {least:.0%} of its minutes; lower least_worn, or the rule "
            "takes sleep for time without the device"
        )
    return windows.take(keep), {"windows_not_worn": int((~keep).sum())}


def _imputed(windows: Windows) -> Counts:
    """Fill minutes not worn from the same participant's worn ones.

    A minute of the day that the participant never wore gets the mean of all their worn minutes;
    who never wore the device keeps zeros.
    """
    n, minutes = windows.activity.shape
    worn = windows.worn.reshape(n, minutes // DAY, DAY)
    counts = windows.activity.reshape(n, minutes // DAY, DAY)
    people, owner = np.unique(windows.participant, return_inverse=True)
    total = np.zeros((len(people), DAY))
    times = np.zeros((len(people), DAY))
    np.add.at(total, owner, np.where(worn, counts, 0.0).sum(axis=1))
    np.add.at(times, owner, worn.sum(axis=1))
    overall = total.sum(axis=1) / np.maximum(times.sum(axis=1), 1.0)
    profile = np.where(times > 0, total / np.maximum(times, 1.0), overall[:, None])
    filled = np.where(worn, counts, profile[owner][:, None, :])
    return filled.reshape(n, minutes).astype(np.float32)


def _interruptions(activity: Counts, quiet: Flags, longest: int, limit: float) -> Flags:
    """Find short runs of low counts with zeros on both sides."""
    row, start, stop = _runs(~quiet)
    inside = (start > 0) & (stop < activity.shape[1]) & (stop - start <= longest)
    row, start, stop = row[inside], start[inside], stop[inside]
    high = np.zeros((len(activity), activity.shape[1] + 1), np.int64)
    np.cumsum(activity >= limit, axis=1, out=high[:, 1:])
    low = high[row, stop] == high[row, start]
    return _spans(activity.shape, row[low], start[low], stop[low])


def _runs(flags: Flags) -> tuple[Edges, Edges, Edges]:
    """Return row, first and one-past-last position of every run of True."""
    steps = np.diff(flags.astype(np.int8), axis=1, prepend=0, append=0)
    row, start = np.nonzero(steps == 1)
    return row, start, np.nonzero(steps == -1)[1]  # row by row, so ends match starts


def _spans(shape: tuple[int, ...], row: Edges, start: Edges, stop: Edges) -> Flags:
    """Return True within the runs, which do not overlap."""
    steps = np.zeros((shape[0], shape[1] + 1), np.int8)
    steps[row, start] += 1
    steps[row, stop] -= 1
    return np.cumsum(steps, axis=1, dtype=np.int8)[:, :-1] > 0

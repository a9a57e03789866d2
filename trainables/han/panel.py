"""A panel: sources at their own resolution, day by day or month by month, and targets per day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.errors import DataError, near_miss

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

POINT_TARGETS: Final = ("regime", "casualty", "anomaly", "transition")
WEEK: Final = 7
YEAR: Final = 12  # months
EPOCH_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday; Monday is 0


@dataclass(frozen=True, eq=False)
class Panel:
    """Sources of a series of days, with gaps, and what is to be foretold.

    NaN is a value that was not observed, everywhere.

    Parameters
    ----------
    first_day : datetime64[D]
        The date of day 0.
    daily : mapping of source to ndarray of float32, shape (n_days, n_features)
    regional : mapping of source to ndarray of float32, shape (n_days, n_regions, n_features)
    monthly : mapping of source to ndarray of float32, shape (n_months, n_features)
        One row per calendar month, from that of day 0 to that of the last day.
    distances : ndarray of shape (n_regions, n_regions)
        Kilometres between regions; of shape (0, 0) without a regional source.
    targets : mapping of str to ndarray of shape (n_days,)
        "regime" (class 0 to 3), "casualty" (count), "anomaly" (real), "transition" (0 or 1), each
        of the day itself.
    features : mapping of source to tuple of str
        The names of its columns.
    intensity : ndarray of shape (n_days,), optional
        From which "regime" and "transition" are derived when the panel is split, with cuts of the
        training period only; `targets` need not hold them then.
    suspect : tuple of str
        Sources that are suspected to mislead after the training period.
    reach : int
        How many days after its own a day's targets, or its intensity, depend on.

    Raises
    ------
    DataError
        With everything that does not fit.
    """

    first_day: np.datetime64
    daily: Mapping[str, Floats]
    regional: Mapping[str, Floats]
    monthly: Mapping[str, Floats]
    distances: Doubles
    targets: Mapping[str, Doubles]
    features: Mapping[str, tuple[str, ...]]
    intensity: Doubles | None = None
    suspect: tuple[str, ...] = ()
    reach: int = 0

    def __post_init__(self) -> None:
        if problems := list(_problems(self)):
            raise DataError("\n".join(problems))

    @property
    def n_days(self) -> int:
        """Length of the series."""
        return len(next(iter(self.daily.values())))

    @property
    def forecast_features(self) -> tuple[str, ...]:
        """Names of what is forecast: every column of the daily sources, source by source."""
        return tuple(f"{source}.{name}" for source in self.daily for name in self.features[source])

    @property
    def forecast_values(self) -> Floats:
        """What is forecast, in its own unit: shape (n_days, n_forecast)."""
        return np.concatenate(list(self.daily.values()), axis=1)

    def days(self) -> NDArray[np.datetime64]:
        """Return the date of every day."""
        return self.first_day + np.arange(self.n_days)


def month_of_day(days: NDArray[np.datetime64]) -> Whole:
    """Return the number of each day's calendar month, counted from that of the first day.

    Examples
    --------
    >>> month_of_day(np.arange("2024-01-30", "2024-02-03", dtype="datetime64[D]"))
    array([0, 0, 1, 1])
    """
    months = days.astype("datetime64[M]").astype(np.int64)
    return np.asarray(months - months[0], np.int64)


def weekday(days: NDArray[np.datetime64]) -> Whole:
    """Return 0 for Monday to 6 for Sunday.

    Examples
    --------
    >>> weekday(np.array(["2024-01-01", "2024-01-07"], dtype="datetime64[D]"))
    array([0, 6])
    """
    since = days.astype("datetime64[D]").astype(np.int64)
    return np.asarray((since + EPOCH_WEEKDAY) % WEEK, np.int64)


def season(days: NDArray[np.datetime64]) -> Whole:
    """Return the month of the year, 0 to 11, of days or of months.

    Examples
    --------
    >>> season(np.array(["2024-01-31", "2024-12-01"], dtype="datetime64[D]"))
    array([ 0, 11])
    """
    return np.asarray(days.astype("datetime64[M]").astype(np.int64) % YEAR, np.int64)


def _problems(panel: Panel) -> Iterator[str]:
    if not panel.daily:
        yield "a panel needs a daily source: what is forecast are the columns of those"
        return
    n_days = panel.n_days
    if n_days == 0:
        yield "a panel needs a day"
        return
    n_months = int(month_of_day(panel.days())[-1]) + 1
    n_regions = len(panel.distances)
    yield from _shape_problems(panel.daily, "daily", (n_days,))
    yield from _shape_problems(panel.regional, "regional", (n_days, n_regions))
    yield from _shape_problems(panel.monthly, "monthly", (n_months,))
    if panel.distances.shape != (n_regions, n_regions):
        yield f"distances must be a square matrix, got shape {panel.distances.shape}"
    yield from _name_problems(panel)
    yield from _target_problems(panel)


def _shape_problems(
    sources: Mapping[str, Floats], kind: str, leading: tuple[int, ...]
) -> Iterator[str]:
    for name, values in sources.items():
        if values.shape[:-1] != leading or values.ndim != len(leading) + 1:
            wanted = ", ".join(map(str, leading))
            yield f"{kind} source {name!r} must have shape ({wanted}, …), got {values.shape}"
        elif np.isinf(values).any():
            yield f"{kind} source {name!r} holds infinite values; NaN is what was not observed"


def _name_problems(panel: Panel) -> Iterator[str]:
    sources = {**panel.daily, **panel.regional, **panel.monthly}
    if len(sources) < len(panel.daily) + len(panel.regional) + len(panel.monthly):
        yield "a source's name must occur once, whatever its resolution"
    for name, values in sources.items():
        if len(names := panel.features.get(name, ())) != values.shape[-1]:
            yield f"features of {name!r} must be {values.shape[-1]} names, got {len(names)}"
    for name in (*panel.features, *panel.suspect):
        if name not in sources:
            yield f"there is no source {name!r}{near_miss(name, sources)}"


def _target_problems(panel: Panel) -> Iterator[str]:
    derived = () if panel.intensity is None else ("regime", "transition")
    for name in POINT_TARGETS:
        if name not in panel.targets and name not in derived:
            yield f"targets lack {name!r}"
    for name, values in panel.targets.items():
        if name not in POINT_TARGETS:
            yield f"there is no target {name!r}{near_miss(name, POINT_TARGETS)}"
        elif values.shape != (panel.n_days,):
            yield f"target {name!r} must have shape ({panel.n_days},), got {values.shape}"
        else:
            yield from _value_problems(name, values[~np.isnan(values)])
    if panel.reach < 0:
        yield f"reach must be 0 or more, got {panel.reach}"
    if panel.intensity is not None and panel.intensity.shape != (panel.n_days,):
        yield f"intensity must have shape ({panel.n_days},), got {panel.intensity.shape}"


def _value_problems(name: str, known: Doubles) -> Iterator[str]:
    allowed = {"regime": (0, 1, 2, 3), "transition": (0, 1)}.get(name)
    if allowed is not None and not np.isin(known, allowed).all():
        yield f"target {name!r} must be one of {allowed}, or NaN"
    if name == "casualty" and not ((known >= 0) & (known == np.floor(known))).all():
        yield "target 'casualty' must be a count, or NaN"

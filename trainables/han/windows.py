"""Windows of a panel, split by time: train first, then validation, then test, with gaps between.

Every split has a period of days. Its windows end at anchor days inside the period; what they are to
foretell lies inside the period, too, and is unknown where it would not: nothing that a split trains
on, or is measured by, happens in the next one's period (Lopez de Prado 2018, "Advances in Financial
Machine Learning", chapter 7, calls the two measures purging and embargo). Inputs do reach back:
a window of the test period may read days of the period before, as it would in use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from search.errors import DataError
from trainables.han.batch import AHEAD, MONTH, REGIMES, Task
from trainables.han.panel import Doubles, Floats, Panel, Whole
from trainables.techniques.limits import at_least, within

SECTION: Final = "data.windows."
SPLITS: Final = ("train", "validation", "test")

Period = tuple[int, int]  # first day, and the day after the last one


@dataclass(frozen=True)
class WindowConfig:
    """How long windows are, how far ahead they look, and which days they end at."""

    days: int = 32  # 365 in the source document
    months: int = 6  # 12 in the source document
    horizon: int = 1  # days from the anchor to the day that is classified and counted
    embargo: int = 31  # days from the last anchor of a split to the next one's period
    stride: int = 3  # days from one anchor to the next: neighbours share most of their days
    train_share: float = 0.6  # of recorded days; generated panels have periods of their own
    validation_share: float = 0.15


def window_problems(windows: WindowConfig) -> Iterator[str]:
    """Yield what is wrong with a configuration of windows."""
    yield from at_least(windows, 1, "days", "months", "stride", prefix=SECTION)
    yield from at_least(windows, 0, "embargo", prefix=SECTION)
    yield from within(windows, 1, MONTH, "horizon", prefix=SECTION)
    yield from within(windows, 0.1, 0.8, "train_share", prefix=SECTION)
    yield from within(windows, 0.05, 0.5, "validation_share", prefix=SECTION)
    if (share := windows.train_share + windows.validation_share) > 0.95:
        yield f"{SECTION}train_share + {SECTION}validation_share must leave a test, got {share:.2f}"


@dataclass(frozen=True, eq=False)
class Splits:
    """A panel, and the anchor days of each split.

    Parameters
    ----------
    panel : Panel
        With all its targets.
    train, validation, test : ndarray of int64
        Anchors: the last day of each window, ascending.
    periods : mapping of split to (int, int)
        First day, and the day after the last one. Whatever is fitted to data is fitted to what was
        known at the end of the training period.
    """

    panel: Panel
    train: Whole
    validation: Whole
    test: Whole
    periods: Mapping[str, Period]

    def __post_init__(self) -> None:
        border = 0
        for name in SPLITS:
            begin, end = self.periods[name]
            anchors = self.anchors(name)
            if not len(anchors):
                raise DataError(f"the {name} split has no window: its days are {begin} to {end}")
            if not begin <= anchors.min() <= anchors.max() < end:
                raise DataError(f"anchors of {name} must lie in its period, {begin} to {end}")
            if not border <= begin < end <= self.panel.n_days:
                raise DataError("periods must follow one another within the panel's days")
            border = end

    def anchors(self, split: str) -> Whole:
        """Return the anchors of a split by its name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]

    @property
    def fitted_days(self) -> int:
        """How many days, from the first on, were over at the end of the training period."""
        return self.periods["train"][1]


def split(panel: Panel, windows: WindowConfig, periods: Mapping[str, Period]) -> Splits:
    """Choose the anchors of each period; derive regimes, where that is still to be done.

    Raises
    ------
    DataError
        If a period holds no anchor.
    """
    found = {}
    for name in SPLITS:
        begin, end = periods[name]
        gap = MONTH + 1 if name == "test" else max(1, windows.embargo)  # no arm has another test
        found[name] = np.arange(begin, max(begin, end - gap + 1), windows.stride, dtype=np.int64)
    whole = with_regimes(panel, periods["train"][1])
    return Splits(whole, found["train"], found["validation"], found["test"], dict(periods))


def recorded_periods(panel: Panel, windows: WindowConfig) -> dict[str, Period]:
    """Cut the days of a recorded panel into three periods.

    The first window needs `windows.days` days before its anchor, and its month is the first.
    """
    first = min(windows.days - 1, panel.n_days - 1)
    train_end = round(windows.train_share * panel.n_days)
    validation_end = round((windows.train_share + windows.validation_share) * panel.n_days)
    return {
        "train": (min(first, train_end - 1), train_end),
        "validation": (train_end, validation_end),
        "test": (validation_end, panel.n_days),
    }


def with_regimes(panel: Panel, fitted_days: int) -> Panel:
    """Derive regimes from a panel's intensity, cut at the quartiles of its first days.

    A transition is a day whose regime is above that of a week before: an escalation. Where the
    intensity of a day is that of the week beginning with it, the two weeks follow one another.

    Raises
    ------
    DataError
        If no intensity is known in those days.
    """
    if panel.intensity is None:
        return panel
    known = panel.intensity[: max(0, fitted_days - panel.reach)]
    known = known[~np.isnan(known)]
    if not len(known):
        raise DataError("the training period has no day of known intensity to cut regimes from")
    cuts = np.quantile(known, np.arange(1, REGIMES) / REGIMES)
    regime = np.searchsorted(cuts, panel.intensity, side="right").astype(np.float64)
    regime[np.isnan(panel.intensity)] = np.nan
    before = np.concatenate([np.full(min(AHEAD, len(regime)), np.nan), regime[:-AHEAD]])
    transition = np.where(np.isnan(regime) | np.isnan(before), np.nan, regime > before)
    targets = {**panel.targets, "regime": regime, "transition": transition}
    return replace(panel, targets=targets, intensity=None)


def targets_of(splits: Splits, windows: WindowConfig) -> dict[Task, Floats]:
    """Return the targets of every day as an anchor; NaN outside of the periods.

    Returns
    -------
    dict of task to ndarray of float32
        Shape (n_days,), (n_days, n_forecast), and (n_days, AHEAD, n_forecast).
    """
    panel = splits.panel
    ends = _ends(splits)
    found: dict[Task, Floats] = {}
    names: tuple[Task, ...] = ("regime", "casualty", "anomaly", "transition")
    for name in names:
        known = _ahead(panel.targets[name], windows.horizon, ends - panel.reach)
        found[name] = known.astype(np.float32)
    values = panel.forecast_values.astype(np.float64)
    found["forecast"] = _mean_ahead(values, ends).astype(np.float32)
    daily = [_ahead(values, step, ends) for step in range(1, AHEAD + 1)]
    found["daily_forecast"] = np.stack(daily, axis=1).astype(np.float32)
    return found


def _ends(splits: Splits) -> Whole:
    """Return for each day the end of its period; the day itself outside of all."""
    ends = np.arange(splits.panel.n_days)
    for begin, end in splits.periods.values():
        ends[begin:end] = end
    return ends


def _ahead(values: Doubles, steps: int, ends: Whole) -> Doubles:
    """Return the values some days later, NaN from the end of the period on."""
    found = np.full(values.shape, np.nan)
    found[:-steps] = values[steps:]
    found[np.arange(len(values)) + steps >= ends] = np.nan
    return found


def _mean_ahead(values: Doubles, ends: Whole) -> Doubles:
    """Return the mean over the month to come, where half of its days were observed."""
    observed = ~np.isnan(values)
    zero = np.zeros((1, values.shape[1]))
    sums = np.concatenate([zero, np.cumsum(np.where(observed, values, 0.0), axis=0)])
    counts = np.concatenate([zero, np.cumsum(observed, axis=0)])
    begin = np.arange(len(values)) + 1
    end = np.maximum(begin, np.minimum(begin + MONTH, ends))
    count = counts[end] - counts[begin]
    mean = (sums[end] - sums[begin]) / np.maximum(count, 1)
    return np.where(2 * count >= MONTH, mean, np.nan)

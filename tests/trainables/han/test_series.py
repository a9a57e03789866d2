"""A batch holds what was known on its anchor days, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainables.han.panels import small_panel
from trainables.han.augmentation import AugmentConfig
from trainables.han.data_config import DataConfig
from trainables.han.inputs import series_of
from trainables.han.panel import month_of_day, season, weekday
from trainables.han.reduction import ReductionConfig
from trainables.han.series import Inputs, Series
from trainables.han.windows import WindowConfig, recorded_periods, split

CPU = torch.device("cpu")
WINDOWS = WindowConfig(days=40, months=3)
EVERYTHING = [
    DataConfig(windows=WINDOWS),
    DataConfig(windows=WINDOWS, scale="log", missing="last", handcrafted=True),
    DataConfig(windows=WINDOWS, missing="mean", augment=AugmentConfig(jitter=1.0)),
    DataConfig(windows=WINDOWS, missing="zero", scale="none"),
    DataConfig(windows=WINDOWS, reduction=ReductionConfig(0.1, 2), handcrafted=True),
]


def splits(panel):
    return split(panel, WINDOWS, recorded_periods(panel, WINDOWS))


def plain(panel):
    inputs = Inputs(panel.daily, panel.regional, panel.monthly)
    return Series(splits(panel), inputs, WINDOWS, CPU)


def inputs_of(batch):
    sources = {**batch.daily, **batch.regional, **batch.monthly}
    found = {f"{k} {part}": getattr(v, part) for k, v in sources.items() for part in v._fields}
    names = ("month", "weekday", "season", "month_season")
    return found | {name: getattr(batch, name) for name in names}


def same(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


def with_another_future(panel, day):
    """Replace whatever was not known on a day: later days, and months not over."""
    other = small_panel(seed=1)
    month = int(month_of_day(panel.days())[day])

    def later(sources, others, first):
        return {
            k: np.concatenate([v[:first], 1e3 * others[k][first:]]).astype(np.float32)
            for k, v in sources.items()
        }

    return replace(
        panel,
        daily=later(panel.daily, other.daily, day + 1),
        regional=later(panel.regional, other.regional, day + 1),
        monthly=later(panel.monthly, other.monthly, month),
        targets={
            k: np.concatenate([v[: day + 1], other.targets[k][day + 1 :]])
            for k, v in panel.targets.items()
        },
    )


@pytest.mark.parametrize("config", EVERYTHING)
def test_nothing_after_the_anchor_gets_into_a_window(config):
    panel = small_panel()
    series = series_of(config, splits(panel), CPU)
    for name in ("validation", "test"):
        for anchor in series.anchors(name)[::4]:
            before = inputs_of(series.batch(anchor[None]))
            changed = with_another_future(panel, int(anchor))
            after = inputs_of(series_of(config, splits(changed), CPU).batch(anchor[None]))
            assert same(before, after)


@pytest.mark.parametrize("config", EVERYTHING)
def test_nothing_after_the_training_period_gets_into_training(config):
    panel = small_panel()
    end = splits(panel).fitted_days
    before, after = (
        series_of(config, splits(one), CPU) for one in (panel, with_another_future(panel, end - 1))
    )
    anchors = before.anchors("train")
    assert same(inputs_of(before.batch(anchors)), inputs_of(after.batch(anchors)))
    for name, target in before.targets(anchors).items():
        assert torch.equal(target.nan_to_num(-9), after.targets(anchors)[name].nan_to_num(-9))
    assert before.statistics.availability == after.statistics.availability
    for name in ("forecast_mean", "daily_deviation", "regime_counts"):
        first, second = getattr(before.statistics, name), getattr(after.statistics, name)
        assert torch.equal(first, second)


def test_the_anchor_itself_is_in_its_window():
    """The test above would pass for windows that end a day early."""
    panel = small_panel()
    series = plain(panel)
    anchor = series.anchors("test")[:1]
    changed = {**panel.daily, "a": panel.daily["a"].copy()}
    changed["a"][anchor] += 1
    after = plain(replace(panel, daily=changed)).batch(anchor)
    assert not torch.equal(series.batch(anchor).daily["a"].values, after.daily["a"].values)


def test_windows_are_those_of_the_panel():
    panel = small_panel()
    series = plain(panel)
    anchors = torch.cat([series.anchors(name) for name in ("train", "validation", "test")])
    batch = series.batch(anchors)
    assert len(batch) == len(anchors)
    months, dates = month_of_day(panel.days()), panel.days()
    for row, anchor in enumerate(anchors.tolist()):
        days = np.arange(anchor - 39, anchor + 1)
        for name, seen in {**batch.daily, **batch.regional}.items():
            truth = {**panel.daily, **panel.regional}[name][days]
            assert np.array_equal(seen.mask[row], ~np.isnan(truth))
            assert np.array_equal(seen.values[row], np.nan_to_num(truth))
        assert np.array_equal(batch.weekday[row], weekday(dates[days]))
        assert np.array_equal(batch.season[row], season(dates[days]))
        first = months[anchor] - 2
        expected = np.where(months[days] >= first, months[days] - first, -1)
        assert np.array_equal(batch.month[row], expected)
        for place, month in enumerate(range(first, first + 3)):
            seen = batch.monthly["m"]
            if 0 <= month < months[anchor]:
                truth = panel.monthly["m"][month]
                assert np.array_equal(seen.mask[row, place], ~np.isnan(truth))
                assert np.array_equal(seen.values[row, place], np.nan_to_num(truth))
            else:
                assert not seen.mask[row, place].any()
                assert (seen.values[row, place] == 0).all()
            assert batch.month_season[row, place] == month % 12  # the panel begins in January
        assert batch.month[row, -1] == 2
        assert {k: v.shape[0] for k, v in batch.targets.items()} == dict.fromkeys(
            batch.targets, len(anchors)
        )


def test_days_before_the_first_were_not_observed():
    batch = plain(small_panel()).batch(torch.tensor([4]))
    assert not batch.daily["a"].mask[0, :35].any()
    assert not batch.regional["r"].mask[0, :35].any()
    assert (batch.daily["a"].values[0, :35] == 0).all()
    assert batch.daily["a"].mask[0, 35:].any()
    assert (batch.month[0, :35] == -1).all()
    assert (batch.month[0, 35:] == 2).all()
    assert batch.weekday[0].tolist() == [(2 + day) % 7 for day in range(-35, 5)]  # a Wednesday


def test_the_shape_is_that_of_the_batches():
    series = series_of(EVERYTHING[-1], splits(small_panel()), CPU)
    batch = series.batch(series.anchors("train")[:3])
    shape = series.shape
    assert {k: v.values.shape for k, v in batch.daily.items()} == {
        k: (3, shape.days, width) for k, width in shape.daily.items()
    }
    assert {k: v.mask.shape for k, v in batch.regional.items()} == {
        k: (3, shape.days, *size) for k, size in shape.regional.items()
    }
    assert {k: v.values.shape for k, v in batch.monthly.items()} == {
        k: (3, shape.months, width) for k, width in shape.monthly.items()
    }
    assert batch.targets["daily_forecast"].shape == (3, 7, shape.forecast)
    assert batch.targets["forecast"].shape == (3, shape.forecast)
    assert shape.distances.shape == (4, 4)


def test_a_year_of_windows_is_not_copied():
    """644 windows of a year would take 160 times the series: it is stored once."""
    panel = small_panel(1500)
    windows = WindowConfig(days=365, months=12, stride=1)
    series = Series(
        split(panel, windows, recorded_periods(panel, windows)),
        Inputs(panel.daily, panel.regional, panel.monthly),
        windows,
        CPU,
    )
    stored = [
        part
        for sources in (series._daily, series._regional, series._monthly)
        for seen in sources.values()
        for part in seen
    ]
    assert max(len(part) for part in stored) == 1500
    assert series.batch(series.anchors("test")[:8]).daily["a"].values.shape == (8, 365, 3)

"""Splits are ordered in time, and nothing they are measured by lies in the next one's period."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import DataError
from tests.trainables.han.panels import small_panel
from trainables.han.batch import AHEAD, MONTH
from trainables.han.windows import (
    Splits,
    WindowConfig,
    recorded_periods,
    split,
    targets_of,
    window_problems,
    with_regimes,
)

CONFIGS = st.builds(
    WindowConfig,
    days=st.integers(1, 60),
    months=st.integers(1, 12),
    horizon=st.integers(1, 30),
    embargo=st.integers(0, 40),
    stride=st.integers(1, 5),
)


def recorded(windows, *, panel=None):
    panel = small_panel() if panel is None else panel
    return split(panel, windows, recorded_periods(panel, windows))


def nan_equal(one, other):
    return all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


@settings(max_examples=30, deadline=None)
@given(CONFIGS, st.integers(0, 3))
def test_targets_of_a_split_never_lie_in_the_next_period(windows, reach):
    """Whatever happens from the next period on, no target of the split changes."""
    panel = small_panel(reach=reach)
    splits = recorded(windows, panel=panel)
    before = targets_of(splits, windows)
    for name in ("train", "validation"):
        end = splits.periods[name][1]
        other = small_panel(seed=9)
        changed = replace(
            panel,
            daily={
                k: np.concatenate([v[:end], other.daily[k][end:]]) for k, v in panel.daily.items()
            },
            targets={
                k: np.concatenate([v[: end - reach], other.targets[k][end - reach :]])
                for k, v in panel.targets.items()
            },
        )
        after = targets_of(replace(splits, panel=changed), windows)
        rows = splits.anchors(name)
        assert nan_equal(
            {k: v[rows] for k, v in before.items()}, {k: after[k][rows] for k in after}
        )


@settings(max_examples=50, deadline=None)
@given(CONFIGS)
def test_splits_follow_one_another_with_the_embargo_between(windows):
    splits = recorded(windows)
    assert splits.train[0] == windows.days - 1
    for earlier, later in (("train", "validation"), ("validation", "test")):
        border = splits.periods[later][0]
        assert splits.periods[earlier][1] == border
        assert splits.anchors(earlier)[-1] + max(1, windows.embargo) <= border
        assert splits.anchors(later)[0] == border
    for name in splits.periods:
        assert (np.diff(splits.anchors(name)) == windows.stride).all()


@pytest.mark.parametrize("embargo", [0, 7, 31, 35])
def test_the_embargo_leaves_the_test_split_alone(embargo):
    splits = recorded(WindowConfig(embargo=embargo))
    assert splits.test.tolist() == recorded(WindowConfig()).test.tolist()
    assert splits.test[-1] + MONTH < splits.panel.n_days
    assert len(splits.train) == len(range(31, splits.periods["train"][1] - max(embargo, 1) + 1, 3))


@pytest.mark.parametrize("horizon", [1, 4])
def test_targets_by_hand(horizon):
    windows = WindowConfig(horizon=horizon)
    splits = recorded(windows)
    found = targets_of(splits, windows)
    values = splits.panel.forecast_values
    for day in (*splits.train[:5], *splits.validation, *splits.test):
        for name in ("regime", "casualty", "anomaly", "transition"):
            truth = splits.panel.targets[name][day + horizon]
            assert found[name][day] == pytest.approx(truth, nan_ok=True)
        month = values[day + 1 : day + 1 + MONTH]
        assert found["forecast"][day] == pytest.approx(np.nanmean(month, axis=0), abs=1e-5)
        week = values[day + 1 : day + 1 + AHEAD]
        assert np.array_equal(found["daily_forecast"][day], week, equal_nan=True)


def test_a_month_that_was_mostly_silent_has_no_mean():
    panel = small_panel()
    values = np.zeros((400, 3), np.float32)
    values[101:116, 0] = np.nan  # 15 of the 30 days after day 100
    values[101:117, 1] = np.nan  # 16 of them
    values[101:131, 2] = np.arange(30)
    splits = recorded(WindowConfig(), panel=replace(panel, daily={**panel.daily, "a": values}))
    assert targets_of(splits, WindowConfig())["forecast"][100, :3] == pytest.approx(
        [0.0, np.nan, 14.5], nan_ok=True
    )


def test_targets_at_the_end_of_a_period_are_unknown_where_it_is_over():
    windows = WindowConfig(embargo=0)
    panel = replace(
        small_panel(),
        daily={"a": np.ones((400, 3), np.float32), "b": np.ones((400, 2), np.float32)},
        targets={k: np.ones(400) for k in small_panel().targets},
    )
    splits = recorded(windows, panel=panel)
    found = targets_of(splits, windows)
    end = splits.periods["train"][1]
    assert found["regime"][end - 2] == 1
    assert np.isnan(found["regime"][end - 1])
    known = ~np.isnan(found["daily_forecast"][end - 4, :, 0])
    assert known.tolist() == [True] * 3 + [False] * 4
    assert found["forecast"][end - 16, 0] == 1  # fifteen days are left
    assert np.isnan(found["forecast"][end - 15]).all()
    assert np.isnan(found["regime"][:30]).all()  # before the first anchor


def test_regimes_are_cut_at_quartiles_of_the_training_period():
    rest = {k: v for k, v in small_panel().targets.items() if k in ("casualty", "anomaly")}
    rising = np.arange(400.0)
    rising[5] = np.nan
    panel = small_panel(targets=rest, intensity=rising)
    targets = with_regimes(panel, 100).targets
    known = np.delete(np.arange(100), 5)
    assert np.bincount(targets["regime"][known].astype(int)).tolist() == [25, 24, 25, 25]
    assert np.isnan(targets["regime"][5])
    assert (targets["regime"][100:] == 3).all()  # nothing later moves the cuts
    changes = np.flatnonzero(np.diff(targets["regime"][6:]) > 0) + 7
    rises = np.flatnonzero(targets["transition"] == 1)
    assert rises.tolist() == [day + step for day in changes for step in range(7)]
    assert np.isnan(targets["transition"][[0, 6, 12]]).all()
    assert recorded(WindowConfig(), panel=panel).panel.intensity is None


def test_cuts_do_not_know_what_reaches_past_the_training_period():
    rest = {k: v for k, v in small_panel().targets.items() if k in ("casualty", "anomaly")}
    values = np.random.default_rng(0).random(400)
    found = []
    for later in (0.0, 1e6):
        values[94:] = later
        panel = small_panel(targets=rest, intensity=values, reach=6)
        found.append(with_regimes(panel, 100).targets["regime"][:94])
    assert np.array_equal(*found)


def test_an_intensity_that_is_never_known_is_refused():
    rest = {k: v for k, v in small_panel().targets.items() if k in ("casualty", "anomaly")}
    with pytest.raises(DataError, match="no day of known intensity"):
        with_regimes(small_panel(targets=rest, intensity=np.full(400, np.nan)), 100)


def test_a_split_without_a_window_is_refused():
    with pytest.raises(DataError, match="the validation split has no window"):
        recorded(WindowConfig(embargo=200, train_share=0.6, validation_share=0.1))
    with pytest.raises(DataError, match="the train split has no window"):
        recorded(WindowConfig(days=300))


def test_splits_out_of_order_are_refused():
    splits = recorded(WindowConfig())
    periods = {**splits.periods, "validation": (200, 300), "train": (31, 240)}
    with pytest.raises(DataError, match="follow one another"):
        Splits(splits.panel, splits.train, splits.validation, splits.test, periods)


def test_a_wrong_configuration_is_explained():
    wrong = WindowConfig(0, 0, 31, -1, 0, 0.8, 0.3)
    assert len(list(window_problems(wrong))) == 6
    assert not list(window_problems(WindowConfig()))

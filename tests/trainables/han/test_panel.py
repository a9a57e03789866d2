"""A panel refuses what does not fit, and knows its calendar."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import DataError
from tests.trainables.han.panels import small_panel
from trainables.han.panel import month_of_day, season, weekday

DAYS = st.dates(datetime.date(1960, 1, 1), datetime.date(2040, 1, 1))


@given(DAYS, st.integers(1, 800))
def test_the_calendar_is_that_of_the_standard_library(first, size):
    days = np.datetime64(first) + np.arange(size)
    real = [first + datetime.timedelta(days=step) for step in range(size)]
    assert weekday(days).tolist() == [day.weekday() for day in real]
    assert season(days).tolist() == [day.month - 1 for day in real]
    months = [12 * (day.year - first.year) + day.month - first.month for day in real]
    assert month_of_day(days).tolist() == months


def test_what_is_forecast_are_the_columns_of_the_daily_sources_in_order():
    panel = small_panel()
    assert panel.forecast_features == ("a.x", "a.y", "a.z", "b.u", "b.v")
    values = panel.forecast_values
    assert values.shape == (400, 5)
    assert np.array_equal(values[:, 3:], panel.daily["b"], equal_nan=True)
    assert panel.days()[-1] == np.datetime64("2020-01-15") + 399


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"daily": {}}, "needs a daily source"),
        ({"daily": {"a": np.zeros((0, 3), np.float32)}}, "needs a day"),
        (
            {"daily": {"a": np.zeros((400, 3)), "b": np.zeros((399, 2))}},
            r"'b' must have shape \(400",
        ),
        ({"monthly": {"m": np.zeros((13, 2))}}, r"monthly source 'm' must have shape \(14, …\)"),
        ({"regional": {"r": np.zeros((400, 3, 5))}}, r"regional source 'r' .* \(400, 4, …\)"),
        ({"regional": {"r": np.zeros((400, 4))}}, "regional source 'r'"),
        ({"regional": {"r": np.full((400, 4, 5), np.inf)}}, "infinite"),
        ({"distances": np.zeros((4, 3))}, "square"),
        ({"features": {"a": ("x",)}}, "features of 'a' must be 3 names, got 1"),
        ({"suspect": ("mm",)}, "no source 'mm'; did you mean 'm'"),
        ({"monthly": {"a": np.zeros((14, 3))}}, "once"),
        ({"targets": {}}, "targets lack 'casualty'"),
        ({"intensity": np.zeros(3)}, r"intensity must have shape \(400,\)"),
        ({"reach": -1}, "reach"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    with pytest.raises(DataError, match=words):
        small_panel(**changes)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("regime", np.full(400, 4.0), "must be one of"),
        ("transition", np.full(400, 0.5), "must be one of"),
        ("casualty", np.full(400, -1.0), "must be a count"),
        ("casualty", np.full(400, 1.5), "must be a count"),
        ("anomaly", np.zeros(3), r"must have shape \(400,\)"),
        ("transitoin", np.zeros(400), "did you mean 'transition'"),
    ],
)
def test_targets_that_cannot_be_are_refused(name, values, words):
    with pytest.raises(DataError, match=words):
        small_panel(targets={**small_panel().targets, name: values})


def test_everything_wrong_is_said_at_once():
    with pytest.raises(DataError) as caught:
        small_panel(distances=np.zeros((4, 3)), reach=-1, suspect=("z",))
    assert len(str(caught.value).splitlines()) == 3


def test_with_an_intensity_regimes_need_not_be_there():
    rest = {k: v for k, v in small_panel().targets.items() if k in ("casualty", "anomaly")}
    assert set(small_panel(targets=rest, intensity=np.zeros(400)).targets) == set(rest)

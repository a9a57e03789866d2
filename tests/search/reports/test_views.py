"""Views: the bulk is drawn, outliers are counted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.reports.views import View, view_of


def test_all_of_a_quiet_set_is_drawn() -> None:
    view = view_of([0.2, 0.4, 0.6])
    assert (view.outside, view.log) == (0, False)
    assert view.low == pytest.approx(0.18)
    assert view.high == pytest.approx(0.62)


def test_an_exploded_loss_does_not_flatten_the_rest() -> None:
    view = view_of([1.0 + 0.01 * i for i in range(40)] + [1e12])
    assert view.outside == 1
    assert view.high < 2


def test_a_loss_over_decades_is_drawn_on_a_logarithmic_axis() -> None:
    view = view_of([10.0**-k for k in range(5)] * 3, direction="minimize")
    assert view.log
    assert view.ends == pytest.approx((-4.2, 0.2))
    assert view.position(1e-2) == pytest.approx(0.5)


def test_a_logarithmic_axis_has_round_ticks() -> None:
    assert view_of([0.1, 0.3, 2.0]).ticks == (0.1, 0.2, 0.5, 1.0, 2.0)
    assert view_of([1e-4, 1e-2, 1.0]).ticks == pytest.approx((1e-4, 1e-3, 1e-2, 0.1, 1.0))
    assert view_of([1.0, 1.5]).ticks == ()


def test_a_score_is_drawn_on_a_linear_axis() -> None:
    assert not view_of([0.02, 0.5, 0.9], direction="maximize").log


def test_what_must_be_seen_is_drawn() -> None:
    assert view_of([1.0, 1.1, 1.2] * 20 + [50.0], keep=[50.0]).holds(50.0)


@given(
    st.lists(st.floats(-1e12, 1e12, allow_nan=False)), st.lists(st.floats(-1e3, 1e3), max_size=2)
)
def test_a_view_is_always_drawable(values: list[float], keep: list[float]) -> None:
    view = view_of(values, keep)
    low, high = view.ends
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low < high
    assert all(view.holds(value) for value in keep)
    assert len(view.ticks) < 20
    assert all(0 <= view.position(value) <= 1 for value in values)


def test_nothing_has_a_view_too() -> None:
    assert view_of([math.nan, math.inf]) == View()

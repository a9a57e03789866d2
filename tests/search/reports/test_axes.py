"""Axes: positions, ticks, edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.reports.axes import Axis
from search.space import Categorical, Float, Int


def test_log_axis_is_linear_in_the_exponent() -> None:
    axis = Axis("lr", "float", 1e-4, 1.0, log=True)
    assert [axis.position(10.0**-k) for k in (4, 3, 2, 1, 0)] == pytest.approx(
        [0, 0.25, 0.5, 0.75, 1]
    )
    places, texts = zip(*axis.ticks, strict=True)
    assert places == pytest.approx((0, 0.5, 1))
    assert texts == ("0.0001", "0.01", "1")


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.lists(st.floats(0, 1), min_size=2))
def test_positions_keep_the_order(low: float, width: float, shares: list[float]) -> None:
    axis = Axis("x", "float", low, low + width)
    values = sorted(low + share * width for share in shares)
    found = [axis.position(value) for value in values]
    assert all(where is not None and 0 <= where <= 1 for where in found)
    assert found == sorted(found, key=lambda where: -1 if where is None else where)


def test_choices_are_evenly_spread_whatever_their_type() -> None:
    axis = Axis("c", "categorical", choices=(None, True, 3, "three"))
    assert [axis.position(c) for c in axis.choices] == [0, pytest.approx(1 / 3), 2 / 3, 1]
    assert axis.position("unknown") is None


@pytest.mark.parametrize(
    ("value", "edge"), [(0.0, True), (0.004, True), (0.3, False), (0.598, True), (0.6, True)]
)
def test_an_optimum_at_an_end_is_said(value: float, edge: bool) -> None:
    assert Axis("dropout", "float", 0.0, 0.6).at_edge(value) is edge


def test_choices_and_fixed_values_have_no_edge() -> None:
    assert not Axis("c", "categorical", choices=("a", "b")).at_edge("a")
    assert not Axis("x", "float", 2.0, 2.0).at_edge(2.0)


def test_what_a_specification_lacks_comes_from_the_values() -> None:
    assert Axis.of({"name": "x"}, [3, 1, 2]) == Axis("x", "int", 1.0, 3.0)
    assert Axis.of({"name": "x"}, [3.5, 1]) == Axis("x", "float", 1.0, 3.5)
    assert Axis.of({"name": "x"}, ["b", "a", "b"]).choices == ("b", "a")
    assert Axis.of({"name": "x"}, [True, False]).categorical


def test_axis_of_a_distribution() -> None:
    assert Axis.from_domain("a", Float(0.1, 1.0, log=True)) == Axis(
        "a", "float", 0.1, 1.0, log=True
    )
    assert Axis.from_domain("b", Int(1, 4)).ticks == ((0.0, "1"), (1 / 3, "2"), (1.0, "4"))
    assert Axis.from_domain("c", Categorical(("x", "y"))).domain == "x, y"


def test_a_logarithm_of_nothing_is_nowhere() -> None:
    assert Axis("x", "float", 1e-4, 1.0, log=True).position(0.0) is None

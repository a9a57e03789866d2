from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.storage.drawing import (
    BURST_S,
    FREE_POINTS,
    POINTS_PER_WRITE,
    SHARE,
    Allowance,
    Drawing,
    thinned,
)


def test_a_short_trial_is_drawn_whole_step_by_step() -> None:
    drawing = Drawing()
    drawn = [drawing.take({step: step / 10}, now=0.0) for step in range(1, FREE_POINTS + 1)]
    assert drawn == [{step: step / 10} for step in range(1, FREE_POINTS + 1)]
    assert drawing.rest() == {}


def test_a_long_fast_trial_gets_a_point_now_and_then_and_its_last() -> None:
    drawing = Drawing()
    drawn: dict[int, float] = {}
    for step in range(1, 1001):
        drawn |= drawing.take({step: float(step)}, now=step / 100)
    assert len(drawn) == FREE_POINTS + 18  # ten seconds, the first 0.6 of them free
    assert drawing.rest() in ({}, {1000: 1000.0})
    assert max(drawn | drawing.rest()) == 1000


def test_a_long_slow_trial_is_drawn_whole() -> None:
    drawing = Drawing()
    drawn = [drawing.take({step: 1.0}, now=float(step)) for step in range(300)]
    assert all(drawn)


def test_the_newest_waits_and_is_forgotten_once_a_newer_one_is_drawn() -> None:
    drawing = Drawing()
    for step in range(FREE_POINTS):
        drawing.take({step: 0.0}, now=0.0)
    assert drawing.take({100: 1.0, 101: 2.0}, now=0.1) == {}
    assert drawing.rest() == {101: 2.0}
    assert drawing.take({102: 3.0, 103: 4.0}, now=0.6) == {103: 4.0}
    assert drawing.rest() == {}


def test_while_nothing_is_allowed_the_newest_waits():
    drawing = Drawing()
    assert drawing.take({1: 1.0, 2: 2.0}, now=0.0, allowed=False) == {}
    assert drawing.rest() == {2: 2.0}
    assert not drawing.has(2)
    assert drawing.take({3: 3.0}, now=0.0) == {3: 3.0}
    assert drawing.has(3)
    assert drawing.rest() == {}


def test_drawing_gets_its_share_of_a_busy_drivers_time():
    allowance, now, drawn_s = Allowance(0.0), 0.0, 0.0
    while now < 200:
        now += 0.004  # a decision
        if allowance.is_left(now):
            allowance.spend(0.003)
            now, drawn_s = now + 0.003, drawn_s + 0.003
    assert drawn_s == pytest.approx(BURST_S + SHARE * now, rel=0.01)


def test_an_idle_driver_saves_one_burst_and_no_more():
    allowance = Allowance(0.0)
    assert allowance.is_left(1e6)
    allowance.spend(BURST_S)
    assert not allowance.is_left(1e6)


def test_what_is_not_finite_is_never_drawn() -> None:
    drawing = Drawing()
    assert drawing.take({1: math.nan, 2: math.inf}, now=0.0) == {}
    assert drawing.take({3: -math.inf, 4: 0.5}, now=0.0) == {4: 0.5}


@given(st.lists(st.integers(1, 10**6), unique=True, min_size=1, max_size=200), st.integers(1, 30))
def test_thinned_steps_are_few_and_hold_the_last(steps: list[int], points: int) -> None:
    steps.sort()
    found = thinned(steps, points)
    assert len(found) <= points
    assert found[-1] == steps[-1]
    assert set(found) <= set(steps)
    assert len(steps) > points or found == steps
    assert POINTS_PER_WRITE <= FREE_POINTS

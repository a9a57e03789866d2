"""Isolates are parted by whole units, of about the size asked for, and ties are cut cheaply."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search.errors import DataError
from trainables.esm2_pair.cutting import drawn, parted


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.1, 0.6), units=st.integers(2, 40))
def test_whole_units_are_drawn_and_some_left(seed, share, units):
    rng = np.random.default_rng(seed)
    unit = np.concatenate([np.arange(units), rng.integers(units, size=100)])
    rows = np.arange(len(unit))
    found = drawn(unit, rows, share, rng)
    assert 0 < len(found) < len(rows)
    assert not set(unit[found]) & set(unit[np.setdiff1d(rows, found)])
    largest = np.bincount(unit).max()
    assert len(found) <= max(1.1 * share * len(rows), largest)


def test_one_unit_cannot_be_parted():
    with pytest.raises(DataError, match="5 isolates are too much alike"):
        drawn(np.zeros(5, np.int64), np.arange(5), 0.2, np.random.default_rng(0))


@settings(max_examples=30, deadline=None)
@example(seed=31)  # isolates with nothing to share
@example(seed=73)  # the last of the units is one of them
@given(seed=st.integers(0, 10_000))
def test_parts_have_nothing_in_common_however_tied_they_were(seed):
    rng = np.random.default_rng(seed)
    shared = np.column_stack([rng.integers(40, size=300), 40 + rng.integers(8, size=300)])
    shared[rng.random((300, 2)) < 0.05] = -1
    shared[:, 1] = np.where(rng.random(300) < 0.8, 40 + shared[:, 0] // 5, shared[:, 1])
    rows = np.arange(1000, 1300)
    table = np.full((1300, 2), -1)
    table[rows] = shared
    inside, outside = parted(table, rows, 0.2, rng)
    mine, others = (set(table[part][table[part] >= 0].tolist()) for part in (inside, outside))
    assert not mine & others
    assert set(inside) | set(outside) <= set(rows)
    assert len(inside) >= 0.8 * 0.2 * 300


def test_a_single_bridge_costs_one_side_of_it():
    left = np.column_stack([np.arange(10) % 3, np.full(10, 20)])
    right = np.column_stack([10 + np.arange(10) % 3, np.full(10, 30)])
    bridge = np.array([[0, 30]])
    inside, outside = parted(
        np.concatenate([left, right, bridge]), np.arange(21), 0.5, np.random.default_rng(0)
    )
    assert len(inside) + len(outside) == 20

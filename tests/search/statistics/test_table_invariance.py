"""What must not move a row of the table: order, unit, seeds that do not count, chance."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.statistics import Arm, Registration, Replicates, Row, Table, rank_table
from tests.search.statistics.tables import NAMES, scores_of, table_of


def same_rows(one: Table, two: Table) -> bool:
    return {row.technique: row for row in one.rows} == {row.technique: row for row in two.rows}


def close_rows(one: Table, two: Table, *, unit: float = 1.0) -> None:
    """Rows equal up to rounding, effects measured in `unit`."""
    in_unit = {"effect", "ci_low", "ci_high", "shrunken_effect", "delta"}
    for name in NAMES:
        for field in fields(Row):
            a, b = getattr(one.row(name), field.name), getattr(two.row(name), field.name)
            if field.name in in_unit and a is not None:
                assert b == pytest.approx(a * unit, rel=1e-7, abs=1e-9 * unit), field.name
            elif field.name not in {"effect_relative", "value_per_hour"} and isinstance(a, float):
                assert b == pytest.approx(a, rel=1e-7, abs=1e-10), field.name
            elif field.name not in {"effect_relative", "value_per_hour"}:
                assert b == a, field.name


@given(st.permutations(range(5)), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_the_order_of_techniques_does_not_matter(order: list[int], seed: int) -> None:
    y = scores_of(seed=seed)
    turned = y[:, [0, *(i + 1 for i in order)]]
    one, two = table_of(y), table_of(turned, tuple(NAMES[i] for i in order))
    assert same_rows(one, two)
    assert one.rows == two.rows
    assert one == two


@given(st.floats(1e-3, 1e3), st.floats(-100, 100), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_unit_and_origin_of_the_metric_do_not_matter(unit: float, shift: float, seed: int) -> None:
    y = scores_of(seed=seed)
    close_rows(table_of(y), table_of(unit * y + shift, smallest_gain=unit), unit=unit)


def test_direction_is_a_sign() -> None:
    y = scores_of()
    close_rows(table_of(y), table_of(-y, direction="minimize"))


def test_a_default_delta_moves_with_the_unit() -> None:
    y = scores_of()
    close_rows(table_of(y, smallest_gain=None), table_of(7 * y + 3, smallest_gain=None), unit=7.0)


def test_seeds_run_ahead_of_the_next_look_do_not_matter() -> None:
    y = scores_of(effects=(0.8,) * 5, seed=3)[:7]
    at_look, ahead = table_of(y[:5]), table_of(y)
    assert len(at_look.looks) == 2
    assert {row.verdict for row in at_look.rows} >= {None}
    assert same_rows(at_look, ahead)


def test_seeds_after_the_end_of_an_arm_do_not_matter() -> None:
    y = scores_of()
    changed = y.copy()
    settled = table_of(y).row("sam")
    assert settled.n_seeds == 3
    changed[3:, 5] = 1e6
    assert same_rows(table_of(y), table_of(changed))


def test_global_random_state_does_not_matter() -> None:
    y = scores_of()
    one = table_of(y)
    np.random.seed(1)  # noqa: NPY002 - the point of the test
    assert table_of(y) == one


def test_the_generator_moves_rank_intervals_only() -> None:
    y = scores_of()
    registration = Registration(tuple(Arm(name) for name in NAMES), smallest_gain=1.0)
    replicates = Replicates(("base", *NAMES), y, np.zeros(y.shape, bool))
    one, two = (
        rank_table(registration, replicates, rng=np.random.default_rng(seed)) for seed in (1, 2)
    )
    blank: dict[str, Any] = {"p_top3": None, "rank_low": None, "rank_high": None, "group": None}
    assert [replace(row, **blank) for row in one.rows] == [
        replace(row, **blank) for row in two.rows
    ]
    assert [row.p_top3 for row in one.rows] == pytest.approx(
        [row.p_top3 for row in two.rows], abs=0.06
    )

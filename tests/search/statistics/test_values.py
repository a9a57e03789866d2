import itertools

import numpy as np
import pytest

from search.statistics import Interval, Row, Verdict
from search.statistics.values import pareto_front, value_of, with_values


def ratio(estimate: float, low: float | None = None, high: float | None = None) -> Interval:
    return Interval(estimate, low, high, 0.95)


def test_gain_per_hour_and_per_extra_compute() -> None:
    value = value_of(0.04, 8.0, ratio(3.0, 2.8, 3.2))
    assert value.per_hour == pytest.approx(0.005)
    assert value.per_compute == pytest.approx(0.02)
    assert not value.no_extra_compute


def test_compute_not_surely_dearer_is_no_extra_compute() -> None:
    value = value_of(0.04, 8.0, ratio(1.02, 0.97, 1.07))
    assert value.no_extra_compute
    assert value.per_compute is None


@pytest.mark.parametrize("compute", [None, ratio(2.0)])
def test_unknown_compute_gives_no_ratio(compute: Interval | None) -> None:
    value = value_of(0.04, 8.0, compute)
    assert (value.per_compute, value.no_extra_compute) == (None, False)


def test_a_loss_is_worth_nothing() -> None:
    assert value_of(-1.0, 1.0, None).per_hour == 0.0


def test_pareto_front_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    gains = rng.integers(0, 4, 12).astype(float)
    costs = rng.integers(0, 4, (12, 2)).astype(float)
    front = pareto_front(gains, costs)
    for i in range(12):
        beaten = any(
            gains[j] >= gains[i]
            and (costs[j] <= costs[i]).all()
            and (gains[j] > gains[i] or (costs[j] < costs[i]).any())
            for j in range(12)
        )
        assert front[i] == (not beaten)


def test_twins_are_both_on_the_front() -> None:
    assert pareto_front(np.ones(2), np.ones((2, 1))).all()


ROWS = (
    Row(
        "big and dear",
        Verdict.ADOPT,
        shrunken_effect=4.0,
        effort_hours=16.0,
        compute=ratio(3, 2, 4),
    ),
    Row(
        "small and free",
        Verdict.ADOPT,
        shrunken_effect=1.0,
        effort_hours=1.0,
        compute=ratio(1, 0.9, 1.1),
    ),
    Row(
        "worse", Verdict.ADOPT, shrunken_effect=0.5, effort_hours=4.0, compute=ratio(1.5, 1.4, 1.6)
    ),
    Row(
        "rejected",
        Verdict.REJECT,
        shrunken_effect=9.0,
        effort_hours=1.0,
        compute=ratio(1, 0.9, 1.1),
    ),
)


def test_only_adopted_rows_have_a_value() -> None:
    found = {row.technique: row for row in with_values(ROWS)}
    assert found["rejected"] == ROWS[3]
    assert found["small and free"].value_per_hour == 1.0
    assert found["big and dear"].value_per_compute == pytest.approx(2.0)


def test_two_orders_and_a_front() -> None:
    found = {row.technique: row for row in with_values(ROWS)}
    ranks = {name: (row.effort_rank, row.compute_rank) for name, row in found.items()}
    assert ranks == {
        "small and free": (1, 1),
        "big and dear": (2, 2),
        "worse": (3, 3),
        "rejected": (None, None),
    }
    assert [found[row.technique].pareto for row in ROWS] == [True, True, False, None]


def test_the_order_of_rows_does_not_matter() -> None:
    expected = {row.technique: row for row in with_values(ROWS)}
    for order in itertools.permutations(ROWS):
        assert {row.technique: row for row in with_values(order)} == expected


def test_nothing_adopted_nothing_changed() -> None:
    assert with_values(ROWS[3:]) == ROWS[3:]

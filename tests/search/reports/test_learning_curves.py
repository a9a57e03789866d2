"""Curves: thinning keeps what matters; rungs count as a reader would count by hand."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from search.reports.learning_curves import POINTS, Rung, learning_curves, thin
from search.reports.search_summary import search_report
from search.storage.database import Database
from search.storage.reader import read_series
from search.study import Objective


@given(st.integers(1, 400), st.integers(2, 50), st.sets(st.integers(1, 400), max_size=5))
def test_thinning_keeps_ends_and_rungs(n: int, limit: int, rungs: set[int]) -> None:
    points = [(step, float(step)) for step in range(1, n + 1)]
    kept = thin(points, limit, sorted(rungs))
    assert kept == sorted(kept)
    assert set(kept) <= set(points)
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert {step for step in rungs if step <= n} <= {step for step, _ in kept}
    assert len(kept) <= limit + len(rungs)


def test_rungs_are_counted(database: Database, plant: Any) -> None:
    planter = plant()
    planter.trial([0.1] * 27)
    planter.trial([0.2] * 9, "pruned")
    planter.trial([0.3] * 3, "pruned")
    planter.trial([0.4] * 3, "pruned")
    planter.trial([0.5, 0.5, math.nan], "diverged")
    planter.trial([0.6] * 3, "running")
    planter.trial([0.7] * 2, "failed")
    assert search_report(database, "demo").rungs == (
        Rung(0, 3, reached=6, passed=2, stopped=2, best=0.6),
        Rung(0, 9, reached=2, passed=1, stopped=1, best=0.2),
    )


def test_smaller_is_better_at_a_rung_too(database: Database, plant: Any) -> None:
    planter = plant(objectives=[{"metric": "val_loss", "direction": "minimize"}])
    planter.trial([0.9, 0.8, 0.7])
    planter.trial([0.6, 0.5, 0.4])
    assert search_report(database, "demo").rungs[0].best == 0.4


def test_curves_are_thinned_only_when_there_are_many(database: Database, plant: Any) -> None:
    planter = plant()
    for _ in range(3):
        planter.trial([0.5] * 27)
    records = read_series(database, "demo/search").trials
    objective = Objective("val_ap", "maximize")
    few = learning_curves(records, objective, [(3, 9)])
    assert not few.thinned
    assert [len(curve.steps) for curve in few.curves] == [27, 27, 27]
    many = learning_curves(records * (POINTS // 27), objective, [(3, 9)])
    assert many.thinned
    assert {3, 9} <= set(many.curves[0].steps)
    assert sum(len(curve.steps) for curve in many.curves) < 1.5 * POINTS


def test_values_that_are_not_finite_are_left_out(database: Database, plant: Any) -> None:
    planter = plant()
    planter.trial([0.1, math.inf, 0.3, math.nan], "diverged")
    planter.trial([math.nan], "diverged")
    (curve,) = search_report(database, "demo").curves[0].curves
    assert (curve.steps, curve.values) == ((1, 3), (0.1, 0.3))

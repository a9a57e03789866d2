"""Slices, parallel coordinates and where the best trials lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from search.reports.axes import Axis
from search.reports.projections import parallel, parameter_rows, ranked, slice_of
from search.reports.trial_rows import TrialRow
from search.study import Objective

LR = Axis("lr", "float", 1e-3, 1e-1, log=True)
POOL = Axis("pool", "categorical", choices=("mean", "max"))
UP, DOWN = Objective("val_ap", "maximize"), Objective("val_loss", "minimize")


def row(
    number: int, value: float | None, params: Mapping[str, Any], outcome: str = "complete"
) -> TrialRow:
    values = () if value is None else (value,)
    return TrialRow(
        number=number, arm="baseline", seed=0, bracket=0, outcome=outcome, values=values,
        score_step=1, last_step=1, elapsed_s=1.0, attempts=1, params=params, changes={},
        configuration={}, metrics={}, reason=None, error=None,
    )  # fmt: skip


def test_trials_are_ranked_by_direction_and_ties_by_number() -> None:
    rows = [row(0, 1.0, {}), row(1, 3.0, {}), row(2, 3.0, {}), row(3, 9.0, {}, "pruned")]
    assert [r.number for r in ranked(rows, UP)] == [1, 2, 0]
    assert [r.number for r in ranked(rows, DOWN)] == [0, 1, 2]


def test_a_slice_leaves_out_trials_without_the_parameter() -> None:
    rows = [row(0, 0.1, {"lr": 0.01}), row(1, 0.2, {}), row(2, 0.3, {"lr": 0.02}, "pruned"),
            row(3, None, {"lr": 0.03}, "failed")]  # fmt: skip
    drawn = slice_of(LR, rows, rows[0], rows[1])
    assert {p.outcome: (p.numbers, p.x, p.y) for p in drawn.points} == {
        "complete": ((0,), (0.01,), (0.1,)),
        "pruned": ((2,), (0.02,), (0.3,)),
    }
    assert (drawn.best, drawn.baseline, drawn.n_without) == ((0.01, 0.1), None, 1)


def test_choices_are_spread_without_touching_their_neighbours() -> None:
    rows = [row(i, 0.5, {"pool": ("mean", "max")[i % 2]}) for i in range(200)]
    complete = slice_of(POOL, rows, None, None).points[1]
    for number, x in zip(complete.numbers, complete.x, strict=True):
        assert abs(x - number % 2) <= 0.281
    assert len(set(complete.x)) > 150


@pytest.mark.parametrize("goal", [UP, DOWN])
def test_bands_are_fifths_from_the_best_on(goal: Objective) -> None:
    rows = [row(i, float(i), {"lr": 0.01}) for i in range(20)]
    drawn = parallel([LR], rows, goal)
    assert [len(band.lines) for band in drawn.bands] == [4] * 5
    best = drawn.bands[0]
    assert (best.low, best.high) == ((16.0, 19.0) if goal is UP else (0.0, 3.0))
    scores = [line.score for band in drawn.bands for line in band.lines]
    assert scores == sorted(scores, reverse=True)


def test_a_parameter_that_does_not_exist_has_no_position() -> None:
    drawn = parallel([LR, POOL], [row(0, 0.5, {"lr": 0.01})], UP)
    ((line,),) = (band.lines for band in drawn.bands)
    assert line.positions == (0.5, None)


def test_where_the_best_fifth_lies() -> None:
    rows = [
        row(i, float(i), {"lr": 0.001 * (i + 1), "pool": "max" if i < 18 else "mean"})
        for i in range(20)
    ]
    best_first = ranked(rows, UP)
    lr, pool = parameter_rows([LR, POOL], best_first, best_first[0], rows[0])
    assert lr.best_fifth == "0.017 to 0.02"
    assert pool.best_fifth == "mean (2), max (2)"
    assert (lr.baseline, lr.best, lr.changed, lr.at_edge) == ("0.001", "0.02", True, False)


def test_a_few_trials_have_no_best_fifth() -> None:
    rows = [row(i, float(i), {"lr": 0.01}) for i in range(9)]
    (lr,) = parameter_rows([LR], ranked(rows, UP), rows[8], rows[0])
    assert lr.best_fifth is None
    assert not lr.changed

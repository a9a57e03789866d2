"""Rows of the table: costs, gaps, and arms of several columns or seeds."""

import numpy as np
import pytest

from search.statistics import Arm, Measurements, Verdict
from tests.search.statistics.tables import NAMES, scores_of, table_of


def test_rows_carry_costs_and_gaps() -> None:
    y = scores_of()
    wall = np.ones(y.shape)
    wall[:, 1] = 1.5
    memory = np.full(y.shape, np.nan)
    validation = y.copy()
    validation[:, 2] += 3.0 + np.random.default_rng(0).normal(0, 0.1, 20)
    table = table_of(y, table={"measured": Measurements(wall, memory, validation)})
    focal, swa = table.row("focal"), table.row("swa")
    assert focal.compute.estimate == pytest.approx(1.5)
    assert focal.memory is None
    assert focal.value_per_compute == pytest.approx(focal.shrunken_effect / 0.5)
    assert focal.value_per_hour == pytest.approx(focal.shrunken_effect / 4.0)
    assert (focal.compute_rank, swa.compute_rank) == (2, 1)  # swa costs nothing extra
    assert "no_extra_compute" in swa.flags
    assert focal.pareto
    assert swa.pareto
    assert "val_up_test_not" in swa.flags
    assert "val_up_test_not" not in focal.flags
    assert table.row("sam").value_per_hour is None


def test_the_gap_leaves_failed_pairs_out() -> None:
    y = scores_of()
    failed = np.zeros(y.shape, bool)
    failed[0, 1] = True
    measured = Measurements(validation=y + 0.25 * np.arange(6))
    row = table_of(y, failed=failed, table={"measured": measured}).row("focal")
    assert row.gap.estimate == pytest.approx(0.25)
    assert row.gap.high - row.gap.low == pytest.approx(0.0, abs=1e-12)


def test_a_free_win_is_flagged() -> None:
    rng = np.random.default_rng(2)
    y = scores_of(effects=(0.0,) * 5)
    wall = np.exp(rng.normal(0, 0.05, y.shape))
    wall[:, 1] *= 0.5
    arms = tuple(Arm(name, as_good_but_cheaper=name == "focal") for name in NAMES)
    table = table_of(y, arms=arms, table={"measured": Measurements(wall_s=wall)})
    assert "free_win" in table.row("focal").flags
    assert all("free_win" not in table.row(name).flags for name in NAMES[1:])


def test_levels_are_one_row_with_a_curve() -> None:
    rng = np.random.default_rng(4)
    base = rng.normal(size=(20, 1))
    effects = [0.0, 2.5, 0.3, 0.0, 0.1, -0.1]
    y = np.column_stack([base, base + effects + rng.normal(0, 0.7, (20, 6))])
    arms = (
        Arm("gamma", levels=("gamma=1", "gamma=2", "gamma=3")),
        *(Arm(name) for name in NAMES[:3]),
    )
    table = table_of(y, arms=arms, looks=(10, 20))
    row = table.row("gamma")
    assert table.n_registered == 4
    assert len(table.rows) == 4
    assert row.level == "gamma=2"
    assert row.verdict is Verdict.ADOPT
    assert row.response.levels == ("gamma=1", "gamma=2", "gamma=3")
    assert row.response.best == "gamma=2"
    middle = row.response.effects[1]
    assert (middle.low, middle.high) == (row.ci_low, row.ci_high)


def test_an_ensemble_counts_blocks() -> None:
    rng = np.random.default_rng(5)
    y = np.full((20, 2), np.nan)
    y[:, 0] = rng.normal(size=20)
    y[3::4, 1] = y[:, 0].reshape(-1, 4).mean(axis=1) + 2.0 + rng.normal(0, 0.1, 5)
    arms = (Arm("ensemble of 4", block=4),)
    row = table_of(y, arms=arms).row("ensemble of 4")
    assert row.verdict is Verdict.ADOPT
    assert row.n_seeds == 3  # three blocks, at the look of 12 seeds
    assert row.compute.estimate == 4.0
    start = table_of(y[:3], arms=arms)
    assert dict(start.needs) == {"ensemble of 4": 5}


def test_an_ensemble_holds_nobody_up() -> None:
    y = scores_of(effects=(0.7, 0.7, 0.7, 0.7, 0.7))[:5]
    wide = np.column_stack([y, np.full(5, np.nan)])
    arms = (*(Arm(name) for name in NAMES), Arm("vote", block=8))
    table = table_of(wide, arms=arms)
    assert len(table.looks) == 2
    assert dict(table.needs)["vote"] == 8

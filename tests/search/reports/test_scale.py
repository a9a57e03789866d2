"""A large search: the page stays small enough to send and to open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from search.reports import render, search_report
from search.reports.learning_curves import POINTS
from search.storage.database import Database


@pytest.mark.slow
def test_a_thousand_trials_of_a_hundred_steps(database: Database, plant: Any, configs: Any) -> None:
    config, model = configs
    rng = np.random.default_rng(0)
    planter = plant(n_trials=1000, max_steps=100)
    for i in range(1000):
        curve = np.cumsum(rng.random(100)) / 100
        trial = config(
            lr=float(10 ** rng.uniform(-5, -1)),
            dropout=float(rng.uniform(0, 0.6)),
            model=model(int(rng.integers(8, 129)), str(rng.choice(["mean", "max"]))),
        )
        planter.trial([float(v) for v in curve], "complete" if i % 3 else "pruned", trial)
    report = search_report(database, "demo")
    assert len(report.trials) == 1000
    assert sum(len(curve.steps) for curve in report.curves[0].curves) < 1.2 * POINTS
    assert len(render(report, "html").encode()) < 12e6

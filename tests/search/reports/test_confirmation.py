"""The check after a search: paired differences on held-out data."""

from __future__ import annotations

import math
from typing import Any

import pytest

from search.reports import search_report
from search.storage.database import Database


@pytest.fixture
def searched(plant: Any, configs: Any) -> Any:
    config, _ = configs
    planter = plant()
    planter.trial([0.5, 0.6])
    planter.trial([0.5, 0.8], config=config(lr=0.01))
    return planter


@pytest.mark.usefixtures("searched")
def test_the_mean_is_that_of_the_paired_differences(database: Database, confirm: Any) -> None:
    confirm({11: (0.50, 0.53), 12: (0.52, 0.51), 13: (0.48, 0.55)})
    check = search_report(database, "demo").confirmation
    assert check is not None
    assert [pair.seed for pair in check.pairs] == [11, 12, 13]
    assert [pair.difference for pair in check.pairs] == pytest.approx([0.03, -0.01, 0.07])
    assert check.mean == pytest.approx(0.03)
    assert (check.n_complete, check.n_better) == (3, 2)


@pytest.mark.usefixtures("searched")
def test_positive_is_better_when_less_is(database: Database, confirm: Any) -> None:
    confirm({11: (0.4, 0.3)}, evaluation={"metric": "test_ap", "direction": "minimize"})
    check = search_report(database, "demo").confirmation
    assert check is not None
    assert check.mean == pytest.approx(0.1)


@pytest.mark.usefixtures("searched")
def test_a_run_that_is_missing_leaves_its_pair_out(database: Database, plant: Any) -> None:
    planter = plant(kind="confirm", seeds=[11, 12, 13])
    planter.trial([{"val_ap": 0.5, "test_ap": 0.4}], arm="baseline", seed=11, params={})
    planter.trial([{"val_ap": 0.5, "test_ap": 0.6}], arm="best", seed=11, params={})
    planter.trial([{"val_ap": 0.5, "test_ap": 0.4}], arm="baseline", seed=12, params={})
    planter.trial([], "failed", arm="best", seed=12, params={})
    planter.trial([{"val_ap": 0.5, "test_ap": math.nan}], arm="baseline", seed=13, params={})
    check = search_report(database, "demo").confirmation
    assert check is not None
    assert check.mean == pytest.approx(0.2)
    assert [pair.note for pair in check.pairs] == [
        "",
        "best: failed",
        "baseline: no finite value; best: not started",
    ]


@pytest.mark.usefixtures("searched")
def test_a_check_of_an_earlier_best_is_called_out(database: Database, confirm: Any) -> None:
    confirm({11: (0.4, 0.5)}, best_arm="trial 0")
    report = search_report(database, "demo")
    assert report.confirmation is not None
    assert report.best is not None
    assert report.confirmation.stale(report.best.number)
    assert not report.confirmation.stale(0)


@pytest.mark.usefixtures("searched")
def test_a_baseline_that_is_best_has_no_difference(database: Database, plant: Any) -> None:
    planter = plant(kind="confirm", seeds=[11], best_arm="baseline")
    planter.trial([{"val_ap": 0.5, "test_ap": 0.4}], arm="baseline", seed=11, params={})
    check = search_report(database, "demo").confirmation
    assert check is not None
    assert check.of_baseline
    assert check.mean is None


@pytest.mark.usefixtures("searched")
def test_reference_lines_come_back_by_seed(database: Database, confirm: Any) -> None:
    lines = {"Trees": {"11": {"test_ap": 0.44, "test_f1": 0.2}, "12": {"test_f1": 0.1}}}
    confirm({11: (0.4, 0.5)}, reference_lines=lines)
    check = search_report(database, "demo").confirmation
    assert check is not None
    assert check.references == {"Trees": {11: 0.44}}

"""Search reports: planted numbers come back."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from search.errors import StorageError
from search.reports import search_report
from search.storage.database import Database


def test_the_planted_search(demo: Database) -> None:
    report = search_report(demo, "demo")
    assert report.counts == {"complete": 25, "pruned": 13, "diverged": 1, "failed": 1}
    assert report.finished
    done = {t.number: t.values[0] for t in report.trials if t.complete}
    assert report.best is not None
    assert report.baseline is not None
    assert report.best.number == max(done, key=lambda number: done[number])
    assert report.baseline.number == 0
    assert report.gain == pytest.approx(max(done.values()) - done[0])
    assert report.improvements[-1] == (report.best.number, max(done.values()))
    values = [value for _, value in report.improvements]
    assert values == sorted(set(values))
    pruned = [27 - t.last_step for t in report.trials if t.outcome == "pruned"]
    assert report.steps_saved == pytest.approx(sum(pruned) / (27 * 39))
    assert report.steps_trained == sum(t.last_step for t in report.trials)


def test_the_importances_find_the_planted_parameter(demo: Database) -> None:
    shares = search_report(demo, "demo").importances.shares
    assert next(iter(shares)) == "lr"
    assert sum(shares.values()) == pytest.approx(1.0)


def test_conditional_parameters_are_absent_where_they_did_not_exist(demo: Database) -> None:
    for row in search_report(demo, "demo").trials:
        assert ("gamma" in row.params) is row.params["focal"]


def test_the_best_configuration_is_ready_to_paste(
    database: Database, plant: Any, configs: Any
) -> None:
    config, model = configs
    planter = plant()
    planter.trial([0.5])
    best = config(lr=0.01, model=model(pooling="max"))
    planter.trial([0.9], config=best)
    code = search_report(database, "demo").code
    assert code == "Config(lr=0.01, model=Model(pooling='max'))"
    assert eval(code, {"Config": config, "Model": model}) == best


def test_held_out_metrics_of_the_search_are_nowhere(demo: Database) -> None:
    report = search_report(demo, "demo")
    assert all(set(row.metrics) <= {"val_ap"} for row in report.trials)
    assert "0.123456" not in repr(report)


def test_less_is_better(database: Database, plant: Any, configs: Any) -> None:
    config, _ = configs
    planter = plant(objectives=[{"metric": "val_loss", "direction": "minimize"}], targets={})
    for value, changes in (
        (0.5, {}),
        (0.7, {"lr": 0.01}),
        (0.3, {"lr": 0.02}),
        (0.4, {"lr": 0.03}),
    ):
        planter.trial([1.0, value], config=config(**changes))
    report = search_report(database, "demo")
    assert report.best is not None
    assert report.best.number == 2
    assert report.gain == pytest.approx(0.2)
    assert report.improvements == ((0, 0.5), (2, 0.3))


def test_a_pruned_baseline_gives_no_gain(database: Database, plant: Any, configs: Any) -> None:
    config, _ = configs
    planter = plant()
    planter.trial([0.2] * 3, "pruned")
    planter.trial([0.9] * 27, config=config(lr=0.01))
    report = search_report(database, "demo")
    assert report.gain is None
    assert report.baseline is not None
    assert report.baseline.outcome == "pruned"


def test_the_front_of_several_objectives(database: Database, plant: Any, configs: Any) -> None:
    config, _ = configs
    goals = [{"metric": "val_ap", "direction": "maximize"},
             {"metric": "cost", "direction": "minimize"}]  # fmt: skip
    planter = plant(objectives=goals)
    points = [(0.5, 1.0), (0.6, 2.0), (0.55, 3.0), (0.7, 3.0), (0.7, 3.0)]
    for i, (ap, cost) in enumerate(points):
        planter.trial([{"val_ap": ap, "cost": cost}], config=config(lr=0.001 * (i + 1)))
    report = search_report(database, "demo")
    assert report.front == (0, 1, 3, 4)
    assert report.best is None
    assert [drawn.objective.metric for drawn in report.curves] == ["val_ap", "cost"]


def test_a_bare_specification_is_enough(database: Database, plant: Any) -> None:
    planter = plant()
    planter.series.specify({"objectives": [{"metric": "val_ap", "direction": "maximize"}]})
    planter.trial([0.5] * 27)
    report = search_report(database, "demo")
    assert [row.axis.name for row in report.parameters] == [
        "lr", "dropout", "model.width", "model.pooling", "focal",
    ]  # fmt: skip
    assert report.max_steps == 27
    assert report.rungs == ()


def test_trials_without_parameters_show_what_always_exists(database: Database, plant: Any) -> None:
    plant().trial([0.5], params={})
    (row,) = search_report(database, "demo").trials
    assert row.params == {
        "lr": 1e-3, "dropout": 0.1, "model.width": 32, "model.pooling": "mean", "focal": False,
    }  # fmt: skip


def test_targets_far_away_are_named_and_not_drawn(database: Database, plant: Any) -> None:
    planter = plant(targets={"near": 0.62, "far": 40.0})
    for value in (0.5, 0.55, 0.6):
        planter.trial([value])
    report = search_report(database, "demo")
    assert report.targets == {"near": 0.62}
    assert report.targets_beyond == {"far": 40.0}
    assert report.view.holds(0.62)


def test_an_unknown_study_is_named_with_its_neighbour(demo: Database) -> None:
    with pytest.raises(StorageError, match="holds no study 'demi'; did you mean 'demo'"):
        search_report(demo, "demi")


def test_a_held_out_objective_is_refused(database: Database, plant: Any) -> None:
    plant(objectives=[{"metric": "test_ap", "direction": "maximize"}])
    with pytest.raises(StorageError, match="held-out"):
        search_report(database, "demo")


def test_a_series_without_objectives_is_refused(database: Database, plant: Any) -> None:
    plant().series.specify({})
    with pytest.raises(StorageError, match="which metrics"):
        search_report(database, "demo")


def test_reports_import_neither_torch_nor_ray() -> None:
    code = "import search.reports, sys; print(sorted({'torch', 'ray'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

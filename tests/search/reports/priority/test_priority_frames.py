"""DataFrames, and Optuna Dashboard."""

from __future__ import annotations

import json
from typing import Any

import optuna
import optuna_dashboard
import pandas as pd

from search.reports import priority_report, push_to_dashboard, render, results
from search.storage.database import Database


def test_the_table_is_the_json_as_a_frame(demo: Database) -> None:
    found = results(demo, "demo").table
    rows = json.loads(render(priority_report(demo, "demo"), "json"))["rows"]
    assert list(found["technique"]) == [row["technique"] for row in rows]
    for key in ("effect", "ci_low", "q_value", "compute_ratio"):
        assert found[key].dtype == float
        for value, row in zip(found[key], rows, strict=True):
            assert (pd.isna(value) and row[key] is None) or value == row[key]
    assert found["rank"].dtype == pd.Int64Dtype()
    assert found["verdict"].isna().sum() == 0
    assert found.set_index("technique").loc["Focal loss", "word"] == "Adopt"


def test_runs_curves_and_looks(demo: Database) -> None:
    found = results(demo, "demo")
    runs = found.runs
    assert len(runs[runs["counts"] & (runs["arm"] == "baseline")]) == 12
    assert (~runs["counts"]).sum() == 1
    assert set(runs.loc[runs["arm"] == "Crashing", "outcome"]) == {"failed"}
    assert runs.loc[runs["arm"] == "Crashing", "score"].isna().all()
    focal = found.curves.query("arm == 'Focal loss' and metric == 'val_ap'")
    assert len(focal) == 6 * 8
    assert list(found.looks["n_seeds"].unique()) == [3, 6]
    assert found.report.name == "demo"


def test_the_dashboard_gets_a_note_and_figures(plant: Any, entry: Any, scores: Any) -> None:
    baseline, better, _ = scores
    planter = plant(entry("A"))
    planter.arm("baseline", baseline(12))
    planter.arm("A", better(12, 0.05, 1))
    database = planter.database
    report = priority_report(database, "demo")
    kept = []
    for _ in range(2):  # the second call replaces what the first one saved
        assert push_to_dashboard(database, report) == "demo/replicate"
        study_id = database.optuna.get_study_id_from_name("demo/replicate")
        kept.append(set(database.optuna.get_study_system_attrs(study_id)))
    assert kept[0] == kept[1]
    assert {"winnow-forest", "winnow-curves"} <= {
        key.split(":")[-2] for key in kept[0] if ":" in key
    }
    study = optuna.load_study(study_name="demo/replicate", storage=database.optuna)
    note = optuna_dashboard.get_note(study)
    assert "# Priority report: demo" in note
    assert "1 of 1 technique adopted: A" in note
    assert "<details>" not in note

"""Optuna Dashboard opens a study database as it is, and shows the truth."""

from __future__ import annotations

import json
import math
from typing import Any
from wsgiref.util import setup_testing_defaults

import optuna_dashboard

from search.storage.database import Database
from search.storage.records import Result
from tests.contracts.records import EPOCH, asked, complete, open_series


def get(app: Any, path: str) -> Any:
    """Return what the dashboard's own page would get."""
    environment: dict[str, Any] = {}
    setup_testing_defaults(environment)
    environment["PATH_INFO"] = path
    answers: list[str] = []
    body = b"".join(app(environment, lambda status, *_: answers.append(status)))
    assert answers == ["200 OK"], body
    return json.loads(body)


def test_states_values_curves_parameters_and_attributes_show(database: Database) -> None:
    series = open_series(database)
    person = {"arm": "Focal loss", "seed": 7, "gpu_s": 2.5, "host": "ada", "git_commit": "0123"}
    results = [
        complete(),
        Result("pruned", (0.3,), 3, None, EPOCH),
        Result("diverged", (), 2, "val_ap=nan at step 2", EPOCH),
        Result("failed", (), 0, "ValueError: boom", EPOCH),
    ]
    for result in results:
        number = series.ask(asked(), person)
        series.draw(number, {1: 0.1, 2: math.nan})
        series.record(number, 0, result=result)
        series.tell(number, result, {"outcome": result.outcome})
    series.ask(asked(params={"lr": 0.5e-3}, distributions={"lr": asked().distributions["lr"]}), {})

    app = optuna_dashboard.wsgi(database.optuna)
    (study,) = get(app, "/api/studies")["study_summaries"]
    assert study["study_name"] == "demo/search"
    shown = get(app, f"/api/studies/{study['study_id']}")
    trials = sorted(shown["trials"], key=lambda trial: int(trial["number"]))
    states = [trial["state"] for trial in trials]
    assert states == ["Complete", "Pruned", "Pruned", "Fail", "Running"]
    assert trials[0]["values"] == [0.9]
    assert [(v["step"], v["value"]) for v in trials[1]["intermediate_values"]] == [
        (1, 0.1),
        (3, 0.3),
    ]
    assert {p["name"] for p in trials[0]["params"]} == {"lr", "width", "pooling"}
    assert {p["name"] for p in trials[4]["params"]} == {"lr"}
    for trial, result in zip(trials, results, strict=False):
        attributes = {a["key"]: a["value"] for a in trial["user_attrs"]}
        assert attributes.keys() == {*person, "outcome"}
        assert attributes["outcome"] == result.outcome
    assert shown["best_trials"][0]["number"] == 0

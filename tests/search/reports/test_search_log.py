"""The experiment log of a search: planted trials come back, with why they are listed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from optuna.distributions import FloatDistribution

from search.parameters import Parameters
from search.reports import render, search_report
from search.reports.search_log_table import search_log
from search.space import Float, Space
from search.storage.database import Database

DOMAINS = {"lr": FloatDistribution(1e-5, 1e-1)}
CURVES = {2e-5: [0.50, 0.55, 0.5888, 0.586], 5e-5: [0.4, 0.5633, 0.52, 0.51], 1e-2: [0.5, 0.6]}


@pytest.fixture
def points(configs: Any) -> Any:
    """Return the parameters of configurations as a search registers those that it tries first."""
    config, _ = configs
    from_lr = Parameters.of(Space(baseline=config(), domains={"lr": Float(1e-5, 1e-1)}), [])

    def encode(*rates: float) -> list[dict[str, Any]]:
        return [dict(from_lr.encode(config(lr=rate))) for rate in rates]

    return encode


@pytest.fixture
def planted(database: Database, plant: Any, configs: Any, points: Any) -> Database:
    config, _ = configs
    given = points(1e-3, 2e-5, 5e-5)
    planter = plant(points=given, targets={"PAT-L": 0.589, "Conv-L": 0.61})
    planter.trial([0.5, 0.58], config=config(), params={"lr": 1e-3}, distributions=DOMAINS)
    for rate, curve in CURVES.items():
        outcome = "pruned" if rate == 5e-5 else "complete"
        planter.trial(curve, outcome, config(lr=rate), params={"lr": rate}, distributions=DOMAINS)
    planter.trial([], "failed", config(lr=0.05), params={"lr": 0.05}, distributions=DOMAINS)
    return database


def test_what_was_tried_first_comes_back(planted: Database) -> None:
    report = search_report(planted, "demo")
    assert [(e.number, e.roles) for e in report.log] == [
        (0, ("baseline",)), (1, ("tried first",)), (2, ("tried first",)), (3, ("best",)),
    ]  # fmt: skip
    entry = report.log[1]
    assert entry.curves is not None
    assert (entry.curves.best, entry.curves.peak_step, entry.last_step) == (0.5888, 3, 4)
    assert entry.curves.decline.estimate == pytest.approx(0.0028)
    assert entry.changes == {"lr": 2e-5}
    assert entry.gaps == pytest.approx({"PAT-L": -0.0002, "Conv-L": -0.0212})
    assert report.log[2].outcome == "pruned"


def test_the_table_says_it_in_every_format(planted: Database) -> None:
    report = search_report(planted, "demo")
    table = search_log(report)
    assert {len(row) for row in table.rows} == {len(table.columns)}
    row = [f"{cell.text} {cell.note}".strip() for cell in table.rows[1]]
    assert row == [
        "1", "tried first", "lr=2e-05", "0.5888", "3 of 4", "0.0028", "complete", "−0.0212",
        "−0.0002",
    ]  # fmt: skip
    assert f"| {' | '.join(row)} |" in render(report, "markdown")
    html = render(report, "html")
    assert '<th scope="row" class="numeric" data-value="1">1</th>' in html
    log = json.loads(render(report, "json"))["log"]
    assert log[1]["gaps"] == pytest.approx({"PAT-L": -0.0002, "Conv-L": -0.0212})
    assert (log[1]["peak_step"], log[1]["best"]) == (3, 0.5888)


def test_one_trial_may_be_listed_for_two_reasons(
    database: Database, plant: Any, configs: Any, points: Any
) -> None:
    config, _ = configs
    planter = plant(points=points(1e-3, 2e-5))
    planter.trial([0.5], config=config(), params={"lr": 1e-3}, distributions=DOMAINS)
    planter.trial([0.6], config=config(lr=2e-5), params={"lr": 2e-5}, distributions=DOMAINS)
    roles = [entry.roles for entry in search_report(database, "demo").log]
    assert roles == [("baseline",), ("tried first", "best")]


def test_where_nobody_knows_what_was_given_the_first_and_the_best_stand_for_it(
    demo: Database,
) -> None:
    report = search_report(demo, "demo")
    done = sorted((t for t in report.trials if t.complete), key=lambda t: -t.values[0])
    roles = {entry.number: entry.roles for entry in report.log}
    assert list(roles)[:5] == [0, 1, 2, 3, 4]
    assert roles[0] == ("baseline",)
    assert roles[1] == ("among the first",)
    assert roles[done[0].number][-1] == "best"
    assert roles[done[2].number][-1] == "place 3"


def test_the_check_gives_held_out_gaps_to_the_baseline_and_the_best(demo: Database) -> None:
    report = search_report(demo, "demo")
    held_out = {e.number: e.held_out["published"].estimate for e in report.log if e.held_out}
    assert report.best is not None
    assert held_out == pytest.approx({0: 0.5 - 0.9, report.best.number: 0.53 - 0.9})
    assert "(held-out −0.4)" in render(report, "markdown")


def test_targets_of_another_metric_give_no_gap(
    database: Database, plant: Any, configs: Any
) -> None:
    config, _ = configs
    loss = [{"metric": "val_nll", "direction": "minimize"}]
    planter = plant(objectives=loss, targets={"published": 0.9})
    planter.trial([0.7, 0.4, 0.6], config=config())
    report = search_report(database, "demo")
    assert report.log[0].curves is not None
    assert (report.log[0].curves.best, report.log[0].curves.peak_step) == (0.4, 2)
    assert report.log[0].gaps == {}
    table = search_log(report)
    assert not any("gap" in column.name for column in table.columns)
    assert "the targets are of another metric" in table.caption


def test_trials_without_a_value_show_dashes(database: Database, plant: Any) -> None:
    planter = plant()
    planter.trial([], "failed", reason="ValueError: bad")
    table = search_log(search_report(database, "demo"))
    (row,) = table.rows
    assert [cell.text for cell in row] == ["0", "baseline", "the baseline", *["–"] * 3, "failed"]
    assert "gap" not in {column.name for column in table.columns}


def test_an_empty_search_has_no_log(database: Database, plant: Any) -> None:
    plant()
    report = search_report(database, "demo")
    assert report.log == ()
    for format_ in ("html", "markdown", "json"):
        assert "Experiment log" not in render(report, format_)

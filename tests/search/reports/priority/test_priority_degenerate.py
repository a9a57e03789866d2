"""Every format, whatever the study looks like."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from search.errors import OptionError, StorageError
from search.reports import (
    priority_report,
    push_to_dashboard,
    render,
    results,
    search_report,
    write_figures,
)
from search.reports.priority_result import PriorityReport
from search.reports.render import PRIORITY_FORMATS
from search.storage.database import Database


def nothing(planter: Any) -> None:
    """Nothing was measured yet."""


def one_run(planter: Any) -> None:
    planter.arm("baseline", [0.6])


def first_look(planter: Any) -> None:
    planter.arm("baseline", [0.60, 0.61, 0.62])
    planter.arm("A", [0.61, 0.615, 0.63])


def all_failed(planter: Any) -> None:
    planter.arm("baseline", [0.60, 0.61, 0.62])
    planter.arm("A", [None, None, None], reason="RuntimeError: no\nmemory")


def baseline_failed(planter: Any) -> None:
    planter.arm("baseline", [None, None, None], reason="OSError: gone")
    planter.arm("A", [0.6, 0.61, 0.62])


def seed_ignored(planter: Any) -> None:
    planter.arm("baseline", [0.6, 0.6, 0.6])
    planter.arm("A", [0.61, 0.61, 0.61])


def one_step(planter: Any) -> None:
    for arm, top in (("baseline", 0.6), ("A", 0.7)):
        for i, seed in enumerate(planter.seeds[:3]):
            value = top + i / 100
            planter.run(arm, seed, value, curve=[{"val_ap": value, "test_ap": value}])


def diverged(planter: Any) -> None:
    planter.arm("baseline", [0.60, 0.61, 0.62])
    for seed in planter.seeds[:3]:
        rows = [{"val_ap": 0.1, "test_ap": 0.1}, {"val_ap": float("nan"), "test_ap": 0.1}]
        planter.run("A", seed, 0.1, curve=rows, outcome="diverged")


STATES: list[Callable[[Any], None]] = [
    nothing,
    one_run,
    first_look,
    all_failed,
    baseline_failed,
    seed_ignored,
    one_step,
    diverged,
]


@pytest.fixture(params=STATES, ids=lambda state: state.__name__)
def report(request: Any, plant: Any, entry: Any) -> PriorityReport:
    planter = plant(entry("A"), targets={"published": 0.7})
    request.param(planter)
    return priority_report(planter.database, "demo")


def test_every_format_is_written(report: PriorityReport, tmp_path: Any) -> None:
    for format_ in PRIORITY_FORMATS:
        text = render(report, format_)
        assert "A" in text
        shown = text.split("<script", 1)[0].split("</style>")[-1]
        for bad in (" nan", ">nan", ">None<", "inf<", "{{", "Undefined"):
            assert bad not in shown
    for format_ in ("svg", "pdf"):
        assert all(path.stat().st_size for path in write_figures(report, tmp_path, format_))


def test_all_failed_is_a_bug_with_its_exception(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"))
    all_failed(planter)
    report = priority_report(planter.database, "demo")
    line = report.line("A")
    assert line.word == "Not measured"
    assert "bug" in line.flags
    assert line.detail.startswith("paused as a bug, mend and rerun: RuntimeError: no")
    for format_ in ("table", "markdown", "html"):
        assert "RuntimeError" in render(report, format_)


def test_a_seed_that_reaches_nothing_gives_no_verdict(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"))
    for arm, value in (("baseline", 0.6), ("A", 0.7)):
        for seed in planter.seeds[:3]:
            planter.run(arm, seed, value)
    report = priority_report(planter.database, "demo")
    row = json.loads(render(report, "json"))["rows"][0]
    assert row["verdict"] == "degenerate"
    assert row["q_value"] is row["p_adjusted"] is row["ci_low"] is None
    assert "the seed does not reach the trainable" in " ".join(render(report, "table").split())


def test_results_of_an_empty_study_have_their_columns(plant: Any, entry: Any) -> None:
    found = results(plant(entry("A")).database, "demo")
    assert list(found.table["technique"]) == ["A"]
    assert found.runs.empty
    assert list(found.curves.columns) == ["arm", "seed", "step", "metric", "value"]
    assert next(iter(found.looks.columns)) == "n_seeds"


def test_a_study_that_was_never_registered_is_refused(database: Database) -> None:
    with pytest.raises(StorageError, match="holds no table of 'dmeo'"):
        priority_report(database, "dmeo")


def test_a_dashboard_without_runs_is_refused(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"))
    report = priority_report(planter.database, "demo")
    with pytest.raises(StorageError, match="nothing was measured yet"):
        push_to_dashboard(planter.database, report)


def test_an_unknown_format_names_its_neighbour(plant: Any, entry: Any, tmp_path: Any) -> None:
    report = priority_report(plant(entry("A")).database, "demo")
    with pytest.raises(OptionError, match="no format 'latx'; did you mean 'latex'"):
        render(report, "latx")
    with pytest.raises(OptionError, match="svg or pdf, not 'png'"):
        write_figures(report, tmp_path, "png")


def test_a_search_has_no_latex(database: Database) -> None:
    from search.storage.ledger import Series

    goal = {"metric": "val_ap", "direction": "maximize"}
    spec = {"objectives": [goal], "max_steps": 3}
    Series(database, "demo/search", "search", ["maximize"], spec)
    with pytest.raises(OptionError, match="a search has no report as latex"):
        render(search_report(database, "demo"), "latex")

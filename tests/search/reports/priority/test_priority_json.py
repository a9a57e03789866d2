"""``priority.json``: exactly its keys, and the planted numbers."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest

from search.ranking import rank_study
from search.reports import priority_report, render
from search.storage.database import Database

TOP = [
    *("schema", "study", "status", "registration", "rows", "aa", "stack", "checks", "decisions"),
    *("runs_used", "log", "historic"),
]
ROW = [
    *("technique", "stage", "rank", "rank_low", "rank_high", "expected_impact", "effort"),
    *("verdict", "worth_it", "effect", "ci_low", "ci_high", "shrunken_effect", "n_seeds"),
    *("n_failed", "q_value", "p_adjusted", "seeds_needed", "compute_ratio", "memory_ratio"),
    "flags",
]


def read(database: Database, name: str = "demo", **options: Any) -> dict[str, Any]:
    """Read the report as strict JSON: NaN and Infinity are refused."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    text = render(priority_report(database, name, **options), "json")
    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return found


def row(found: dict[str, Any], technique: str) -> dict[str, Any]:
    return next(r for r in found["rows"] if r["technique"] == technique)


@pytest.fixture(scope="module")
def found(demo: Database) -> dict[str, Any]:
    return read(demo)


def test_it_has_exactly_these_keys(found: dict[str, Any]) -> None:
    assert list(found) == TOP
    assert all(list(r) == ROW for r in found["rows"])
    assert (found["schema"], found["study"], found["status"]) == (1, "demo", "final")
    assert {r["technique"] for r in found["rows"]} == {
        *("Focal loss", "SWA", "Mixup", "Wider & <deeper>", "Width", "Crashing", "Temperature"),
        "Someday",
    }


def test_effects_are_the_mean_paired_differences(found: dict[str, Any], scores: Any) -> None:
    baseline, better, _ = scores
    d = np.subtract(better(12, 0.030, 1), baseline(12))[:3]
    assert row(found, "Focal loss")["effect"] == pytest.approx(d.mean(), abs=1e-12)
    d = np.subtract(better(12, 0.004, 3), baseline(12))[:6]
    assert row(found, "Mixup")["effect"] == pytest.approx(d.mean(), abs=1e-12)
    assert row(found, "Focal loss")["compute_ratio"] == pytest.approx(1.25)
    assert row(found, "Focal loss")["memory_ratio"] == pytest.approx(1.0)
    assert row(found, "Focal loss")["n_seeds"] == 3
    assert row(found, "Mixup")["n_seeds"] == 6  # settled at the second look


def test_verdicts_are_those_of_the_planted_truth(found: dict[str, Any]) -> None:
    verdicts = {r["technique"]: r["verdict"] for r in found["rows"]}
    assert verdicts == {
        "Focal loss": "adopt",
        "SWA": "adopt",
        "Mixup": "reject",
        "Width": "reject",
        "Wider & <deeper>": "harmful",
        "Crashing": "not_measured",
        "Temperature": "no_effect",
        "Someday": "not_measured",
    }


def test_a_bug_is_flagged_and_has_no_effect(found: dict[str, Any]) -> None:
    crashing = row(found, "Crashing")
    assert "bug" in crashing["flags"]
    assert "withdrawn" not in crashing["flags"]
    assert crashing["effect"] is None
    assert crashing["rank"] is None
    assert crashing["n_failed"] == 3
    assert row(found, "Someday")["flags"] == ["planned"]


def test_rows_without_an_estimate_are_not_ranked(found: dict[str, Any]) -> None:
    unranked = [r for r in found["rows"] if r["rank"] is None]
    assert {r["verdict"] for r in unranked} == {"not_measured", "no_effect"}
    assert [r["rank"] for r in found["rows"]][:5] == [1, 2, 3, 4, 5]
    assert row(found, "Temperature")["effect"] == 0.0


def test_the_determinism_check_found_no_difference(found: dict[str, Any]) -> None:
    aa = found["aa"]
    assert (aa["seed"], aa["identical"], aa["largest_difference"]) == (1000, True, 0.0)


def test_the_stack_is_judged_on_its_own_seeds(found: dict[str, Any], scores: Any) -> None:
    baseline, better, _ = scores
    base, stacked = np.array(baseline(12))[:6], np.array(better(12, 0.045, 7))[:6]
    focal, swa = np.array(better(12, 0.030, 1))[:6], np.array(better(12, 0.024, 2))[:6]
    stack = found["stack"]
    assert (stack["status"], stack["members"], stack["n_seeds"]) == (
        "measured", ["Focal loss", "SWA"], 6,
    )  # fmt: skip
    assert stack["gain"]["estimate"] == pytest.approx((stacked - base).mean())
    total = (focal - base).mean() + (swa - base).mean()
    assert stack["sum_of_singles"]["estimate"] == pytest.approx(total)
    parts = {part["technique"]: part for part in stack["parts"]}
    assert parts["SWA"]["in_stack"]["estimate"] == pytest.approx((stacked - focal).mean())
    assert parts["SWA"]["alone"]["estimate"] == pytest.approx((swa - base).mean())


def test_runs_are_counted_once_and_post_hoc_rows_are_no_runs(found: dict[str, Any]) -> None:
    assert found["runs_used"] == 12 + 6 + 6 + 12 + 3 + 24 + 3


def test_the_registration_says_what_was_fixed(found: dict[str, Any]) -> None:
    registration = found["registration"]
    assert registration["techniques_registered"] == 7
    assert registration["claim"] == "at the stated settings"
    assert registration["looks"] == [3, 6, 12]
    assert registration["looks_taken"] == [3, 6]
    assert registration["seeds"] == [1000 + i for i in range(12)]
    assert registration["history"][0]["kind"] == "first"


def test_csv_has_the_same_numbers(demo: Database, found: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(render(priority_report(demo, "demo"), "csv"))))
    assert list(rows[0]) == ROW
    for line, expected in zip(rows, found["rows"], strict=True):
        for key in ROW:
            value = expected[key]
            text = ";".join(value) if key == "flags" else "" if value is None else str(value)
            assert line[key] == text


def test_a_difference_between_the_two_runs_of_a_seed_is_told(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"))
    planter.arm("baseline", [0.6, 0.61, 0.62])
    planter.run("baseline", planter.seeds[0], 0.63, kind="aa")
    aa = read(planter.database)["aa"]
    assert aa["identical"] is False
    assert aa["largest_difference"] == pytest.approx(0.03, rel=0.02)
    assert aa["evaluation_difference"] == pytest.approx(0.03)
    assert aa["metric"] in ("test_ap", "val_ap")


def test_a_provisional_table_gives_no_verdict_to_the_undecided(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"), entry("B"))
    planter.arm("baseline", [0.60, 0.61, 0.62])
    planter.arm("A", [0.61, 0.615, 0.63])
    planter.arm("B", [0.605, 0.62, 0.622])
    found = read(planter.database)
    assert found["status"] == "provisional"
    assert [r["verdict"] for r in found["rows"]] == [None, None]
    closed = read(planter.database, no_more_runs=True)
    assert closed["status"] == "final"
    assert {r["verdict"] for r in closed["rows"]} == {"inconclusive"}
    assert all("stopped_early" in r["flags"] for r in closed["rows"])
    assert all(isinstance(r["seeds_needed"], int) for r in closed["rows"])


def test_rows_are_those_of_the_statistics(demo: Database, found: dict[str, Any]) -> None:
    table = rank_study(demo, "demo").table
    for line, expected in zip(found["rows"], table.rows, strict=True):
        assert line["technique"] == expected.technique
        for key in ("ci_low", "ci_high", "shrunken_effect", "q_value", "p_adjusted", "rank_low"):
            assert line[key] == getattr(expected, key)
    focal = row(found, "Focal loss")
    assert focal["ci_low"] < focal["shrunken_effect"] < focal["effect"] < focal["ci_high"]

"""One technique over several studies, and what became of what was expected."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scipy.stats import kendalltau

from search.reports.rollup import Rollup, measurements, roll_up, rollup_json
from search.reports.rollup_text import rollup_markdown, rollup_table
from search.statistics import Verdict
from search.storage.database import Database
from tests.search.reports.priority.conftest import Planter, baseline, better, specification


@pytest.fixture
def two(plant: Any, entry: Any) -> Database:
    """Two studies in different metrics' units; three of four expectations are in order."""
    first = plant(
        entry("Class weighting", expected_impact="High", family="Class weights"),
        entry("SWA", expected_impact="Low", reference="arXiv:1803.05407"),
        entry("Someday", status="planned"),
        looks=[3],
    )
    techniques = [
        entry("Class weights", expected_impact="Medium"),
        entry("Weight averaging", expected_impact="Low-Medium", reference="arXiv:1803.05407"),
        entry("Crash", expected_impact="High"),
    ]
    spec = specification(techniques, smallest_gain=0.1, looks=[3])
    second = Planter(first.database, "other", spec)
    second.register()
    for planter in (first, second):
        planter.arm("baseline", baseline(12)[:3])
    first.arm("Class weighting", better(12, 0.04, 1, 0.001)[:3])  # four gains
    first.arm("SWA", better(12, -0.02, 2, 0.001)[:3])
    second.arm("Class weights", better(12, 0.2, 3, 0.001)[:3])  # two gains
    second.arm("Weight averaging", better(12, 0.3, 4, 0.001)[:3])  # three gains
    second.arm("Crash", [None] * 3, reason="ValueError: no")
    for planter in (first, second):
        planter.looked()
    found: Database = first.database
    return found


@pytest.fixture
def found(two: Database) -> Rollup:
    return roll_up(measurements(two))


def test_a_family_stands_together_whatever_studies_call_it(found: Rollup) -> None:
    assert found.studies == ("demo", "other")
    names = {family.name: [one.technique for one in family.measured] for family in found.families}
    assert names["Class weights"] == ["Class weighting", "Class weights"]
    assert found.families[0].name == "Class weights"  # measured most often
    assert (found.families[0].n_studies, found.families[0].n_adopted) == (2, 2)
    assert "Someday" not in names


def test_effects_are_in_units_of_each_studys_smallest_gain(found: Rollup) -> None:
    one, two = found.families[0].measured
    assert one.effect is not None
    assert two.effect is not None
    assert one.gains == pytest.approx(one.effect / 0.01)
    assert two.gains == pytest.approx(two.effect / 0.1)


def test_tau_is_that_of_stated_impacts_and_gains(found: Rollup) -> None:
    pairs = [
        (3.0, "Class weighting"), (1.0, "SWA"), (2.0, "Class weights"), (1.5, "Weight averaging"),
    ]  # fmt: skip
    gains = {one.technique: one.gains for family in found.families for one in family.measured}
    expected = kendalltau([rank for rank, _ in pairs], [gains[name] for _, name in pairs])
    assert found.n_pairs == 4
    assert found.tau == pytest.approx(expected.statistic)
    assert found.tau == pytest.approx(2 / 3)


def test_what_became_of_what_was_expected(found: Rollup) -> None:
    words = {e.expected: (e.n_measured, e.n_adopted, e.n_harmful) for e in found.expectations}
    assert words == {
        "High": (1, 1, 0), "Medium": (1, 1, 0), "Low-Medium": (1, 1, 0), "Low": (1, 0, 1),
    }  # fmt: skip


def test_references_and_names_group_otherwise(two: Database) -> None:
    rows = measurements(two)
    by_reference = roll_up(rows, by="reference")
    assert {f.n_studies for f in by_reference.families if f.measured[0].reference} == {2}
    assert all(f.n_studies == 1 for f in roll_up(rows, by="name").families)
    assert roll_up(measurements(two, ["demo"])).tau is None


def test_every_format_says_the_same(found: Rollup) -> None:
    shape = json.loads(rollup_json(found))
    assert shape["families"][0]["n_adopted"] == 2
    assert shape["families"][0]["measured"][0]["verdict"] == Verdict.ADOPT.value
    for text in (rollup_table(found), rollup_markdown(found).replace("\\", "")):
        flat = " ".join(text.split())
        assert "Kendall's tau-b +0.667 over 4 rows of 2 tables" in flat
    assert "Class weights (2 of 2 adopted) | demo: Class weighting" in rollup_markdown(found)

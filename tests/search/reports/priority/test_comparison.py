"""Two studies, arms or runs side by side."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from search.errors import StorageError
from search.reports.comparison import Comparison, compare, comparison_json
from search.reports.comparison_text import comparison_markdown, comparison_table
from search.reports.subjects import VARIES, find_subject
from search.storage.database import Database
from tests.search.reports.priority.conftest import Planter, specification


def between(database: Database, one: str, two: str) -> Comparison:
    return compare(find_subject(database, one), find_subject(database, two))


def test_arms_are_compared_on_the_seeds_they_share(demo: Database, scores: Any) -> None:
    baseline, better, _ = scores
    found = between(demo, "demo", "demo:SWA")
    (setting,) = found.configuration
    assert (setting.name, setting.first, setting.second) == ("switch", None, "SWA")
    assert found.n_same == 1
    pair = found.metrics[0]
    assert (pair.metric, pair.n_first, pair.n_second) == ("test_ap", 12, 6)
    d = np.subtract(better(12, 0.024, 2), baseline(12))[:6]
    assert pair.difference is not None
    assert pair.difference.estimate == pytest.approx(d.mean())
    assert pair.difference.low is not None
    assert pair.difference.low < d.mean()
    assert not found.design
    assert len(found.second.curve) == 8


def test_a_run_is_found_by_its_series_and_number(demo: Database) -> None:
    found = between(demo, "demo#0", "demo/aa#0")
    assert (found.first.label, found.second.label) == ("demo/replicate#0", "demo/aa#0")
    assert found.configuration == ()
    assert all(pair.first == pair.second for pair in found.metrics)
    assert all(pair.difference is None for pair in found.metrics)  # one seed bounds nothing


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dem", "holds no study 'dem'; did you mean 'demo'"),
        ("demo:SW", "no arm 'SW'; did you mean 'SWA'"),
        ("demo#999", "has no run #999: its last is #"),
        ("demo#one", "names no run: a number belongs after #"),
        ("demo/replicat#0", "did you mean 'demo/replicate'"),
        ("dem#0", "holds no study 'dem'"),
    ],
)
def test_what_is_not_there_is_named(demo: Database, text: str, words: str) -> None:
    with pytest.raises(StorageError, match=words):
        find_subject(demo, text)


@pytest.fixture
def two_studies(plant: Any, entry: Any) -> Database:
    first = plant(entry("A"), entry("B"), targets={"published": 0.6})
    other = specification(
        [entry("B"), entry("C", expected_impact="High")], smallest_gain=0.05, baseline={"lr": 0.1}
    )
    second = Planter(first.database, "other", other)
    second.register()
    for planter, better in ((first, "B"), (second, "C")):
        planter.arm("baseline", [0.60, 0.61, 0.62])
        planter.arm(better, [0.70, 0.72, 0.72])
    found: Database = first.database
    return found


def test_studies_differ_in_what_they_registered_and_found(two_studies: Database) -> None:
    found = between(two_studies, "demo", "other")
    assert {(d.name, d.first, d.second) for d in found.design} == {
        ("smallest_gain", 0.01, 0.05),
        ("targets.published", 0.6, None),
    }
    assert [(d.name, d.first, d.second) for d in found.configuration] == [("lr", 0.01, 0.1)]
    assert list(found.effects) == ["A", "B", "C"]
    assert found.effects["A"][1] is None
    one, two = found.effects["B"]
    assert one is not None
    assert two is not None
    assert (one.effect, two.effect) == (pytest.approx(0.31 / 3), None)
    assert all(pair.difference is None for pair in found.metrics)  # their seeds share nothing


def test_every_format_says_the_same(two_studies: Database) -> None:
    found = between(two_studies, "demo", "other")
    for text in (comparison_table(found), comparison_markdown(found).replace("\\", "")):
        for word in ("smallest_gain", "0.05", "targets.published", "+0.103", "no interval"):
            assert word in " ".join(text.split())
    shape = json.loads(comparison_json(found))
    assert shape["effects"]["C"][1]["expected"] == "High"
    assert list(shape) == [
        *("first", "second", "design", "configuration", "n_same", "metrics", "effects"),
    ]


def test_what_is_alike_is_said_to_be(demo: Database) -> None:
    text = comparison_table(between(demo, "demo", "demo"))
    assert "Registration: no difference" in text
    assert "Configuration: no difference; 1 field alike" in text
    assert "equal" in text


def test_fields_tuned_for_each_seed_vary(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"), tuning="per-seed")
    for place, seed in enumerate(planter.seeds[:3]):
        planter.run("baseline", seed, 0.6, changes={"width": place})
        planter.run("A", seed, 0.7)
    found = between(planter.database, "demo:baseline", "demo:A")
    assert {d.name: d.first for d in found.configuration} == {"width": VARIES, "switch": None}


def test_foreign_names_are_printed_as_they_are(demo: Database) -> None:
    found = between(demo, "demo", "demo:Wider & <deeper>")
    assert "Wider & <deeper>" in comparison_table(found)
    assert "&lt;deeper&gt;" in comparison_markdown(found)

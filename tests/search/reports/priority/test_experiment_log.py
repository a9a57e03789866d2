"""The experiment log of a study: planted curves come back, with what separates them from targets.

The table that the source document keeps has an arm that peaks at its third step and holds, and one
that peaks at its seventh and overfits, each with its distance to two named targets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from search.reports import priority_report, render
from search.reports.experiment_log import spread, stability
from search.reports.log_table import priority_log
from search.statistics import mean_interval, summarise_curves
from search.storage.database import Database

TARGETS = {"Standard PAT-L": 0.589, "Conv-L": 0.624}
HOLDS = [0.55, 0.57, 0.5888, 0.588, 0.587, 0.588, 0.588, 0.588]
OVERFITS = [0.50, 0.51, 0.52, 0.53, 0.54, 0.55, 0.5633, 0.52]
SHIFTS = (-0.002, 0.0, 0.002)  # of three seeds
SCORES = (0.560, 0.563, 0.569)


def curve(values: Sequence[float], shift: float, score: float) -> list[dict[str, float]]:
    found = [{"val_ap": v + shift, "generalization_gap": i / 10} for i, v in enumerate(values)]
    found[-1]["test_ap"] = score
    return found


@pytest.fixture
def planted(plant: Any, entry: Any) -> Database:
    planter = plant(entry("Higher LR"), entry("Never run"), targets=TARGETS)
    for seed, shift, score in zip(planter.seeds, SHIFTS, SCORES, strict=False):
        planter.run("baseline", seed, 0.5888, curve=curve(HOLDS, shift, 0.5888 + shift))
        planter.run("Higher LR", seed, score, curve=curve(OVERFITS, shift, score))
    found: Database = planter.database
    return found


def test_the_planted_experiments_come_back(planted: Database) -> None:
    corrected, higher, absent = priority_report(planted, "demo").log
    assert corrected.curves is not None
    assert higher.curves is not None
    assert corrected.curves.best == pytest.approx(0.5888)
    assert corrected.curves.best_sd == pytest.approx(0.002)
    assert (corrected.curves.peak_step, higher.curves.peak_step) == (3, 7)
    assert corrected.stability == "good"
    assert higher.stability == "declines after its peak"
    assert higher.curves.decline.estimate == pytest.approx(0.5633 - 0.52)
    assert corrected.gaps["Standard PAT-L"].estimate == pytest.approx(-0.0002)
    assert higher.gaps["Conv-L"] == mean_interval([s - 0.624 for s in SCORES])
    assert higher.held_out == spread(SCORES)
    assert higher.generalization is not None
    assert higher.generalization.mean == pytest.approx(0.7)
    assert higher.generalization.sd == pytest.approx(0.0)
    assert (absent.curves, absent.held_out, absent.gaps) == (None, None, {})


def test_every_row_is_as_wide_as_the_heads_and_dashes_where_nothing_ran(planted: Database) -> None:
    table = priority_log(priority_report(planted, "demo"))
    assert [column.name for column in table.columns] == [
        "arm", "runs", "best val_ap", "peak step", "drop to the end", "stability",
        "held-out test_ap", "gap to Conv-L", "gap to Standard PAT-L", "generalization gap", "sets",
    ]  # fmt: skip
    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert [cell.text for cell in table.rows[2]] == ["Never run", "0", *["–"] * 8, "not run"]
    first = {c.name: cell for c, cell in zip(table.columns, table.rows[0], strict=True)}
    assert (first["best val_ap"].text, first["best val_ap"].note) == ("0.5888", "± 0.0020")
    assert first["gap to Standard PAT-L"].text == "−0.0002"
    low, high = (-0.0002 + sign * 4.302653 * 0.002 / np.sqrt(3) for sign in (-1, 1))
    assert first["gap to Standard PAT-L"].note == f"(−{-low:.4f} to +{high:.4f})"


def test_every_format_says_the_same(planted: Database) -> None:
    report = priority_report(planted, "demo")
    text = render(report, "markdown")
    line = next(row for row in text.splitlines() if row.startswith("| Higher LR | 3 |"))
    assert line.startswith("| Higher LR | 3 | 0.5633 ± 0.0020 | 7 (7–7) | 0.0433 (0.0433 to")
    html = render(report, "html")
    assert '0.5633 <span class="note">± 0.0020</span>' in html
    log = {entry["arm"]: entry for entry in json.loads(render(report, "json"))["log"]}
    assert log["Higher LR"]["best"] == pytest.approx(0.5633)
    assert log["Higher LR"]["last"] == pytest.approx(0.52)
    assert log["Higher LR"]["evaluation"]["mean"] == pytest.approx(np.mean(SCORES))
    assert log["Higher LR"]["gaps"]["Conv-L"]["estimate"] == pytest.approx(0.564 - 0.624)
    assert log["Never run"]["best"] is None
    assert log["Never run"]["drop"] == {"estimate": None, "low": None, "high": None}


def test_a_smaller_metric_lies_beyond_its_target_when_it_is_below(plant: Any, entry: Any) -> None:
    loss = {
        "objectives": [{"metric": "val_loss", "direction": "minimize"}],
        "evaluation": {"metric": "test_loss", "direction": "minimize"},
    }
    planter = plant(entry("A"), targets={"published": 0.40}, **loss)
    for seed, end in zip(planter.seeds, (0.43, 0.45, 0.47), strict=False):
        steps = [{"val_loss": v} for v in (1.0, 0.3, 0.5)]
        steps[-1]["test_loss"] = end
        planter.run("baseline", seed, end, curve=steps)
    base = priority_report(planter.database, "demo").log[0]
    assert base.curves is not None
    assert (base.curves.best, base.curves.peak_step) == (0.3, 2)
    assert base.curves.decline.estimate == pytest.approx(0.2)
    assert base.gaps["published"].estimate == pytest.approx(-0.05)
    assert "a minimum over steps" in render(priority_report(planter.database, "demo"), "markdown")


def test_without_targets_and_gaps_there_are_no_such_columns(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"))
    planter.arm("baseline", [0.6])
    table = priority_log(priority_report(planter.database, "demo"))
    assert not any("gap" in column.name for column in table.columns)
    assert "target" not in table.caption
    stable = [column.name for column in table.columns].index("stability")
    assert table.rows[0][stable].text == "not judged: one seed"
    assert [cell.note for cell in table.rows[0]] == [""] * len(table.columns)


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((0.499, 0.499, 0.499), "good"),
        ((0.40, 0.40, 0.40), "declines after its peak"),
        ((0.5, 0.498, 0.45), "seems to decline"),
        ((0.5, 0.5, 0.475), "seems good"),
        ((0.5, 0.5, 0.5), "good, ends on its best value"),
        ((0.6, 0.6, 0.6), "still improving at the end"),
        ((0.6, 0.6, 0.4, 0.6), "mostly still improving at the end"),
    ],
)
def test_stability_in_words(ends: Sequence[float], words: str) -> None:
    found = summarise_curves([[0.1, 0.3, 0.5, end] for end in ends], margin=0.01)
    assert stability(found, 4, 0.01) == words


def test_generalization_gaps_have_digits_of_their_own(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"))
    for seed, gap in zip(planter.seeds, (10.0, 20.0, 33.0), strict=False):
        planter.run("baseline", seed, 0.6, extra={"generalization_gap": gap})
    table = priority_log(priority_report(planter.database, "demo"))
    place = [column.name for column in table.columns].index("generalization gap")
    assert [table.rows[0][place].text, table.rows[0][place].note] == ["21.0", "± 11.5"]


def test_without_a_margin_no_stability_is_claimed() -> None:
    found = summarise_curves([[0.1, 0.5, 0.2], [0.1, 0.5, 0.3]])
    assert stability(found, 3, None) == "not judged: no smallest gain in this metric"


def test_foreign_names_are_text(plant: Any, entry: Any) -> None:
    name = "<img src=x onerror=alert(1)>|"
    planter = plant(entry(name, on={name: name}), targets={name: 0.6})
    planter.arm("baseline", [0.60, 0.61, 0.62])
    planter.arm(name, [0.70, 0.71, 0.72], changes={name: name})
    report = priority_report(planter.database, "demo")
    assert "<img" not in render(report, "html")
    log = render(report, "markdown").partition("## Experiment log")[2].partition("\n## ")[0]
    assert "<img" not in log
    assert "alert(1)&gt;\\|" in log

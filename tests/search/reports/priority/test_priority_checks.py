"""Flags, guards, go/no-go, the experiment log."""

from __future__ import annotations

from typing import Any

import pytest

from search.reports import priority_report, render
from search.reports.priority_json import as_json
from search.storage.database import Database
from search.storage.records import RunFlag


def kinds(report: Any, arm: str) -> set[str]:
    return {flag.kind for flag in report.flags if flag.arm == arm}


def test_the_log_holds_every_arm_in_table_order(demo: Database) -> None:
    report = priority_report(demo, "demo")
    assert [entry.arm for entry in report.log] == [
        "baseline", "Focal loss", "SWA", "Mixup", "Width [width=2]", "Width [width=4]",
        "Wider & <deeper>", "Crashing", "Focal loss + SWA",
    ]  # fmt: skip
    base = report.log[0]
    assert (base.n_complete, base.n_failed, base.settings) == (12, 0, "the baseline")
    assert base.held_out is not None
    assert base.held_out.mean == pytest.approx(0.60)
    assert base.gaps["published"].estimate == pytest.approx(-0.01)
    assert base.curves is not None
    assert base.curves.peak_step == 7
    assert base.stability == "good"
    crashing = next(entry for entry in report.log if entry.arm == "Crashing")
    assert (crashing.n_complete, crashing.n_failed, crashing.held_out) == (0, 3, None)


def test_targets_are_judged_for_the_arms_one_might_go_with(demo: Database) -> None:
    report = priority_report(demo, "demo")
    decisions = {(c.criterion, c.arm): c.word for c in report.checks}
    assert report.decisions == ()  # targets are to be reached some day: nobody waits for them
    assert {arm for _, arm in decisions} == {"baseline", "Focal loss", "SWA", "Focal loss + SWA"}
    assert decisions["dream", "baseline"] == "no-go"
    assert decisions["published", "Focal loss + SWA"] == "go"
    for format_ in ("html", "markdown"):
        assert "no-go" in render(report, format_)


def test_criteria_of_the_registration(plant: Any, entry: Any) -> None:
    rule = {"name": "calibrated", "metric": "test_ece", "direction": "minimize", "threshold": 0.1}
    planter = plant(entry("A"), criteria=[rule])
    planter.arm("baseline", [0.60, 0.61, 0.62], extra={"test_ece": 0.05})
    planter.arm("A", [0.61, 0.62, 0.63], extra={"test_ece": 0.30})
    report = priority_report(planter.database, "demo")
    (check,) = report.checks
    assert (check.criterion, check.arm, check.word) == (
        "calibrated",
        "baseline",
        "go",
    )


def rule(metric: str, threshold: float, **more: Any) -> dict[str, Any]:
    return {
        "name": metric,
        "metric": metric,
        "direction": "maximize",
        "threshold": threshold,
    } | more


MET, MISSED, CLOSE = rule("test_a", 0.5), rule("test_b", 0.9), rule("test_c", 0.53)
ABSENT, OPTIONAL = rule("test_d", 0.5), rule("test_b", 0.9, blocks=False)


@pytest.mark.parametrize(
    ("rules", "word", "n_missed", "pending"),
    [
        ([MET], "go", 0, []),
        ([MET, MISSED, CLOSE], "no-go", 1, ["test_c (undecided, "]),
        ([MET, CLOSE], "conditional go", 0, ["test_c (undecided, "]),
        ([MET, OPTIONAL], "conditional go", 0, ["test_b (missed, does not block)"]),
        ([MET, ABSENT], "conditional go", 0, ["test_d (not measured)"]),
        ([CLOSE], "undecided", 0, ["test_c (undecided, "]),
    ],
)
def test_all_criteria_together(
    plant: Any, entry: Any, rules: Any, word: str, n_missed: int, pending: list[str]
) -> None:
    planter = plant(entry("A"), criteria=rules)
    for i, value in enumerate([0.51, 0.55, 0.61]):
        extra = {"test_a": 0.9 + i / 100, "test_b": value, "test_c": value}
        planter.run("baseline", planter.seeds[i], 0.6 + i / 100, extra=extra)
    report = priority_report(planter.database, "demo")
    (found,) = report.decisions
    assert (found.arm, found.word, len(found.missed)) == ("baseline", word, n_missed)
    assert len(found.pending) == len(pending)
    assert all(p.startswith(begin) for p, begin in zip(found.pending, pending, strict=True))
    assert (found.seeds_needed is not None) == (CLOSE in rules)
    assert as_json(report)["decisions"][0]["word"] == word
    for format_ in ("html", "markdown", "table"):
        text = " ".join(render(report, format_).replace("\\", "").split())
        assert word in text
        assert not pending or pending[-1] in text


def test_what_guards_said_stands_beside_the_arm_with_how_often(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"), entry("B"), guards=[])
    planter.arm("baseline", [0.60, 0.61, 0.62])
    planter.arm("B", [0.60, 0.61, 0.62], extra={"val_loss": 1e-9})
    said = RunFlag("collapse", "loss_<b>miss</b>", 4, 1e-9, "loss_<b>miss</b> = 1e-09", stops=True)
    for seed in planter.seeds[:3]:
        stops = seed != planter.seeds[0]
        number = planter.run("A", seed, 0.61, outcome="diverged" if stops else "")
        if stops:
            planter.open("replicate").record(number, 0, flags=[said])
    report = priority_report(planter.database, "demo")
    words = "a loss collapses (loss_<b>miss</b>) in 2 of 3 runs, 2 of which it stopped"
    assert [f.words for f in report.flags if f.kind == "collapse"] == [words]
    assert "collapse" in report.line("A").flags
    assert report.line("A").row.n_failed == 2
    rows = {row["technique"]: row for row in as_json(report)["rows"]}
    assert "collapse" in rows["A"]["flags"]
    assert "collapse" not in rows["B"]["flags"]  # where guards are declared, they alone judge
    html = render(report, "html")
    assert "A loss collapses (loss_&lt;b&gt;miss" in html
    assert "loss_<b>miss" not in html
    for format_ in ("markdown", "table"):
        assert "a loss collapses" in render(report, format_).lower()


def test_a_collapsing_loss_is_flagged_where_the_baselines_does_not(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"), entry("B"))
    planter.arm("baseline", [0.60, 0.61, 0.62], extra={"val_loss_anomaly": 0.3})
    planter.arm("A", [0.61, 0.62, 0.63], extra={"val_loss_anomaly": 1e-7})
    planter.arm("B", [0.61, 0.62, 0.63], extra={"val_loss_anomaly": 0.2})
    report = priority_report(planter.database, "demo")
    assert "collapse" in report.line("A").flags
    assert "collapse" not in report.line("B").flags


def test_curves_that_still_rise_or_peak_at_once(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"), entry("B"), max_steps=20)
    for i, seed in enumerate(planter.seeds[:3]):
        rising = [{"val_ap": s / 20, "test_ap": 0.5 + i / 100} for s in range(1, 21)]
        falling = [{"val_ap": 1 - s / 20, "test_ap": 0.5 + i / 90} for s in range(1, 21)]
        planter.run("baseline", seed, 0.5, curve=rising)
        planter.run("A", seed, 0.5, curve=rising)
        planter.run("B", seed, 0.5, curve=falling)
    report = priority_report(planter.database, "demo")
    assert "under_trained" in report.line("A").flags
    assert "early_peak" in report.line("B").flags
    by_arm = {entry.arm: entry.stability for entry in report.log}
    assert by_arm["A"] == "still improving at the end"
    assert by_arm["B"] == "declines after its peak (early peak)"
    assert "The baseline still improves at its last step" in render(report, "table")


def test_better_on_validation_but_not_on_held_out_data(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"))
    for i, seed in enumerate(planter.seeds):
        planter.run("baseline", seed, 0.60 + i / 500, val=0.62 + i / 500)
        planter.run("A", seed, 0.601 + i / 499, val=0.68 + i / 501)
    line = priority_report(planter.database, "demo").line("A")
    assert "val_up_test_not" in line.flags


def test_withdrawn_techniques_keep_their_place(plant: Any, entry: Any, scores: Any) -> None:
    baseline, better, _ = scores
    planter = plant(entry("A"), entry("Gone", withdrawn=True))
    planter.arm("baseline", baseline(12))
    planter.arm("A", better(12, 0.05, 1))
    planter.arm("Gone", better(12, 0.05, 2)[:2])
    report = priority_report(planter.database, "demo")
    assert report.table.n_registered == 2
    assert "withdrawn" in report.line("Gone").flags
    assert report.line("Gone").detail == "withdrawn from the study file"

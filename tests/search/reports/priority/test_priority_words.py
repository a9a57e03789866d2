"""Plain words: verdicts, numbers, what is not separated, claims by tuning mode."""

from __future__ import annotations

from typing import Any

import pytest

from search.reports import priority_report, render
from search.reports.priority_card import claim_sentence
from search.reports.priority_details import details
from search.reports.priority_facts import facts, guarantee, headline, warnings
from search.reports.priority_words import change, detail, fixed, interval_words, separation
from search.statistics import Row, SeedsNeeded, Verdict, WorthIt
from search.storage.database import Database

CONTEXT = {"metric": "test_ap", "decimals": 4, "refusal": None, "needs": {"A": 5}}
ENTRY = {"status": "implemented"}


def words(verdict: Verdict | None, **changes: Any) -> str:
    row = Row("A", verdict, **{"n_seeds": 12, "delta": 0.01, **changes})
    return detail(row, ENTRY, "", CONTEXT)


@pytest.mark.parametrize(
    ("verdict", "changes", "expected"),
    [
        (
            Verdict.INCONCLUSIVE,
            {"seeds_needed": SeedsNeeded(9, 2, 40)},
            "9 more seeds would settle it",
        ),
        (
            Verdict.INCONCLUSIVE,
            {"seeds_needed": SeedsNeeded(1, 1, 4)},
            "1 more seed would settle it",
        ),
        (
            Verdict.INCONCLUSIVE,
            {"seeds_needed": SeedsNeeded(None, None, None)},
            "after 12 seeds; no number of seeds can be promised",
        ),
        (Verdict.REJECT, {"ci_low": -0.01}, "smaller than 0.01"),
        (Verdict.REJECT, {"ci_low": 0.001}, "real, but smaller than 0.01"),
        (Verdict.HARMFUL, {}, "makes it worse"),
        (Verdict.ADOPT, {"worth_it": WorthIt.PROVEN}, "the gain is at least 0.01"),
        (Verdict.ADOPT, {"worth_it": WorthIt.UNPROVEN}, "a gain, but 0.01 is not proven"),
        (Verdict.UNSTABLE, {"n_failed": 3}, "a gain, but 3 of 12 runs failed"),
        (Verdict.NO_EFFECT, {}, "test_ap is identical on every seed"),
        (Verdict.NOT_COMPARABLE, {"note": "another split"}, "another split"),
        (Verdict.NOT_MEASURED, {"n_failed": 12}, "all 12 runs failed"),
        (Verdict.NOT_MEASURED, {"n_seeds": 2}, "2 pairs of runs; a verdict needs 3"),
        (None, {"n_seeds": 3}, "3 seeds so far; the next look is at 5"),
        (None, {"n_seeds": 5}, "5 seeds so far; the look waits for other arms"),
        (None, {"n_seeds": 0}, "no pair has ended yet; the next look is at 5"),
    ],
)  # fmt: skip
def test_every_verdict_has_its_words(verdict: Any, changes: Any, expected: str) -> None:
    assert words(verdict, **changes) == expected


def test_no_sentence_says_no_effect_from_non_significance() -> None:
    for verdict in (Verdict.REJECT, Verdict.INCONCLUSIVE):
        assert "no effect" not in words(verdict, ci_low=-0.1)


def test_a_bug_is_named() -> None:
    row = Row("A", Verdict.NOT_MEASURED)
    assert detail(row, ENTRY, "ValueError: x", CONTEXT) == (
        "paused as a bug, mend and rerun: ValueError: x"
    )


def test_numbers_keep_their_digits() -> None:
    assert fixed(-0.0, 2) == "0.00"
    assert change(-0.00001, 3) == "0.000"
    assert change(1234.5, 1) == "+1234.5"
    assert fixed(float("inf"), 2) == "∞"
    assert interval_words(-0.1, 0.2, 1) == "−0.1 to +0.2"
    assert interval_words(None, 0.2, 1) == "–"


def test_overlapping_rank_intervals_are_said_in_words(demo: Database) -> None:
    report = priority_report(demo, "demo")
    said = separation(report)
    assert said == ["Ranks 3 to 4 are not separated: no order may be claimed among Mixup, Width."]
    for format_ in ("table", "markdown", "html", "latex"):
        assert "are not separated" in " ".join(render(report, format_).split())


@pytest.mark.parametrize(
    ("mode", "claim", "promise"),
    [
        ("none", "at the stated settings", "≤ 5 %"),
        ("once", "for the selected configuration", "no guarantee"),
        ("per-seed", "for the technique, tuned", "≤ 5 %"),
    ],
)
def test_the_claim_follows_the_tuning(
    plant: Any, entry: Any, scores: Any, mode: str, claim: str, promise: str
) -> None:
    baseline, better, _ = scores
    planter = plant(entry("A"), tuning=mode, tuning_trials=0 if mode == "none" else 16)
    planter.arm("baseline", baseline(12))
    planter.arm("A", better(12, 0.05, 1))
    report = priority_report(planter.database, "demo")
    assert claim in headline(report)
    assert guarantee(report)[0] == promise
    assert claim_sentence(report).startswith("Every effect")
    for format_ in ("table", "markdown", "html", "latex", "json"):
        assert claim in " ".join(render(report, format_).split())
    if mode == "once":
        assert "no familywise guarantee" in render(report, "latex")


def test_a_provisional_table_says_so_everywhere(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"))
    planter.arm("baseline", [0.60, 0.61, 0.62])
    planter.arm("A", [0.61, 0.615, 0.63])
    report = priority_report(planter.database, "demo")
    assert headline(report).startswith("Provisional: 1 of 1 technique undecided after 3 of 12")
    assert any("expect no adoption yet" in text for text in warnings(report))
    for format_ in ("table", "markdown", "html", "latex"):
        assert "rovisional" in render(report, format_)


def test_the_line_above_the_table(demo: Database) -> None:
    found = {fact.name: (fact.value, fact.note) for fact in facts(priority_report(demo, "demo"))}
    assert list(found) == [
        "Cost", "Time", "Machine", "Smallest detectable effect", "False adoptions",
    ]  # fmt: skip
    assert found["Cost"][0] == "74 runs"
    assert "66 measured" in found["Cost"][1]
    assert found["Machine"] == ("ada", "8 CPUs, 62.7 GiB")
    assert "4 times in 5" in found["Smallest detectable effect"][1]
    assert "for all 7 techniques" in found["False adoptions"][1]


def test_details_hold_everything_that_must_be_printed(demo: Database) -> None:
    report = priority_report(demo, "demo")
    found = {d.name: d.text for d in details(report.line("Focal loss"), report)}
    assert found["Failures"].startswith("0 of 3, at most ")
    assert found["Better than the baseline"] == "in 100 % of 3 pairs (a description, no test)"
    assert found["Source"] == "arXiv:1708.02002"
    assert found["test_f1 (exploratory)"].endswith("unadjusted")
    assert {"Rank interval", "Shrunken effect", "q", "Adjusted p", "In seed-to-seed sd"} <= set(
        found
    )
    assert {"Gain per hour of effort", "Gain per compute", "Memory ratio"} <= set(found)


def test_a_post_hoc_row_shows_its_own_metric(demo: Database, scores: Any) -> None:
    _, _, noise = scores
    report = priority_report(demo, "demo")
    line = report.line("Temperature")
    assert line.verdict == Verdict.NO_EFFECT
    assert line.own is not None
    assert line.own.row is not None
    assert line.own.row.verdict == Verdict.ADOPT
    # halved noise around 0.1 against noise around 0.2, and smaller is better
    d = [0.1 + e / 2 for e in noise(12, 0.01, 5)][: line.own.row.n_seeds]
    assert line.own.row.effect == pytest.approx(sum(d) / len(d))
    assert "test_ece: +0.0" in render(report, "markdown").replace("\\_", "_")


def test_without_a_direction_a_post_hoc_metric_is_not_tested(plant: Any, entry: Any) -> None:
    planter = plant(entry("T", stage="post-hoc", on={}, secondary="test_brier"))
    planter.arm("baseline", [0.60, 0.61, 0.62], extra={"test_brier": 0.2})
    planter.arm("T", [0.60, 0.61, 0.62], kind="post-hoc", extra={"test_brier": 0.1}, changes={})
    own = priority_report(planter.database, "demo").line("T").own
    assert own is not None
    assert own.row is None
    assert "Study(secondary=…)" in own.note


def test_amendments_are_told(plant: Any, entry: Any) -> None:
    planter = plant(entry("A"))
    planter.spec["techniques"].append(entry("B"))
    planter.spec["code"]["B"] = "c0de"
    planter.register("amendment", "+1 technique (B); K 1 → 2")
    report = priority_report(planter.database, "demo")
    for format_ in ("table", "markdown", "html", "latex"):
        assert "amendment 2: +1 technique" in " ".join(render(report, format_).split())
    assert "K 1 → 2" in render(report, "table")

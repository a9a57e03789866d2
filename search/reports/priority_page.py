"""A priority report as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from search.reports import priority_card, priority_facts, priority_words, verdict_looks
from search.reports.diagnostic_figures import diagnostic_figures
from search.reports.figures import Drawing
from search.reports.go_no_go import decision_reasons
from search.reports.log_table import priority_log
from search.reports.page import page
from search.reports.priority_bars import EffectBar, effect_bar, effect_scale
from search.reports.priority_curves import curves, tuning
from search.reports.priority_details import Detail, details
from search.reports.priority_figures import forest, stack
from search.reports.priority_levels import levels
from search.reports.priority_parts import Check
from search.reports.priority_result import Line, PriorityReport
from search.reports.priority_words import change, interval_words, ratio_words
from search.reports.text import plural
from search.reports.views import View
from search.statistics import Verdict
from search.technique import Impact

WIDTH = 220.0  # of a bar, in its own unit
INSET = 8.0  # so that the marks at its ends are whole
SHAPES: Mapping[Verdict | None, str] = {
    Verdict.ADOPT: "●",
    Verdict.INCONCLUSIVE: "○",
    None: "⬡",
    Verdict.UNSTABLE: "◒",
    Verdict.REJECT: "▽",
    Verdict.HARMFUL: "✖",
    Verdict.NO_EFFECT: "=",
    Verdict.NOT_MEASURED: "□",
    Verdict.DEGENERATE: "☒",
    Verdict.NOT_COMPARABLE: "☒",
}
DECISIONS = {
    "go": ("v-adopt", "●"),
    "no-go": ("v-harmful", "✖"),
    "undecided": ("v-undecided", "○"),
    "conditional go": ("v-undecided", "◐"),
    "not measured": ("v-not_measured", "□"),
}
IMPACTS = [impact.value for impact in Impact if impact is not Impact.NOT_STATED]


@dataclass(frozen=True)
class Shown:
    """A detail as the page shows it, with its raw values as JSON for programs that read pages."""

    name: str
    text: str
    json: str


@dataclass(frozen=True)
class RowView:
    """A technique as the page shows it: `…_value` and `…_order` are what a column sorts by."""

    line: Line
    css: str
    shape: str
    rank: int | str
    ranks: str
    effect: str
    effect_value: float | str
    spread: str
    own: str
    drawn: bool
    x: Mapping[str, Any]
    expected_order: int | str
    verdict_order: int
    cost: str
    cost_value: float | str
    groups: Sequence[tuple[str, Sequence[Shown]]]


@dataclass(frozen=True)
class CheckView:
    """A go/no-go check as the page shows it."""

    found: Check
    sign: str
    css: str
    shape: str
    more: str


def priority_page(report: PriorityReport) -> str:
    """Return the report as the text of one HTML file."""
    curved = list(levels(report))
    explained = list(diagnostic_figures(report.diagnostics))
    drawings = [*_drawings(report), *curved, *explained]
    scale = effect_scale(report.lines)
    return page(
        "priority.html",
        drawings,
        report=report,
        strip=list(priority_facts.facts(report)),
        words=_words(report),
        rows=[row_view(line, report, scale) for line in report.lines],
        log=priority_log(report),
        levels=[drawing.key for drawing in curved],
        diagnostics=[drawing.key for drawing in explained],
        checks=[_check(found) for found in report.checks],
        decisions=[
            (found, *DECISIONS[found.word], decision_reasons(found)) for found in report.decisions
        ],
        flags=_flags(report),
        outline=list(
            _outline(report, {drawing.key for drawing in drawings}, has_levels=bool(curved))
        ),
        card=priority_card.card(report),
        glossary=priority_card.GLOSSARY,
    )


def _drawings(report: PriorityReport) -> Iterator[Drawing]:
    if any(line.row.effect is not None for line in report.lines):
        yield forest(report)
    yield from (found for found in (curves(report), stack(report), tuning(report)) if found)


def _words(report: PriorityReport) -> dict[str, Any]:
    return {
        "headline": priority_facts.headline(report),
        "status": priority_facts.status(report),
        "claim": priority_card.claim(report),
        "claim_sentence": priority_card.claim_sentence(report),
        "delta": priority_card.delta_words(report),
        "warnings": list(priority_facts.warnings(report)),
        "separation": priority_words.separation(report),
        "amendments": priority_card.amendments(report),
        "stack": list(priority_facts.stack_lines(report)),
        "importances": dict.fromkeys(
            arm.importances.note for arm in report.tuning.arms if arm.importances.note
        ),
        "tuning": priority_card.tuning_sentence(report),
    }


def _outline(
    report: PriorityReport, drawn: set[str], *, has_levels: bool
) -> Iterator[tuple[str, str]]:
    sections = (
        ("effects", "Effects", "forest" in drawn),
        ("curves", "Curves", "curves" in drawn),
        ("log", "Log", bool(report.log)),
        ("stack", "Stack", True),
        ("levels", "Levels", has_levels),
        ("tuning", "Tuning", bool(report.tuning.arms)),
        ("diagnostics", "Diagnostics", bool(report.diagnostics)),
        ("flags", "Flags", True),
        ("checks", "Go or no-go", bool(report.checks)),
        ("historic", "Runs of the past", report.historic is not None),
        ("card", "Reproduce", True),
    )
    return ((id_, name) for id_, name, there in sections if there)


def row_view(line: Line, report: PriorityReport, scale: View) -> RowView:
    """Return one technique as the page shows it."""
    row, digits = line.row, report.decimals
    cost = row.compute.estimate if row.compute else None
    ranks = "" if row.rank_low in (None, row.rank_high) else f"{row.rank_low}–{row.rank_high}"
    spread = interval_words(row.ci_low, row.ci_high, digits)
    return RowView(
        line=line,
        css=verdict_looks.css(line.verdict),
        shape=SHAPES[line.verdict],
        rank=_or_blank(row.rank),
        ranks=ranks,
        effect=change(row.effect, digits),
        effect_value=_or_blank(row.effect),
        spread=spread if row.ci_low is not None else "",
        own=priority_words.own_words(line),
        drawn=row.effect is not None,
        x=_places(effect_bar(line, scale)),
        expected_order=IMPACTS.index(line.expected) if line.expected in IMPACTS else "",
        verdict_order=verdict_looks.SORT.index(line.verdict),
        cost=ratio_words(cost),
        cost_value=_or_blank(cost),
        groups=_grouped(details(line, report)),
    )


def _or_blank(value: Any) -> Any:
    return "" if value is None else value


def _places(bar: EffectBar) -> dict[str, Any]:
    found: dict[str, Any] = {"cut_low": bar.cut_low, "cut_high": bar.cut_high}
    for name in ("zero", "delta", "effect", "low", "high"):
        share = getattr(bar, name)
        found[name] = None if share is None else round(INSET + share * (WIDTH - 2 * INSET), 1)
    return found


def _grouped(found: Sequence[Detail]) -> list[tuple[str, list[Shown]]]:
    return [
        (group, [Shown(d.name, d.text, json.dumps(d.values) if d.values else "") for d in members])
        for group, members in groupby(found, key=lambda detail: detail.group)
    ]


def _check(found: Check) -> CheckView:
    css, shape = DECISIONS[found.word]
    needed = found.threshold.seeds_needed if found.threshold else None
    more = f"{plural(needed, 'more seed')} would decide" if needed else ""
    return CheckView(found, "≥" if found.direction == "maximize" else "≤", css, shape, more)


def _flags(report: PriorityReport) -> list[tuple[str, list[str]]]:
    """Return the flags with the arms they concern: the same words are said once."""
    found: dict[str, list[str]] = {}
    for flag in report.flags:
        found.setdefault(flag.words, []).append(flag.arm)
    return [(f"{words[:1].upper()}{words[1:]}:", arms) for words, arms in found.items()]

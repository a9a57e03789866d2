"""A priority report for a terminal, within 80 to 100 columns."""

from __future__ import annotations

import shutil
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.reports import priority_card, priority_facts, priority_words
from search.reports.go_no_go import decision_words
from search.reports.priority_bars import effect_bar, effect_scale, text_bar
from search.reports.priority_details import FLAG_WORDS
from search.reports.priority_result import Line, PriorityReport
from search.reports.priority_words import change, fixed, ratio_words
from search.reports.text import ABSENT, printable
from search.reports.views import View
from search.technique import Impact

NARROW, WIDE = 80, 100
BAR = 16
QUIET = ("not_retuned", "no_extra_compute", "planned", "withdrawn", "peak_at_end")  # said elsewhere


def priority_table(report: PriorityReport) -> str:
    """Return the report as plain text, as wide as the terminal allows."""
    width = min(WIDE, max(NARROW, shutil.get_terminal_size().columns))
    console = Console(file=StringIO(), width=width, color_system=None, highlight=False, emoji=False)
    _say(console, f"{report.name}: {priority_facts.headline(report)}")
    for fact in priority_facts.facts(report):
        _say(console, f"  {fact.name}: {fact.value}{f' ({fact.note})' if fact.note else ''}")
    console.print(_rows(report))
    delta = priority_card.delta_words(report)
    _say(
        console,
        f"Effect on {report.evaluation.metric}, {priority_card.claim(report)}; positive is "
        f"better. │ no effect, ┊ smallest gain worth adopting ({delta}), "
        "├─●─┤ effect with its interval.",
    )
    for text in priority_words.separation(report):
        _say(console, text)
    for warning in priority_facts.warnings(report):
        _say(console, f"! {warning}")
    for line in report.lines:
        if own := priority_words.own_words(line):
            _say(console, f"{line.technique} on its own metric: {own}")
    for text in _flag_lines(report):
        _say(console, text)
    for text in priority_facts.stack_lines(report):
        _say(console, f"Stack: {text}")
    for decision in report.decisions:
        _say(console, f"Go or no-go: {decision_words(decision)}")
    past = [report.historic.words] if report.historic else []
    for text in [*priority_card.amendments(report), *past]:
        _say(console, text)
    return console.file.getvalue() if isinstance(console.file, StringIO) else ""


def _say(console: Console, text: str) -> None:
    """Print foreign text as it is: no markup is read in it."""
    console.print(Text(printable(text)))


def _rows(report: PriorityReport) -> Table:
    found = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    found.add_column("rank", justify="right", no_wrap=True)
    found.add_column("technique", overflow="fold", min_width=10)
    found.add_column("expected", overflow="fold", min_width=8, max_width=11)
    found.add_column("effect", no_wrap=True)
    found.add_column("verdict", overflow="fold", min_width=14)
    found.add_column("effort", overflow="fold", min_width=6, max_width=11)
    found.add_column("cost", justify="right", no_wrap=True)
    scale = effect_scale(report.lines)
    for line in report.lines:
        found.add_row(*(Text(printable(cell)) for cell in _cells(line, report, scale)))
    return found


def _cells(line: Line, report: PriorityReport, scale: View) -> list[str]:
    row = line.row
    interval = row.rank_low is not None and row.rank_low != row.rank_high
    ranks = f"\n{row.rank_low}-{row.rank_high}" if interval else ""
    bar = f"\n{text_bar(effect_bar(line, scale), BAR)}" if row.effect is not None else ""
    return [
        ("–" if row.rank is None else str(row.rank)) + ranks,
        line.technique,
        _stated(line.expected),
        _effect(line, report.decimals) + bar,
        f"{line.word}\n{line.detail}",
        _stated(line.effort),
        ratio_words(row.compute.estimate if row.compute else None),
    ]


def _stated(word: str) -> str:
    return ABSENT if word == Impact.NOT_STATED.value else word


def _effect(line: Line, digits: int) -> str:
    row = line.row
    text = change(row.effect, digits)
    if row.ci_low is None or row.ci_high is None:
        return text
    return f"{text} ± {fixed((row.ci_high - row.ci_low) / 2, digits)}"


def _flag_lines(report: PriorityReport) -> list[str]:
    """Return each flag with the techniques that carry it."""
    found: dict[str, list[str]] = {}
    for line in report.lines:
        for flag in line.flags:
            if flag not in QUIET:
                found.setdefault(flag, []).append(line.technique)
    return [f"Flag: {FLAG_WORDS.get(f, f)}: {', '.join(names)}" for f, names in found.items()]

"""A search report as a page."""

from __future__ import annotations

from collections.abc import Iterator

from search.reports import search_words
from search.reports.check_figure import check
from search.reports.diagnostic_figures import diagnostic_figures
from search.reports.figures import Drawing
from search.reports.page import page
from search.reports.parameter_figures import coordinates, importance_bars, slices
from search.reports.search_figures import curves, history, pareto
from search.reports.search_log_table import search_log
from search.reports.search_result import SearchReport
from search.reports.timeline_figure import workers

BASELINE = "baseline"


def search_page(report: SearchReport) -> str:
    """Return the report as the text of one HTML file."""
    course = list(_course(report))
    multiples = slices(report) if any(row.values for row in report.trials) else []
    explained = list(diagnostic_figures(report.diagnostics))
    drawings = [*course, *_others(report), *multiples, *explained]
    checked = report.confirmation
    return page(
        "search.html",
        drawings,
        report=report,
        tiles=list(search_words.facts(report)),
        words={
            "headline": search_words.headline(report),
            "status": search_words.status(report),
            "warnings": list(search_words.warnings(report)),
            "check": list(search_words.check_lines(report, checked)) if checked else [],
            "caution": search_words.caution(checked) if checked else "",
            "time": search_words.time_line(report),
        },
        sections={
            "course": [drawing.key for drawing in course],
            "slices": [drawing.key for drawing in multiples],
            "diagnostics": [drawing.key for drawing in explained],
            "flags": bool(report.flagged),
            "arms": any(row.arm != BASELINE for row in report.trials),
            "notes": any(pair.note for pair in checked.pairs) if checked else False,
            "brackets": len({rung.bracket for rung in report.rungs}) > 1,
        },
        log=search_log(report),
        card=search_words.card(report),
        glossary=search_words.GLOSSARY,
    )


def _course(report: SearchReport) -> Iterator[Drawing]:
    if report.trials:
        yield pareto(report) if len(report.objectives) > 1 else history(report)
    for drawn in report.curves:
        if drawn.curves:
            yield curves(drawn, report)


def _others(report: SearchReport) -> Iterator[Drawing]:
    if report.parallel.bands and report.parallel.axes:
        yield coordinates(report)
    if report.importances.shares:
        yield importance_bars(report.importances)
    if report.timeline.bars:
        yield workers(report.timeline)
    if report.confirmation and any(p.difference is not None for p in report.confirmation.pairs):
        yield check(report.confirmation)

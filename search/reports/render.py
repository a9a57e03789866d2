"""A report in the format that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from search.errors import OptionError, near_miss
from search.reports.priority_csv import priority_csv
from search.reports.priority_json import priority_json
from search.reports.priority_latex import priority_latex
from search.reports.priority_markdown import priority_markdown
from search.reports.priority_page import priority_page
from search.reports.priority_result import PriorityReport
from search.reports.priority_table import priority_table
from search.reports.search_export import search_csv, search_json
from search.reports.search_markdown import search_markdown
from search.reports.search_page import search_page
from search.reports.search_result import SearchReport
from search.reports.search_table import search_table

FORMATS: Mapping[str, Callable[[SearchReport], str]] = {
    "table": search_table,
    "markdown": search_markdown,
    "html": search_page,
    "csv": search_csv,
    "json": search_json,
}
PRIORITY_FORMATS: Mapping[str, Callable[[PriorityReport], str]] = {
    "table": priority_table,
    "markdown": priority_markdown,
    "html": priority_page,
    "csv": priority_csv,
    "json": priority_json,
    "latex": priority_latex,
}


def render(report: SearchReport | PriorityReport, format: str) -> str:  # noqa: A002 - the option's own name
    """Return a report as text.

    Parameters
    ----------
    report
        What `search_report` or `priority_report` returned.
    format
        "table" (for a terminal), "markdown", "html" (one file), "csv", "json", or for a priority
        report "latex".

    Raises
    ------
    OptionError
        If there is no such format, naming the nearest, or not for this kind of report.
    """
    if format not in PRIORITY_FORMATS:
        known = PRIORITY_FORMATS if isinstance(report, PriorityReport) else FORMATS
        raise OptionError(f"there is no format '{format}'{near_miss(format, known)}")
    if isinstance(report, PriorityReport):
        return PRIORITY_FORMATS[format](report)
    if format not in FORMATS:
        raise OptionError(
            f"a search has no report as {format}, only a priority table has one; known: "
            f"{', '.join(FORMATS)}"
        )
    return FORMATS[format](report)

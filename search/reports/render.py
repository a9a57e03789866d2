"""A report in the format that was asked for."""

from __future__ import annotations

from collections.abc import Callable

from search.errors import OptionError, near_miss
from search.reports.search_export import search_csv, search_json
from search.reports.search_markdown import search_markdown
from search.reports.search_page import search_page
from search.reports.search_result import SearchReport
from search.reports.search_table import search_table

FORMATS: dict[str, Callable[[SearchReport], str]] = {
    "table": search_table,
    "markdown": search_markdown,
    "html": search_page,
    "csv": search_csv,
    "json": search_json,
}


def render(report: SearchReport, format: str) -> str:  # noqa: A002 - the option's own name
    """Return a report as text.

    Parameters
    ----------
    report
        What `search_report` returned.
    format
        "table" (for a terminal), "markdown", "html" (one file), "csv" or "json".

    Raises
    ------
    OptionError
        If there is no such format, naming the nearest.
    """
    if format not in FORMATS:
        raise OptionError(f"there is no format '{format}'{near_miss(format, FORMATS)}")
    return FORMATS[format](report)

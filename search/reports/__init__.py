"""From the database to tables and figures; needs neither torch nor Ray."""

from search.reports.render import render
from search.reports.search_result import SearchReport
from search.reports.search_summary import search_report

__all__ = ["SearchReport", "render", "search_report"]

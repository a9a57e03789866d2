"""From the database to tables and figures; needs neither torch nor Ray."""

from search.reports.dashboard_notes import push_to_dashboard
from search.reports.frames import Results, SearchResults, results, search_results
from search.reports.priority_pictures import write_figures
from search.reports.priority_report import priority_report
from search.reports.priority_result import PriorityReport
from search.reports.render import render
from search.reports.search_result import SearchReport
from search.reports.search_summary import search_report

__all__ = [
    "PriorityReport",
    "Results",
    "SearchReport",
    "SearchResults",
    "priority_report",
    "push_to_dashboard",
    "render",
    "results",
    "search_report",
    "search_results",
    "write_figures",
]

"""A report inside a notebook: the page in a frame of its own, which reaches nothing around it."""

from __future__ import annotations

from markupsafe import Markup

from search.reports.priority_result import PriorityReport
from search.reports.render import render
from search.reports.search_result import SearchReport

HEIGHT = 800  # pixels; the frame scrolls


def inline(report: SearchReport | PriorityReport) -> str:
    """Return a report as an element that a notebook shows.

    The sandbox lets the report draw its figures, and neither read nor change the notebook.
    """
    frame = Markup(
        '<iframe title="winnow report: {}" srcdoc="{}" sandbox="allow-scripts allow-downloads" '
        'style="width: 100%; height: {}px; border: 0"></iframe>'
    )
    return str(frame.format(report.name, render(report, "html"), HEIGHT))

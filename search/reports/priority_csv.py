"""The priority table as CSV: one row per technique, with the columns of ``priority.json``."""

from __future__ import annotations

import csv
from io import StringIO

from search.reports.cells import cell
from search.reports.priority_json import row_json
from search.reports.priority_result import PriorityReport


def priority_csv(report: PriorityReport) -> str:
    """Return one row per registered technique; what is absent is empty, flags are joined by ";"."""
    rows = [row_json(line) for line in report.lines]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([cell(";".join(v) if isinstance(v, list) else v) for v in row.values()])
    return text.getvalue()

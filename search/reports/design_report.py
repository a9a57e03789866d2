"""The report of a leave-one-out, a screening or a ladder: table, Markdown, CSV, JSON, HTML."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.errors import OptionError, near_miss
from search.ranking.designs import DesignResult, DesignRow
from search.reports.markdown import escape, table
from search.reports.page import page
from search.reports.text import plural, printable, signed
from search.statistics import Interval

NARROW, WIDE = 72, 130
QUESTIONS = {
    "screen": "Average effect of each technique over combinations of the others (resolution IV). "
    "A candidate goes on to the priority table or the stack; nothing here is a verdict.",
    "leave-one-out": "What each technique contributes to the full set. Safe to remove: what it "
    "contributes is below the smallest gain.",
    "ladder": "What each technique adds to the rungs below it, in an order that was fixed "
    "beforehand: conditional on the rungs below, and no effect on the baseline.",
}
EFFECTS = {"screen": "average effect", "leave-one-out": "contribution", "ladder": "gain"}


def render_design(result: DesignResult, format: str) -> str:  # noqa: A002 - the option's own name
    """Return a design's report as "table", "markdown", "html", "csv" or "json".

    Raises
    ------
    OptionError
        If there is no such format.
    """
    if format not in FORMATS:
        raise OptionError(
            f"a {result.kind} has no report as '{format}'{near_miss(format, FORMATS)}"
        )
    return FORMATS[format](result)


def heads(result: DesignResult) -> list[str]:
    """Return the table's headings."""
    level = f"{100 * (1 - float(result.registration.specification['alpha'])):.0f} % interval"
    found = ["technique", EFFECTS[result.kind], level]
    found += ["over the ground"] * (result.kind == "ladder")
    return [*found, "adjusted p", "verdict"]


def cells(result: DesignResult) -> Iterator[list[str]]:
    """Yield every technique's row."""
    for row in result.rows:
        total = [signed(row.total.estimate)] if row.total else []
        p = f"{row.p_adjusted:.2g}"
        yield [
            row.technique, signed(row.effect.estimate), _interval(row.effect), *total, p,
            row.verdict,
        ]  # fmt: skip


def facts(result: DesignResult) -> Iterator[str]:
    """Yield what a reader must know beside the rows."""
    specification = result.registration.specification
    goal = specification["evaluation"]
    yield QUESTIONS[result.kind]
    yield (
        f"{goal['metric']} ({goal['direction']}), positive is better; "
        f"{result.n_seeds} of {plural(int(specification['n_seeds']), 'seed')} on "
        f"{plural(len(specification['arms']), 'arm')}, {plural(len(result.runs), 'run')}; "
        f"p by Holm over {len(specification['techniques'])}; registered as "
        f"{result.registration.hash[:12]}."
    )
    if specification["smallest_gain"] is not None:
        yield f"Smallest gain worth adopting: {specification['smallest_gain']:g}."
    if result.n_failed:
        yield (
            f"{plural(result.n_failed, 'run')} failed or diverged, and count as the worst run does."
        )
    if not result.final:
        yield "Not every run has ended: the numbers are provisional."
    for record in result.registrations[1:]:
        yield f"Amendment {record.version - 1}: {record.reason}."


def design_table(result: DesignResult) -> str:
    """Return the report as plain text, as wide as the terminal allows."""
    width = min(WIDE, max(NARROW, shutil.get_terminal_size().columns))
    text = StringIO()
    console = Console(file=text, width=width, color_system=None, highlight=False, emoji=False)
    grid = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads(result)):
        grid.add_column(Text(head), justify="left" if place == 0 else "right")
    for row in cells(result):
        grid.add_row(*(Text(printable(cell)) for cell in row))
    console.print(Text(printable(f"{result.name}: {result.kind}")))
    console.print(grid)
    for fact in facts(result):
        console.print(Text(printable(fact)))
    return text.getvalue()


def design_markdown(result: DesignResult) -> str:
    """Return the report for a pull request."""
    rows = [[escape(cell) for cell in row] for row in cells(result)]
    grid = table([escape(head) for head in heads(result)], rows, numeric=1)
    lines = [f"## {escape(result.name)}: {result.kind}", "", grid, ""]
    return "\n".join([*lines, *(f"{escape(fact)}\n" for fact in facts(result))])


def design_csv(result: DesignResult) -> str:
    """Return one row per technique."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = [_plain(row) for row in result.rows]
    writer.writerow(rows[0] if rows else ["technique"])
    writer.writerows(row.values() for row in rows)
    return text.getvalue()


def design_json(result: DesignResult) -> str:
    """Return everything, for programs."""
    record = result.registration
    found = {
        "schema": 1,
        "study": result.name,
        "design": result.kind,
        "status": "final" if result.final else "provisional",
        "registration": {"hash": record.hash, "version": record.version, **record.specification},
        "rows": [_plain(row) for row in result.rows],
        "n_failed": result.n_failed,
        "runs_used": len(result.runs),
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def design_page(result: DesignResult) -> str:
    """Return the report as the text of one HTML file."""
    return page(
        "design.html",
        [],
        name=result.name,
        kind=result.kind,
        heads=heads(result),
        rows=list(cells(result)),
        facts=list(facts(result)),
        arms=result.registration.specification["arms"],
    )


def _plain(row: DesignRow) -> dict[str, Any]:
    return {
        "technique": row.technique,
        "effect": row.effect.estimate,
        "ci_low": row.effect.low,
        "ci_high": row.effect.high,
        "total": row.total.estimate if row.total else None,
        "p_adjusted": row.p_adjusted,
        "verdict": row.verdict,
    }


def _interval(found: Interval) -> str:
    return f"{signed(found.low)} … {signed(found.high)}"


FORMATS: Mapping[str, Callable[[DesignResult], str]] = {
    "table": design_table,
    "markdown": design_markdown,
    "html": design_page,
    "csv": design_csv,
    "json": design_json,
}

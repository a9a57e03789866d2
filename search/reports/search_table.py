"""A search report for a terminal."""

from __future__ import annotations

import shutil
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.reports import search_words
from search.reports.historic import Historic
from search.reports.search_result import SearchReport
from search.reports.text import duration, number, printable, shown, signed

FIRST = 8  # trials that are listed
NARROW, WIDE = 72, 130


def search_table(report: SearchReport) -> str:
    """Return the report as plain text, as wide as the terminal allows."""
    width = min(WIDE, max(NARROW, shutil.get_terminal_size().columns))
    console = Console(file=StringIO(), width=width, color_system=None, highlight=False, emoji=False)
    _say(console, f"{report.name}: {search_words.headline(report)}")
    for fact in search_words.facts(report):
        _say(console, f"  {fact.name}: {fact.value}{f' ({fact.note})' if fact.note else ''}")
    for warning in search_words.warnings(report):
        _say(console, f"! {warning}")
    if report.parameters:
        console.print(_parameters(report))
    if report.confirmation:
        for line in search_words.check_lines(report, report.confirmation):
            _say(console, line)
        console.print(_check(report))
        _say(console, search_words.caution(report.confirmation))
    if report.best_first:
        console.print(_trials(report))
    if report.historic:
        _say(console, report.historic.words)
        console.print(_historic(report.historic))
    if report.code:
        _say(console, "Best configuration, ready to paste:")
        # never wrapped: a line break inside a string literal would not be Python any more
        console.print(Text(printable(report.code)), soft_wrap=True)
    return console.file.getvalue() if isinstance(console.file, StringIO) else ""


def _say(console: Console, text: str) -> None:
    """Print foreign text as it is: no markup is read in it."""
    console.print(Text(printable(text)))


def _table(title: str, *heads: str) -> Table:
    found = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for i, head in enumerate(heads):
        found.add_column(Text(printable(head)), justify="left" if i == 0 else "right")
    return found


def _row(found: Table, *cells: str) -> None:
    found.add_row(*(Text(printable(cell)) for cell in cells))


def _parameters(report: SearchReport) -> Table:
    found = _table("Best configuration", "parameter", "baseline", "best", "domain")
    for row in report.parameters:
        edge = " (at the edge)" if row.at_edge else ""
        _row(
            found, row.axis.name, row.baseline or "not set", row.best or "not set",
            f"{row.axis.domain}{edge}",
        )  # fmt: skip
    return found


def _check(report: SearchReport) -> Table:
    found = _table("Held-out check", "seed", "baseline", "best", "difference")
    for pair in report.confirmation.pairs if report.confirmation else ():
        _row(
            found, str(pair.seed), number(pair.baseline), number(pair.best),
            signed(pair.difference) if not pair.note else pair.note,
        )  # fmt: skip
    return found


def _historic(past: Historic) -> Table:
    found = _table("Runs of the past", *past.heads)
    for run in past.runs[:FIRST]:
        _row(found, *past.cells(run))
    return found


def _trials(report: SearchReport) -> Table:
    metrics = [goal.metric for goal in report.objectives]
    rows = report.best_first[:FIRST]
    heads = ["trial", *metrics, "steps", "time", "changes from the baseline"]
    heads += ["flags"] * any(row.flags for row in rows)
    found = _table("Best trials", *heads)
    for row in rows:
        changes = ", ".join(f"{path}={shown(value)}" for path, value in row.changes.items())
        _row(
            found, str(row.number), *map(number, row.values), str(row.last_step),
            duration(row.elapsed_s), changes or "none",
            *[row.flag_names] * (len(heads) > 4 + len(metrics)),
        )  # fmt: skip
    return found

"""The experiment log of a search as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.reports.log_table import Cell, Column, LogTable
from search.reports.search_log import TrialEntry
from search.reports.search_result import SearchReport
from search.reports.text import ABSENT, number, shown, signed

DIGITS = 3  # significant ones of a drop
NO_TARGET = "no gap is shown: the targets are of another metric"


def search_log(report: SearchReport) -> LogTable:
    """Return the log of a search report: the configurations that one asks about first."""
    targets = list(dict.fromkeys(n for e in report.log for n in (*e.gaps, *e.held_out)))
    return LogTable(
        caption=_search_caption(report, gaps=bool(targets)),
        columns=(
            Column("trial"),
            Column("why here", numeric=False),
            Column("changes", numeric=False, wide=True),
            Column(f"best {report.objective.metric}"),
            Column("peak step"),
            Column("drop to the end"),
            Column("outcome", numeric=False),
            *(Column(f"gap to {name}") for name in targets),
        ),
        rows=tuple(tuple(_trial(entry, targets)) for entry in report.log),
    )


def _search_caption(report: SearchReport, *, gaps: bool) -> str:
    end = "and how it ended"
    if gaps:
        gap = "how far its best value lies beyond each target (negative: still to go)"
        end = f"how it ended, and {gap}"
    elif report.targets or report.targets_beyond:
        end += f" ({NO_TARGET})"
    if any(entry.held_out for entry in report.log):
        end += "; in parentheses, how far its mean on held-out data and fresh seeds does"
    return (
        f"One run each: what a trial changes, its best {report.objective.metric} (validation, "
        "chosen over steps: too good on average), the step of that peak and the last one, the "
        f"drop between the two, {end}."
    )


def _trial(entry: TrialEntry, targets: Sequence[str]) -> Iterator[Cell]:
    yield Cell(str(entry.number), order=entry.number)
    yield Cell(", ".join(entry.roles))
    changes = ", ".join(f"{path}={shown(value)}" for path, value in entry.changes.items())
    yield Cell(changes or "the baseline")
    curves = entry.curves
    if curves is None:
        yield from (Cell(ABSENT),) * 3
    else:
        yield Cell(number(curves.best), order=curves.best)
        yield Cell(number(curves.peak_step), f"of {entry.last_step}", curves.peak_step)
        drop = curves.decline.estimate
        yield Cell(number(drop, DIGITS), order=drop)
    yield Cell(entry.outcome)
    for name in targets:
        gap, held_out = entry.gaps.get(name), entry.held_out.get(name)
        note = f"(held-out {signed(held_out.estimate)})" if held_out else ""
        yield Cell(signed(gap), note, "" if gap is None else gap)

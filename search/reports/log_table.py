"""The experiment log of a study as a table: the same cells in every format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from search.reports.markdown import escape, table
from search.reports.priority_parts import LogEntry, Spread
from search.reports.priority_result import PriorityReport
from search.reports.priority_words import change, decimals_for, fixed
from search.reports.text import ABSENT, number
from search.statistics import Interval


@dataclass(frozen=True)
class Cell:
    """A cell: what it says, what stands small beside it, and what its column sorts by."""

    text: str
    note: str = ""
    order: float | str = ""

    @property
    def absent(self) -> bool:
        """Whether there is nothing to say."""
        return self.text == ABSENT


@dataclass(frozen=True)
class Column:
    """A column's head; numbers are set to the right, settings are broken into lines."""

    name: str
    numeric: bool = True
    wide: bool = False

    @property
    def title(self) -> str:
        """The name with a capital."""
        return self.name[:1].upper() + self.name[1:]


@dataclass(frozen=True)
class LogTable:
    """A log: a sentence on what the columns are, heads, and rows as wide as the heads."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def markdown(self) -> Iterator[str]:
        """Yield the caption and the table."""
        yield escape(self.caption)
        names = [escape(column.name) for column in self.columns]
        yield table(names, [[_plain(cell) for cell in row] for row in self.rows], numeric=None)


def _plain(cell: Cell) -> str:
    return escape(f"{cell.text} {cell.note}".strip())


def priority_log(report: PriorityReport) -> LogTable:
    """Return the log of a priority report: one row per arm."""
    targets = list(report.specification.get("targets") or {})
    diverges = any(entry.generalization for entry in report.log)
    digits = (report.decimals, _digits(report.log))
    return LogTable(
        caption=_priority_caption(report, diverges=diverges, gaps=bool(targets)),
        columns=(
            Column("arm", numeric=False),
            Column("runs"),
            Column(f"best {report.objective.metric}"),
            Column("peak step"),
            Column("drop to the end"),
            Column("stability", numeric=False),
            Column(f"held-out {report.evaluation.metric}"),
            *(Column(f"gap to {name}") for name in targets),
            *[Column("generalization gap")] * diverges,
            Column("sets", numeric=False, wide=True),
        ),
        rows=tuple(tuple(_arm(entry, targets, digits, diverges=diverges)) for entry in report.log),
    )


def _priority_caption(report: PriorityReport, *, diverges: bool, gaps: bool) -> str:
    parts = [
        f"its best {report.objective.metric} (validation; a maximum over steps flatters)",
        "the step of that peak (median over seeds, quartiles)",
        "the drop from there to the last step (mean, 95 % interval); its stability (good: the drop "
        "is below the smallest gain, declines: above it, seems: the interval holds both)",
    ]
    parts += [f"held-out {report.evaluation.metric} at the scored step"]
    gap = "how far its mean lies beyond each target (negative: still to go; 95 % interval, "
    parts += [f"{gap}unadjusted: go or no-go is decided below)"] * gaps
    parts += ["the generalization gap at the last step"] * diverges
    parts += ["what it sets"]
    if report.objective.direction == "minimize":
        parts[0] = parts[0].replace("maximum", "minimum")
    listed = f"{'; '.join(parts[:-1])}; and {parts[-1]}"
    runs = "Over all runs of an arm, those for the stack included"
    return f"{runs}: {listed}; ± is the standard deviation over seeds."


def _digits(log: Sequence[LogEntry]) -> int:
    """Return the digits for generalization gaps, which are in a unit of their own."""
    found = [entry.generalization for entry in log if entry.generalization]
    return decimals_for(max((spread.sd or abs(spread.mean) for spread in found), default=None))


def _arm(
    entry: LogEntry, targets: Sequence[str], digits: tuple[int, int], *, diverges: bool
) -> Iterator[Cell]:
    curves = entry.curves

    def exact(value: float) -> str:
        return fixed(value, digits[0])

    yield Cell(entry.arm)
    failed = f"+ {entry.n_failed} failed" if entry.n_failed else ""
    yield Cell(f"{entry.n_complete}", failed, entry.n_complete)
    if curves is None:
        yield from (Cell(ABSENT),) * 4
    else:
        yield _spread(Spread(curves.best, curves.best_sd), exact)
        quartiles = f"({number(curves.peak_low)}–{number(curves.peak_high)})"
        several = curves.best_sd is not None
        yield Cell(number(curves.peak_step), quartiles if several else "", curves.peak_step)
        yield _interval(curves.decline, exact)
        yield Cell(entry.stability)
    yield _spread(entry.held_out, exact)
    for name in targets:
        yield _interval(entry.gaps.get(name), lambda value: change(value, digits[0]))
    if diverges:
        yield _spread(entry.generalization, lambda value: fixed(value, digits[1]))
    yield Cell(entry.settings)


def _spread(found: Spread | None, words: Callable[[float], str]) -> Cell:
    if found is None:
        return Cell(ABSENT)
    return Cell(words(found.mean), "" if found.sd is None else f"± {words(found.sd)}", found.mean)


def _interval(found: Interval | None, words: Callable[[float], str]) -> Cell:
    if found is None:
        return Cell(ABSENT)
    known = found.low is not None and found.high is not None
    spread = f"({words(found.low)} to {words(found.high)})" if known else ""  # type: ignore[arg-type]
    return Cell(words(found.estimate), spread, found.estimate)

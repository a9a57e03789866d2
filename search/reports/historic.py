"""Runs of the past, as they stand in the file that they came from: never compared or counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from search.configuration import plain
from search.reports.markdown import escape, table
from search.reports.text import number, plural, shown
from search.storage.records import SeriesRecord
from search.trainable import TEST_PREFIX

HISTORIC: Final = "historic"
LABEL: Final = "historic, not comparable"
FIRST = 10  # that a page of text lists


@dataclass(frozen=True)
class PastRun:
    """A line of the file: its metrics and its parameters, as they were given."""

    line: int
    metrics: Mapping[str, float]
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Historic:
    """A file of runs.

    Parameters
    ----------
    file
        Its name.
    metrics
        Those that are shown, the objective first: no report of a search shows held-out ones.
    parameters
        The other columns.
    runs
        In the order of the file.
    """

    file: str
    metrics: tuple[str, ...]
    parameters: tuple[str, ...]
    runs: tuple[PastRun, ...]

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads of a table of them."""
        return ("line", *self.metrics, *self.parameters, "")

    def cells(self, run: PastRun) -> tuple[str, ...]:
        """Return a row of that table."""
        metrics = [number(run.metrics.get(metric)) for metric in self.metrics]
        params = [shown(run.params[n]) if n in run.params else "" for n in self.parameters]
        return (str(run.line), *metrics, *params, LABEL)

    @property
    def words(self) -> str:
        """What they are."""
        return (
            f"{plural(len(self.runs), 'run')} of the past, from {self.file}: {LABEL}. Their code, "
            "data and seeds are not known; nothing here is measured against them."
        )

    def markdown(self) -> Iterator[str]:
        """Yield a section's parts."""
        yield "## Runs of the past"
        yield f"_{escape(self.words)}_"
        cells = [[escape(cell) for cell in self.cells(run)] for run in self.runs[:FIRST]]
        yield table([escape(head) for head in self.heads], cells)
        if len(self.runs) > FIRST:
            yield f"_The first {FIRST} of {len(self.runs)}._"

    def as_json(self) -> dict[str, Any]:
        """Return them as JSON's own types."""
        return {
            "label": LABEL,
            "file": self.file,
            "metrics": list(self.metrics),
            "parameters": list(self.parameters),
            "runs": [
                {
                    "line": run.line,
                    "metrics": {n: v for n, v in run.metrics.items() if n in self.metrics},
                    "params": plain(run.params),
                }
                for run in self.runs
            ],
        }


def historic(series: SeriesRecord, *, held_out: bool = False) -> Historic:
    """Return the runs of a series ``<study>/historic``.

    Parameters
    ----------
    series
        As read.
    held_out
        Whether held-out metrics are shown.
    """
    specification = series.specification
    rows: Sequence[Mapping[str, Any]] = specification["rows"]
    given = specification["metrics"]
    metrics = tuple(name for name in given if held_out or not name.startswith(TEST_PREFIX))
    parameters = tuple(dict.fromkeys(name for row in rows for name in row["params"]))
    runs = tuple(PastRun(row["line"], row["metrics"], row["params"]) for row in rows)
    return Historic(str(specification["file"]), metrics, parameters, runs)

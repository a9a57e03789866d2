"""Runs of the past, as they stand in the file that they came from: never compared or counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from search.reports.text import number, plural, shown
from search.storage.records import SeriesRecord
from search.trainable import TEST_PREFIX

HISTORIC: Final = "historic"
LABEL: Final = "historic, not comparable"


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
        Those that were not measured on held-out data, the objective first.
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


def historic(series: SeriesRecord) -> Historic:
    """Return the runs of a series ``<study>/historic``."""
    specification = series.specification
    rows: Sequence[Mapping[str, Any]] = specification["rows"]
    metrics = tuple(name for name in specification["metrics"] if not name.startswith(TEST_PREFIX))
    parameters = tuple(dict.fromkeys(name for row in rows for name in row["params"]))
    runs = tuple(PastRun(row["line"], row["metrics"], row["params"]) for row in rows)
    return Historic(str(specification["file"]), metrics, parameters, runs)

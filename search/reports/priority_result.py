"""What a priority report holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.reports.historic import Historic
from search.reports.priority_parts import (
    ArmCurve,
    Check,
    Cost,
    Decision,
    Determinism,
    Flag,
    LogEntry,
    StackReport,
    Tuning,
)
from search.statistics import Interval, Row, Table, Verdict
from search.storage.registrations import RegistrationRecord
from search.study import Objective


@dataclass(frozen=True)
class Exploratory:
    """A secondary metric's paired difference: unadjusted, for no decision.

    `direction` is None where none was registered; then the difference is arm minus baseline.
    """

    metric: str
    direction: str | None
    effect: Interval | None
    n_seeds: int


@dataclass(frozen=True)
class OwnMetric:
    """A post-hoc technique on the metric that it can move: a family of its own.

    Parameters
    ----------
    metric, direction
        As registered.
    row
        Its row in that family's table; None where there is none.
    note
        Why there is none.
    """

    metric: str
    direction: str | None
    row: Row | None
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One technique of the table: the statistics' row, the registration, and words.

    Parameters
    ----------
    row
        From the statistics.
    entry
        The technique as it was registered.
    word, detail
        The verdict, and what it means here, in plain words.
    flags
        The statistics' flags and the report's own, by name.
    bug
        The exception of an arm that is paused as a bug; "" elsewhere.
    secondary
        Exploratory metrics.
    own
        For post-hoc techniques with a metric of their own.
    differences
        (seed, paired difference) of completed pairs, positive when better.
    run_s, memory
        Median wall time of a run in seconds, and peak memory in bytes; None where unknown.
    settings
        What the arm sets, in words.
    """

    row: Row
    entry: Mapping[str, Any]
    word: str
    detail: str
    flags: tuple[str, ...]
    bug: str
    secondary: tuple[Exploratory, ...]
    own: OwnMetric | None
    differences: tuple[tuple[int, float], ...]
    run_s: float | None
    memory: float | None
    settings: str

    @property
    def technique(self) -> str:
        """Its registered name."""
        return self.row.technique

    @property
    def verdict(self) -> Verdict | None:
        """None while undecided."""
        return self.row.verdict

    @property
    def stage(self) -> str:
        """Training or post-hoc."""
        return str(self.entry["stage"])

    @property
    def expected(self) -> str:
        """The impact that the source expects."""
        return str(self.entry["expected_impact"])

    @property
    def effort(self) -> str:
        """The effort that the source states."""
        return str(self.entry["effort"])


@dataclass(frozen=True)
class PriorityReport:
    """A study's priority table with all that its report shows; renderers compute nothing.

    Parameters
    ----------
    name
        The study.
    registrations
        Every version, oldest first; the last is in force.
    evaluation, objective
        The held-out metric of the table, and the validation metric of tuning.
    table
        The statistics.
    lines
        One per technique, in table order.
    baseline_score
        Mean evaluation score of the baseline.
    runs_used
        Training runs behind the table.
    n_superseded
        Finished runs that do not count: other code, data or settings.
    decimals
        Digits after the point at which effects are printed.
    diagnostics
        What explains the first run of the baseline and of the foremost arms, by arm.
    historic
        Runs of the past that are shown beside the table; None without any.
    """

    name: str
    registrations: tuple[RegistrationRecord, ...]
    evaluation: Objective
    objective: Objective
    table: Table
    lines: tuple[Line, ...]
    baseline_score: float | None
    runs_used: int
    n_superseded: int
    decimals: int
    log: tuple[LogEntry, ...]
    curves: tuple[ArmCurve, ...]
    checks: tuple[Check, ...]
    decisions: tuple[Decision, ...]
    flags: tuple[Flag, ...]
    aa: Determinism
    stack: StackReport
    tuning: Tuning
    cost: Cost
    diagnostics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    historic: Historic | None = None

    @property
    def registration(self) -> RegistrationRecord:
        """The version in force."""
        return self.registrations[-1]

    @property
    def specification(self) -> Mapping[str, Any]:
        """What was fixed before any run."""
        return self.registration.specification

    @property
    def seeds(self) -> Sequence[int]:
        """The registered list."""
        found: Sequence[int] = self.specification["seeds"]
        return found

    @property
    def provisional(self) -> bool:
        """Whether a row still waits for its verdict."""
        return self.table.status == "provisional"

    def with_verdict(self, *verdicts: Verdict | None) -> tuple[Line, ...]:
        """Return the lines with one of these verdicts."""
        return tuple(line for line in self.lines if line.verdict in verdicts)

    def line(self, technique: str) -> Line:
        """Return the line of a technique."""
        return next(line for line in self.lines if line.technique == technique)

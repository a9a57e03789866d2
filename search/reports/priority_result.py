"""What a priority report holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.reports.importances import Importances
from search.statistics import CurveSummary, Interval, Row, Stack, Table, Threshold, Verdict
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
class LogEntry:
    """One arm in the experiment log.

    Parameters
    ----------
    arm
        The baseline, a technique or one of its levels, or the stack.
    settings
        What it sets, in words.
    n_complete, n_failed
        Runs on the registered seeds.
    curves
        Of the validation metric; None without a curve.
    stability
        In words.
    held_out
        Mean evaluation score at the scored step.
    gaps
        Target to held-out mean minus target, positive when better.
    """

    arm: str
    settings: str
    n_complete: int
    n_failed: int
    curves: CurveSummary | None
    stability: str
    held_out: float | None
    gaps: Mapping[str, float]


@dataclass(frozen=True)
class ArmCurve:
    """The validation curve of an arm: mean and range of the middle half over its seeds."""

    arm: str
    steps: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n_seeds: int


@dataclass(frozen=True)
class Check:
    """One arm against one go/no-go threshold."""

    criterion: str
    metric: str
    direction: str
    target: float
    arm: str
    threshold: Threshold


@dataclass(frozen=True)
class Flag:
    """Something to know about an arm before trusting its row."""

    arm: str
    kind: str
    words: str


@dataclass(frozen=True)
class Determinism:
    """The baseline's first seed, run twice.

    Parameters
    ----------
    seed
        None when it was not run twice.
    identical
        Whether every metric of every step is equal; None when it was not run twice.
    largest, metric, step
        The largest difference and where it is.
    evaluation
        Difference of the evaluation scores.
    """

    seed: int | None
    identical: bool | None
    largest: float | None = None
    metric: str | None = None
    step: int | None = None
    evaluation: float | None = None


@dataclass(frozen=True)
class StackReport:
    """All adopted techniques together.

    Parameters
    ----------
    status
        "measured", "pending", or "not_applicable".
    note
        Why it is not measured, or what is missing from it.
    members
        By shrunken effect.
    left_out
        (technique, the stronger one that excludes it).
    arm
        Name of the arm with all members on.
    judged
        The comparison; None unless measured.
    n_failed
        Seeds left out because one of the arms failed there.
    """

    status: str
    note: str
    members: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    arm: str
    judged: Stack | None
    n_failed: int


@dataclass(frozen=True)
class ArmTuning:
    """How an arm was tuned.

    Parameters
    ----------
    arm
        Its column.
    n_tunings, n_trials
        Repeats, and trials of all of them.
    outcomes
        Trials by outcome.
    expected_best
        Expected best validation score of 1 … B trials, averaged over repeats; empty without a
        completed trial.
    chosen
        What the (first) tuning chose, in words.
    best
        Mean over repeats of the selected validation score.
    border
        Hyperparameter to the share of tunings whose choice lies at the border of its range.
    optimism
        Selected minus re-run validation score, positive when the selection flattered.
    ranges
        Hyperparameter to its range in words.
    importances
        Display, not evidence.
    """

    arm: str
    n_tunings: int
    n_trials: int
    outcomes: Mapping[str, int]
    expected_best: tuple[float, ...]
    chosen: str
    best: float | None
    border: Mapping[str, float]
    optimism: Interval | None
    ranges: Mapping[str, str]
    importances: Importances


@dataclass(frozen=True)
class Tuning:
    """The tuning of all arms.

    Parameters
    ----------
    mode
        none, once or per-seed.
    trials
        Budget of every arm.
    arms
        Arms that were tuned.
    crossings
        Sentences: pairs of arms whose order depends on the budget.
    """

    mode: str
    trials: int
    arms: tuple[ArmTuning, ...]
    crossings: tuple[str, ...]


@dataclass(frozen=True)
class Cost:
    """What the study took.

    Parameters
    ----------
    runs
        Kind (measured, tuning, stack, determinism, superseded) to the number of runs.
    worker_s, gpu_s
        Seconds of all attempts, and GPU-seconds.
    busy_s
        Seconds in which something ran.
    hosts
        Where.
    machine
        The machine that registered the study, in words.
    versions, git_commit, resources
        As stored with the runs.
    """

    runs: Mapping[str, int]
    worker_s: float
    gpu_s: float
    busy_s: float
    hosts: tuple[str, ...]
    machine: str
    versions: Mapping[str, str]
    git_commit: str | None
    resources: Mapping[str, Any]

    @property
    def n_runs(self) -> int:
        """Trained runs of every kind."""
        return sum(self.runs.values())


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
    flags: tuple[Flag, ...]
    aa: Determinism
    stack: StackReport
    tuning: Tuning
    cost: Cost

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

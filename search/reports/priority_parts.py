"""The parts of a priority report beside its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from search.reports.importances import Importances
from search.statistics import CurveSummary, Interval, Stack, Threshold


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over seeds; `sd` is None for a single seed."""

    mean: float
    sd: float | None


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
        In words; "" without a curve.
    generalization
        The trainable's own generalization gap at the last step; None where it reports none.
    held_out
        The evaluation's score at the scored step; None without a completed run.
    gaps
        Target to held-out mean minus target, positive when better; unadjusted intervals.
    """

    arm: str
    settings: str
    n_complete: int
    n_failed: int
    curves: CurveSummary | None
    stability: str
    generalization: Spread | None
    held_out: Spread | None
    gaps: Mapping[str, Interval]


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
    """One arm against one go/no-go threshold.

    Parameters
    ----------
    kind
        "target": of the evaluation, to be reached some day; "criterion": to be met before one goes.
    blocks
        Whether a miss alone means no-go.
    threshold
        None: none of the arm's runs has the metric.
    """

    criterion: str
    metric: str
    direction: str
    target: float
    arm: str
    kind: str
    blocks: bool
    threshold: Threshold | None

    @property
    def word(self) -> str:
        """The decision, or that there is nothing to decide on."""
        return self.threshold.decision if self.threshold else "not measured"


@dataclass(frozen=True)
class Decision:
    """Whether one goes with an arm, all criteria together.

    Parameters
    ----------
    word
        "no-go" when a criterion that blocks is missed, "go" when all are met, "conditional go" when
        some are met and the others are pending, "undecided" when none is met or missed yet.
    missed
        The criteria that block and are missed.
    pending
        Those that are neither met nor, if they block, missed; each with what it waits for.
    n_criteria
        All of them.
    seeds_needed
        Further seeds that would settle those pending that seeds can settle; None where no number
        can be promised.
    """

    arm: str
    word: str
    missed: tuple[str, ...]
    pending: tuple[str, ...]
    n_criteria: int
    seeds_needed: int | None


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
    dependents
        Member to the members that need it, and are left out with it.
    """

    status: str
    note: str
    members: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    arm: str
    judged: Stack | None
    n_failed: int
    dependents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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

"""The priority table as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from search.statistics.intervals import Interval
from search.statistics.levels import ResponseCurve
from search.statistics.power import Detectable, SeedsNeeded
from search.statistics.verdicts import Verdict, WorthIt

Status = Literal["provisional", "final"]


@dataclass(frozen=True)
class Row:
    """One technique. Effects are in the metric's unit, positive is better.

    Parameters
    ----------
    technique
        Its registered name.
    verdict
        None while it is undecided.
    rank, rank_low, rank_high
        Place, and 5-95 % rank interval, widened where the order by verdict puts the row outside.
        None for rows without an estimate, which come last.
    group
        Rows of one group are not separated: no order may be claimed among them.
    p_top3
        Probability that its true effect is among the best three.
    effect, effect_relative, effect_sigma
        Mean paired difference: as it is, as a share of the baseline's mean, in sigma_b.
    ci_low, ci_high, ci_level
        Interval valid at whichever planned look the arm stopped: 95 % over all J looks together,
        by 1 - 0.05/J at each.
    shrunken_effect
        b_k, by which rows are ranked.
    n_seeds, n_failed, failure_low, failure_high
        Pairs, failures among them, and the exact 95 % interval of the failure rate.
    q_value, p_adjusted
        Sequential p-value, and after Holm over all K registered.
    delta
        Smallest gain worth adopting.
    worth_it
        Whether the gain is at least delta.
    impact
        Measured impact in words, a span where the interval spans labels.
    seeds_needed
        For undecided and inconclusive rows.
    p_better
        Share of pairs in which it is better: a description, not a test.
    effort_hours, value_per_hour, effort_rank
        Effort, shrunken gain per hour of it, and the order by that. The last two are for adopted
        rows.
    compute, memory
        Cost over the baseline's, with 95 % intervals.
    value_per_compute, compute_rank
        Gain per extra baseline run of compute and the order by it, free ones first; adopted rows.
    pareto
        No adopted row is better in gain, effort and compute; None unless adopted.
    gap
        Validation effect minus held-out effect, with a 95 % interval.
    level
        For a technique measured at several levels, the one these numbers belong to.
    response
        The curve over those levels.
    flags
        "free_win", "val_up_test_not", "no_extra_compute", "withdrawn", "planned", "stopped_early".
    note
        Why runs are not comparable.
    """

    technique: str
    verdict: Verdict | None = None
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    group: int | None = None
    p_top3: float | None = None
    effect: float | None = None
    effect_relative: float | None = None
    effect_sigma: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    ci_level: float | None = None
    shrunken_effect: float | None = None
    n_seeds: int = 0
    n_failed: int = 0
    failure_low: float = 0.0
    failure_high: float = 1.0
    q_value: float | None = None
    p_adjusted: float | None = None
    delta: float | None = None
    worth_it: WorthIt | None = None
    impact: str | None = None
    seeds_needed: SeedsNeeded | None = None
    p_better: float | None = None
    effort_hours: float = 0.0
    value_per_hour: float | None = None
    effort_rank: int | None = None
    compute: Interval | None = None
    memory: Interval | None = None
    value_per_compute: float | None = None
    compute_rank: int | None = None
    pareto: bool | None = None
    gap: Interval | None = None
    level: str | None = None
    response: ResponseCurve | None = None
    flags: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class ColumnLook:
    """Numbers of one column at one look, as first computed and never again.

    Parameters
    ----------
    column
        The arm, or the arm's level.
    variance, df, p
        Half-pooled variance, its degrees of freedom, and the one-sided p.
    """

    column: str
    variance: float
    df: float
    p: float


@dataclass(frozen=True)
class Look:
    """One look taken; worth storing, and passing back when arms are added later.

    Parameters
    ----------
    n_seeds
        Seeds at the look.
    sigma_b
        Seed-to-seed standard deviation frozen at the first look.
    columns
        What each column that took part showed.
    """

    n_seeds: int
    sigma_b: float | None
    columns: tuple[ColumnLook, ...]


@dataclass(frozen=True)
class Table:
    """The priority table.

    Parameters
    ----------
    status
        "final" when every row has its verdict.
    rows
        In table order: one per registered technique.
    looks
        Looks taken, as stored.
    n_registered
        Holm's K.
    delta_origin
        "stated", or "default, not your choice".
    sigma_b, rho_hat, sd_over_sigma
        Seed-to-seed standard deviation, correlation of arms over shared seeds, and the pooled sd
        of the paired difference over sigma_b.
    detectable
        Smallest effects this design can see, in sd of the paired difference.
    sd_difference
        That sd, pooled, in the metric's unit.
    baseline_failed, baseline_runs
        Failures among the baseline's runs.
    runs_used
        Finished runs, the baseline's included.
    needs
        Undecided arms with the number of seeds, from the first, that their next look takes. The
        baseline needs the most of them.
    refusal
        Why the study as a whole gets no verdict.
    """

    status: Status
    rows: tuple[Row, ...]
    looks: tuple[Look, ...]
    n_registered: int
    delta_origin: str
    sigma_b: float | None
    rho_hat: float | None
    sd_over_sigma: float | None
    detectable: tuple[Detectable, ...]
    sd_difference: float | None
    baseline_failed: int
    baseline_runs: int
    runs_used: int
    needs: tuple[tuple[str, int], ...]
    refusal: str | None

    def row(self, technique: str) -> Row:
        """Return the row of a technique."""
        return next(row for row in self.rows if row.technique == technique)

"""What the table says about one technique beside its rank: intervals, costs, gaps, flags."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from search.statistics.arrays import FloatArray
from search.statistics.costs import cost_ratio
from search.statistics.effects import share_better
from search.statistics.impact import impact_span
from search.statistics.intervals import Interval, mean_interval, proportion_bounds
from search.statistics.pairs import Scores
from search.statistics.power import SeedsNeeded
from search.statistics.race import Race
from search.statistics.registration import Arm, Registration
from search.statistics.replicates import Replicates
from search.statistics.rows import Row
from search.statistics.sequential import Rules
from search.statistics.standing import Placing, Spot, Standing, further_seeds
from search.statistics.values import with_values
from search.statistics.verdicts import MIN_PAIRS, Verdict, is_free_win, worth_it


@dataclass(frozen=True, eq=False)
class Measurements:
    """What was measured beside the evaluation scores, laid out like the replicates.

    Parameters
    ----------
    wall_s, memory : ndarray of shape (n_seeds, n_columns), optional
        Wall time in seconds and peak memory; NaN where unknown.
    validation : ndarray of shape (n_seeds, n_columns), optional
        The evaluation metric on the validation split.
    """

    wall_s: FloatArray | None = None
    memory: FloatArray | None = None
    validation: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """Everything that one table is computed from, in canonical order.

    Parameters
    ----------
    arms, columns
        Compared arms by name, and their columns.
    delta : ndarray of shape (n_arms,)
        NaN while unknown.
    """

    registration: Registration
    replicates: Replicates
    measured: Measurements
    scores: Scores
    arms: tuple[Arm, ...]
    columns: tuple[str, ...]
    sigma_b: float | None
    delta: FloatArray
    rules: Rules


def rows_of(
    case: Case, standing: Standing, outcome: Race, placing: Placing, *, no_more_runs: bool
) -> tuple[Row, ...]:
    """Rows in table order; arms that are not compared come last, by name."""
    seeds = further_seeds(standing, case.delta, case.rules)
    low, high = proportion_bounds(standing.n_failed, standing.n)
    rows = []
    for i in placing.order:
        row = _measured_row(case, standing, i, placing.spots[i], seeds[i])
        row = replace(row, failure_low=float(low[i]), failure_high=float(high[i]))
        row = _with_tests(row, case, standing, outcome, i)
        stopped = no_more_runs and row.verdict in _OPEN and 0 <= outcome.look[i] < _last(case)
        rows.append(_with_flags(row, case, i, ("stopped_early",) if stopped else ()))
    others = tuple(_blank_row(arm) for arm in case.registration.arms if not arm.compared)
    return (*with_values(tuple(rows)), *others)


_OPEN = (Verdict.INCONCLUSIVE, Verdict.UNSTABLE)


def _last(case: Case) -> int:
    return len(case.rules.looks) - 1


def _measured_row(
    case: Case, standing: Standing, i: int, spot: Spot | None, seeds: SeedsNeeded | None
) -> Row:
    """Fill what every row with a pair has: counts, effect and costs."""
    arm, column = case.arms[i], int(standing.column[i])
    n = int(standing.n_seeds[i])
    row = Row(
        technique=arm.name,
        verdict=standing.verdicts[i],
        n_seeds=int(standing.n[i]),
        n_failed=int(standing.n_failed[i]),
        delta=_number(case.delta[i]),
        seeds_needed=seeds,
        effort_hours=arm.effort_hours,
        level=case.columns[column] if arm.levels and standing.n[i] else None,
        compute=_ratio(case, case.measured.wall_s, arm, column, n),
        memory=_ratio(case, case.measured.memory, arm, column, n),
    )
    if spot is not None:
        row = replace(
            row,
            rank=spot.rank,
            rank_low=spot.low,
            rank_high=spot.high,
            group=spot.group,
            p_top3=spot.p_top3,
        )
    if not standing.n[i]:
        return row
    effect = float(standing.effect[i])
    d = case.scores.pairs.d[:n, column]
    return replace(
        row,
        effect=effect,
        effect_relative=_relative(case, effect, column, n),
        effect_sigma=effect / case.sigma_b if case.sigma_b else None,
        p_better=share_better(d[np.isfinite(d)]),
        gap=_gap(case, column, n),
    )


def _with_tests(row: Row, case: Case, standing: Standing, outcome: Race, i: int) -> Row:
    """Everything that needs a variance; a degenerate row gets none of it."""
    looked = outcome.look[i] >= 0 and row.verdict not in (
        Verdict.DEGENERATE,
        Verdict.NOT_COMPARABLE,
        Verdict.NOT_MEASURED,
    )
    if looked:
        row = replace(row, q_value=float(outcome.q[i]), p_adjusted=float(outcome.p_adjusted[i]))
    if not standing.tested[i] or row.effect is None:
        return row
    half, delta = float(standing.half[i]), float(case.delta[i])
    low, high = row.effect - half, row.effect + half
    shrunken = float(standing.shrunken[i])
    levels, looks = len(case.arms[i].columns), len(case.rules.looks)
    bounded = bool(np.isfinite(half))
    return replace(
        row,
        ci_low=low if bounded else None,
        ci_high=high if bounded else None,
        ci_level=1 - case.rules.alpha / levels / (1 if case.rules.open_ended else looks),
        shrunken_effect=shrunken,
        worth_it=worth_it(low, shrunken, delta),
        impact=impact_span(low, high, delta),
    )


def _with_flags(row: Row, case: Case, i: int, flags: tuple[str, ...]) -> Row:
    arm = case.arms[i]
    bounds = [ratio.high if ratio else None for ratio in (row.compute, row.memory)]
    if arm.as_good_but_cheaper and row.ci_low is not None and row.delta is not None:
        flags += ("free_win",) * is_free_win(row.ci_low, row.delta, *bounds)
    if row.gap and row.gap.low is not None and row.gap.low > 0 and _validation_up(row):
        flags += ("val_up_test_not",)
    flags += ("withdrawn",) * arm.withdrawn
    return replace(row, flags=flags)


def _validation_up(row: Row) -> bool:
    return row.gap is not None and row.effect is not None and row.gap.estimate + row.effect > 0


def _blank_row(arm: Arm) -> Row:
    verdict = Verdict.NOT_MEASURED if arm.planned else Verdict.NOT_COMPARABLE
    return Row(
        technique=arm.name,
        verdict=verdict,
        effort_hours=arm.effort_hours,
        flags=("planned",) * arm.planned + ("withdrawn",) * arm.withdrawn,
        note=arm.not_comparable or "",
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _relative(case: Case, effect: float, column: int, n: int) -> float | None:
    base = case.scores.baseline[:n][case.scores.pairs.closed[:n, column]]
    base = base[np.isfinite(base)]
    mean = float(np.abs(base.mean())) if base.size else 0.0
    return effect / mean if mean > 0 else None


def _source(case: Case, column: int) -> int | None:
    """Where a compared column lies among the replicates' columns."""
    name = case.columns[column]
    columns = case.replicates.columns
    return columns.index(name) if name in columns else None


def _ratio(case: Case, costs: FloatArray | None, arm: Arm, column: int, n: int) -> Interval | None:
    """Cost ratio over the seeds of the arm; m exactly, in compute, for an ensemble of m runs."""
    if arm.block > 1 and costs is case.measured.wall_s:
        return Interval(float(arm.block), float(arm.block), float(arm.block), 0.95)
    source = _source(case, column)
    if costs is None or source is None:
        return None
    return cost_ratio(costs[:n, source], costs[:n, 0])


def _gap(case: Case, column: int, n: int) -> Interval | None:
    """Return validation effect minus held-out effect, pair by pair."""
    scores, source = case.measured.validation, _source(case, column)
    if scores is None or source is None:
        return None
    effect = case.registration.sign * (scores[:n, source] - scores[:n, 0])
    gap = effect - case.scores.pairs.d[:n, column]
    gap = gap[case.scores.pairs.valid[:n, column] & np.isfinite(gap)]
    return mean_interval(gap) if gap.size >= MIN_PAIRS else None

"""What the table says about one technique beside its rank: intervals, costs, gaps, flags."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from search.statistics.arrays import BoolArray, FloatArray, IntArray
from search.statistics.costs import cost_ratios
from search.statistics.effects import share_better
from search.statistics.impact import impact_span
from search.statistics.intervals import Interval, mean_intervals, proportion_bounds
from search.statistics.levels import response_curve
from search.statistics.outcome import Race
from search.statistics.pairs import Scores
from search.statistics.registration import Arm, Registration
from search.statistics.replicates import Replicates
from search.statistics.rows import Row
from search.statistics.sequential import Rules, half_width
from search.statistics.standing import Placing, Standing, further_seeds
from search.statistics.values import with_values
from search.statistics.verdicts import Verdict, is_free_win, worth_it

Fields: TypeAlias = dict[str, Any]
"""Some of a `Row`'s fields; a row of fifty is built once, from these."""


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
    """Return rows in table order; arms that are not compared come last, by name."""
    parts = (
        _counts(case, standing, no_more_runs=no_more_runs, looks=outcome.look),
        _places(placing),
        _descriptions(case, standing),
        _costs(case, standing),
        _p_values(standing, outcome),
        _estimates(case, standing),
        _responses(case, standing, outcome),
    )
    rows = [
        Row(**{name: x for part in parts for name, x in part[i].items()}) for i in placing.order
    ]
    arms = {arm.name: arm for arm in case.arms}
    flagged = tuple(_flagged(row, arms[row.technique]) for row in rows)
    others = tuple(_blank_row(arm) for arm in case.registration.arms if not arm.compared)
    return (*with_values(flagged), *others)


def _counts(case: Case, standing: Standing, *, no_more_runs: bool, looks: IntArray) -> list[Fields]:
    low, high = proportion_bounds(standing.n_failed, standing.n)
    seeds = further_seeds(standing, case.delta, case.rules)
    last = len(case.rules.looks) - 1
    unsettled = (Verdict.INCONCLUSIVE, Verdict.UNSTABLE)
    return [
        {
            "technique": arm.name,
            "effort_hours": arm.effort_hours,
            "verdict": (verdict := standing.verdicts[i]),
            "n_seeds": int(standing.n[i]),
            "n_failed": int(standing.n_failed[i]),
            "failure_low": float(low[i]),
            "failure_high": float(high[i]),
            "delta": _number(case.delta[i]),
            "seeds_needed": seeds[i],
            "level": case.columns[standing.column[i]] if arm.levels and standing.n[i] else None,
            "flags": ("withdrawn",) * arm.withdrawn
            + ("stopped_early",) * bool(no_more_runs and verdict in unsettled and looks[i] < last),
        }
        for i, arm in enumerate(case.arms)
    ]


def _places(placing: Placing) -> list[Fields]:
    return [
        {}
        if spot is None
        else {
            "rank": spot.rank,
            "rank_low": spot.low,
            "rank_high": spot.high,
            "group": spot.group,
            "p_top3": spot.p_top3,
        }
        for spot in placing.spots
    ]


def _descriptions(case: Case, standing: Standing) -> list[Fields]:
    """Effect, unadjusted by anything."""
    d = np.where(_within(case, standing), case.scores.pairs.d[:, standing.column], np.nan)
    base = np.where(np.isfinite(d), case.scores.baseline[:, None], np.nan)
    n_base = np.isfinite(base).sum(axis=0)
    level = np.abs(np.nansum(base, axis=0) / np.maximum(n_base, 1))
    share = share_better(d)
    return [
        {
            "effect": float(standing.effect[i]),
            "effect_relative": float(standing.effect[i] / level[i]) if level[i] > 0 else None,
            "effect_sigma": float(standing.effect[i] / case.sigma_b) if case.sigma_b else None,
            "p_better": float(share[i]),
        }
        if standing.n[i]
        else {}
        for i in range(len(case.arms))
    ]


def _costs(case: Case, standing: Standing) -> list[Fields]:
    """Cost ratios over the seeds of each arm, and the gap between validation and test."""
    nothing: tuple[Interval | None, ...] = (None,) * len(case.arms)
    wall, memory, validation = (
        None if x is None else _selected(case, standing, x)
        for x in (case.measured.wall_s, case.measured.memory, case.measured.validation)
    )
    compute = nothing if wall is None else cost_ratios(*wall)
    peak = nothing if memory is None else cost_ratios(*memory)
    gaps = nothing
    if validation is not None:
        arms, baseline = validation
        d = case.scores.pairs.d[: len(arms), standing.column]
        d = np.where(case.scores.pairs.valid[: len(arms), standing.column], d, np.nan)
        gaps = mean_intervals(case.registration.sign * (arms - baseline[:, None]) - d)
    return [
        {
            "compute": Interval(*(float(arm.block),) * 3, 0.95) if arm.block > 1 else compute[i],
            "memory": peak[i],
            "gap": gaps[i],
        }
        for i, arm in enumerate(case.arms)
    ]


def _p_values(standing: Standing, outcome: Race) -> list[Fields]:
    without = (Verdict.DEGENERATE, Verdict.NOT_COMPARABLE, Verdict.NOT_MEASURED)
    return [
        {"q_value": float(outcome.q[i]), "p_adjusted": float(outcome.p_adjusted[i])}
        if outcome.look[i] >= 0 and verdict not in without
        else {}
        for i, verdict in enumerate(standing.verdicts)
    ]


def _estimates(case: Case, standing: Standing) -> list[Fields]:
    """Everything that needs a variance; a degenerate row gets none of it."""
    return [
        _estimate(case, standing, i) if standing.tested[i] else {} for i in range(len(case.arms))
    ]


def _estimate(case: Case, standing: Standing, i: int) -> Fields:
    effect, half = float(standing.effect[i]), float(standing.half[i])
    shrunken, delta = float(standing.shrunken[i]), float(case.delta[i])
    bounded = bool(np.isfinite(half))
    return {
        "ci_low": effect - half if bounded else None,
        "ci_high": effect + half if bounded else None,
        "ci_level": 1 - case.rules.alpha,
        "shrunken_effect": shrunken,
        "worth_it": worth_it(effect - half, shrunken, delta) if delta > 0 else None,
        "impact": impact_span(effect - half, effect + half, delta) if delta > 0 else None,
    }


def _responses(case: Case, standing: Standing, outcome: Race) -> list[Fields]:
    """Curves of the arms with levels, from the same variances as their rows."""
    rules, columns = case.rules, outcome.columns
    sizes = rules.sizes(len(case.arms))
    if not (sizes > 1).any():
        return [{} for _ in case.arms]
    half = half_width(columns.se, columns.df, columns.n, rules, np.repeat(sizes, sizes))
    found: list[Fields] = []
    for i, start in enumerate(np.cumsum(sizes) - sizes):
        mine = slice(start, start + sizes[i])
        d = case.scores.pairs.d[: standing.n_seeds[i], mine]
        measured = standing.tested[i] and sizes[i] > 1
        curve = (
            response_curve(d, case.arms[i].levels, half[mine], alpha=rules.alpha)
            if measured
            else None
        )
        found.append({"response": curve})
    return found


def _flagged(row: Row, arm: Arm) -> Row:
    """Add the flags that follow from the other columns."""
    flags = row.flags
    bounds = [ratio.high if ratio else None for ratio in (row.compute, row.memory)]
    # without any difference there is no interval, and nothing lost
    low = 0.0 if row.verdict is Verdict.NO_EFFECT else row.ci_low
    if arm.as_good_but_cheaper and low is not None and row.delta is not None:
        flags += ("free_win",) * is_free_win(low, row.delta, *bounds)
    gap, effect = row.gap, row.effect
    if gap and gap.low is not None and effect is not None:
        flags += ("val_up_test_not",) * (gap.low > 0 and gap.estimate + effect > 0)
    return row if flags == row.flags else replace(row, flags=flags)


def _blank_row(arm: Arm) -> Row:
    return Row(
        technique=arm.name,
        verdict=Verdict.NOT_MEASURED if arm.planned else Verdict.NOT_COMPARABLE,
        effort_hours=arm.effort_hours,
        flags=("planned",) * arm.planned + ("withdrawn",) * arm.withdrawn,
        note=arm.not_comparable or "",
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _within(case: Case, standing: Standing) -> BoolArray:
    """Seeds that each arm's numbers rest on, (n_seeds, n_arms)."""
    within: BoolArray = np.arange(len(case.scores.baseline))[:, None] < standing.n_seeds
    return within


def _selected(case: Case, standing: Standing, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lay the replicates' columns out by arm, (n_seeds, n_arms), beside the baseline's."""
    known = {name: place for place, name in enumerate(case.replicates.columns)}
    sources = [known.get(case.columns[column], -1) for column in standing.column]
    rows = len(case.scores.baseline)
    arms = np.where(np.array(sources) < 0, np.nan, values[:rows, sources])
    return np.where(_within(case, standing), arms, np.nan), values[:rows, 0]

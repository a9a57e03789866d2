"""How often each verdict comes out on planted truths, over many studies.

The scores are the planted world's, the verdicts those of `rank_table`, which the protocol calls;
a whole study through a database would take seconds, and says the same (one of them is compared).

Fast bounds are such that a protocol that keeps its promises breaks one in less than a million
times; the binomial arithmetic stands beside each. Slow ones leave four Monte-Carlo errors.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from search.protocol.registering import draw_seeds
from search.statistics import Arm, Registration, Replicate, Replicates, Table, Verdict, rank_table
from tests.planted.kinds import NULL, STANDARD, Kind, Planted
from tests.planted.world import Config, crashes, final_scores

FEW, MANY = 40, 600
NULLS = Kind("eight nulls", (NULL,) * 8)
PLUS_TWO = Kind("+2", (Planted({"gain": 2.0}), *(NULL,) * 3))
PLUS_ONE = Kind("+1", (Planted({"gain": 1.0}), *(NULL,) * 7))
MINUS_TWO = Kind("-2", (Planted({"gain": -2.0}), *(NULL,) * 3))
CRASHING = Kind("crashing null", (Planted({"crashes": 0.25}), *(NULL,) * 3))
CRASHING_GAIN = Kind("crashing gain", (Planted({"gain": 3.0, "crashes": 0.5}), *(NULL,) * 3))
NOISY = Kind("noisy null", (Planted({"spread": 3.0}), *(NULL,) * 7))
SKEWED = Kind("skewed nulls", (Planted({"skewed": True}),) * 8)
VALIDATION = Kind("validation", (Planted({"only_validation": 3.0}), *(NULL,) * 3))
FLAT = Kind("flat levels", (Planted({}, levels=(1, 2, 3)), NULL))
PEAK = Kind("peaked levels", (Planted({"peak": 2.0}, levels=(1, 3, 5)), NULL))


def columns_of(kind: Kind) -> dict[str, Config]:
    """Return every column's configuration, as the protocol would set it."""
    found = {"baseline": kind.config}
    for name, planted in kind.planted.items():
        for level in planted.levels or (None,):
            changes = {} if level is None else {"level": level}
            column = name if level is None else f"{name} [{level}]"
            found[column] = replace(kind.config, **{name: planted.part(**changes)})
    return found


def table_of(kind: Kind, study_seed: int) -> Table:
    """Return the finished table of one study; seeds beyond an arm's last look do not count."""
    seeds = draw_seeds(study_seed, "", kind.looks[-1])
    columns = columns_of(kind)
    runs = [
        Replicate(column, seed, "failed")
        if crashes(config, seed)
        else Replicate(column, seed, "complete", final_scores(config, seed)[1])
        for column, config in columns.items()
        for seed in seeds
    ]
    arms = tuple(
        Arm(name, levels=tuple(c for c in columns if c.startswith(f"{name} [")))
        for name in kind.planted
    )
    return rank_table(
        Registration(arms, smallest_gain=kind.delta, looks=kind.looks),
        Replicates.collect(runs, columns=list(columns), seeds=seeds, curves_vary=True),
        rng=np.random.default_rng(study_seed),
    )


@lru_cache(maxsize=64)
def tables(kind_name: str, studies: int) -> Sequence[Table]:
    """Return the tables of the first studies of a kind."""
    return tuple(table_of(BY_NAME[kind_name], study_seed) for study_seed in range(studies))


BY_NAME: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (NULLS, PLUS_TWO, PLUS_ONE, MINUS_TWO, CRASHING, CRASHING_GAIN, NOISY, SKEWED,
                 VALIDATION, FLAT, PEAK)
}  # fmt: skip


def verdicts(kind: Kind, studies: int) -> Counter[Verdict | None]:
    """Count the verdicts on a kind's first technique."""
    return Counter(table.row("t1").verdict for table in tables(kind.name, studies))


def false_adopt(kind: Kind, studies: int) -> int:
    """Count the studies that adopt anything that does no good."""
    good = {name for name, one in kind.planted.items() if one.part().effect > 0 or one.levels}
    return sum(
        any(row.verdict == Verdict.ADOPT and row.technique not in good for row in table.rows)
        for table in tables(kind.name, studies)
    )


def at_most(rate: float, studies: int, error: float = 1e-6) -> int:
    """Return the count that a rate exceeds less than once in a million times."""
    return int(stats.binom.isf(error, studies, rate))


def at_least(rate: float, studies: int, error: float = 1e-6) -> int:
    """Return the count below which a rate stays less than once in a million times."""
    return studies - at_most(1 - rate, studies, error)


def test_the_arithmetic_of_the_bounds():
    """Of 40 studies, 12 at .05: 4e-7; 20 or fewer at .85: 2e-7; 28 or fewer at .95: 4e-7."""
    assert (at_most(0.05, FEW), at_least(0.85, FEW), at_least(0.95, FEW)) == (11, 21, 29)
    assert stats.binom.sf(11, FEW, 0.05) < 1e-6 < stats.binom.sf(10, FEW, 0.05)
    assert stats.binom.cdf(20, FEW, 0.85) < 1e-6 < stats.binom.cdf(21, FEW, 0.85)
    assert stats.binom.cdf(28, FEW, 0.95) < 1e-6 < stats.binom.cdf(29, FEW, 0.95)


SIZES = [FEW, pytest.param(MANY, marks=pytest.mark.slow)]


@pytest.mark.parametrize("studies", SIZES)
@pytest.mark.parametrize(
    "kind", [NULLS, PLUS_ONE, NOISY, SKEWED, VALIDATION, CRASHING], ids=lambda kind: kind.name
)
def test_what_does_no_good_is_adopted_in_five_studies_of_a_hundred_at_most(
    kind: Kind, studies: int
) -> None:
    assert false_adopt(kind, studies) <= at_most(0.05, studies)


@pytest.mark.parametrize("studies", SIZES)
@pytest.mark.parametrize(("kind", "power"), [(PLUS_TWO, 0.95), (PLUS_ONE, 0.85)])
def test_power_at_the_standard_looks(kind: Kind, power: float, studies: int) -> None:
    assert kind.looks == STANDARD
    assert verdicts(kind, studies)[Verdict.ADOPT] >= at_least(power, studies)


@pytest.mark.parametrize("studies", SIZES)
def test_harm_is_seen(studies: int) -> None:
    found = verdicts(MINUS_TWO, studies)
    assert found[Verdict.ADOPT] == 0  # six standard errors away at three seeds, more later
    assert found[Verdict.HARMFUL] + found[Verdict.REJECT] >= at_least(0.99, studies)


@pytest.mark.parametrize("studies", SIZES)
def test_an_arm_of_which_half_crashes_is_not_adopted(studies: int) -> None:
    """Adopted it may be where its first three or five runs happened to end well: .125 + .03."""
    found = verdicts(CRASHING_GAIN, studies)
    assert found[Verdict.ADOPT] <= at_most(0.155, studies)


@pytest.mark.parametrize("studies", SIZES)
def test_the_best_level_is_named_or_the_curve_is_flat(studies: int) -> None:
    flat = [table.row("t1").response for table in tables(FLAT.name, studies)]
    assert sum(found is None or not found.flat for found in flat) <= at_most(0.05, studies)
    peaked = [table.row("t1") for table in tables(PEAK.name, studies)]
    # +2 against 0: adopted as the best one
    assert sum(row.verdict == Verdict.ADOPT for row in peaked) >= at_least(0.95, studies)
    assert all(row.level == "t1 [3]" for row in peaked if row.verdict == Verdict.ADOPT)


@pytest.mark.parametrize("studies", SIZES)
def test_intervals_hold_the_truth(studies: int) -> None:
    """99 % per look and row, and rows of one study share a baseline: count studies' first rows."""
    held = 0
    for table in tables(PLUS_ONE.name, studies):
        row = table.row("t1")
        assert row.ci_low is not None
        assert row.ci_high is not None
        held += row.ci_low <= 1.0 <= row.ci_high
    assert held >= at_least(0.95, studies)


def test_the_protocol_says_the_same_as_these_tables(tell: Any) -> None:
    kind = Kind("compared", (Planted({"gain": 2.0}), NULL), looks=(3, 5), delta=1.0)
    told, table = tell(kind, 7).outcome.priority.table, table_of(kind, 7)
    for name in kind.planted:
        one, two = told.row(name), table.row(name)
        assert (one.verdict, one.n_seeds) == (two.verdict, two.n_seeds)
        assert one.effect == pytest.approx(two.effect)
        assert one.q_value == pytest.approx(two.q_value)


@pytest.mark.slow
def test_rates_of_the_default_protocol() -> None:
    """Within four Monte-Carlo errors of what simulation says: .022, .906 and 1.000."""
    for count, rate in (
        (false_adopt(NULLS, MANY), 0.022),
        (verdicts(PLUS_ONE, MANY)[Verdict.ADOPT], 0.90),
    ):
        assert count / MANY == pytest.approx(rate, abs=4 * math.sqrt(rate * (1 - rate) / MANY))
    assert verdicts(PLUS_TWO, MANY)[Verdict.ADOPT] >= 0.99 * MANY

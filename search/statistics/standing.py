"""Where every arm stands, as arrays: the race's outcome, estimates and ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.statistics.arrays import BoolArray, FloatArray, IntArray
from search.statistics.effects import Summary, summarise
from search.statistics.pairs import Pairs
from search.statistics.power import SeedsNeeded, seeds_needed
from search.statistics.race import Columns, Race
from search.statistics.ranks import rank_distribution, separated_groups, shrink, table_order
from search.statistics.sequential import Rules, half_width
from search.statistics.verdicts import MIN_PAIRS, UNDECIDED, VERDICTS, Verdict

TIERS = {
    Verdict.ADOPT: 0,
    None: 1,
    Verdict.INCONCLUSIVE: 1,
    Verdict.UNSTABLE: 2,
    Verdict.REJECT: 3,
    Verdict.HARMFUL: 3,
}
"""Order of the ranked verdicts; undecided arms stand with the inconclusive."""
LAST_TIER = 4


@dataclass(frozen=True, eq=False)
class Standing:
    """Estimates of the compared arms; arrays of shape (n_arms,), NaN where there is none.

    Parameters
    ----------
    verdicts
        None while undecided.
    column
        Column of the arm's best level.
    n_seeds
        Seeds at the arm's last look; before the first, all there are.
    n, n_failed, effect
        Closed pairs, failures, mean difference.
    tested
        The arm has a variance and enough pairs.
    half
        Half-width of the printed interval.
    variance, se, shrunken
        v_k, se_k and b_k.
    seeds
        More seeds; None for settled arms.
    """

    verdicts: tuple[Verdict | None, ...]
    column: IntArray
    n_seeds: IntArray
    n: IntArray
    n_failed: IntArray
    effect: FloatArray
    tested: BoolArray
    half: FloatArray
    variance: FloatArray
    se: FloatArray
    shrunken: FloatArray
    seeds: tuple[SeedsNeeded | None, ...]


@dataclass(frozen=True)
class Placing:
    """Table order and ranks of the arms; None where an arm is not ranked.

    Parameters
    ----------
    order
        Arms from first to last.
    rank, low, high, group, p_top3
        By arm.
    """

    order: tuple[int, ...]
    rank: tuple[int | None, ...]
    low: tuple[int | None, ...]
    high: tuple[int | None, ...]
    group: tuple[int | None, ...]
    p_top3: tuple[float | None, ...]


def stand(
    pairs: Pairs, outcome: Race, delta: FloatArray, rules: Rules, *, whole: Verdict | None
) -> Standing:
    """Collect the estimates of every arm.

    Parameters
    ----------
    pairs
        Of shape (n_seeds, n_columns).
    delta : ndarray of shape (n_arms,)
        NaN while unknown.
    whole
        The verdict on the study as a whole (degenerate, or not comparable), which replaces all
        others and every test.
    """
    looked = (outcome.look >= 0) & (whole is None)
    live = summarise(pairs, pairs.d.shape[0])
    columns = outcome.columns
    best = np.where(looked, outcome.best, np.cumsum(rules.sizes(len(delta))) - rules.sizes(len(delta)))
    tested = looked & (columns.n_valid >= MIN_PAIRS)[best] & (columns.se > 0)[best]
    tested &= ~columns.zero[best] & ~columns.constant[best]
    half = half_width(columns.se[best], columns.df[best], columns.n[best], rules, rules.sizes(len(best)))
    shrunken, shrunken_sd = np.full((2, len(best)), np.nan)
    if tested.any():
        result = shrink(columns.mean[best][tested], columns.se[best][tested], delta[tested])
        shrunken[tested], shrunken_sd[tested] = result.effect, result.sd
    verdicts = tuple(
        whole or (None if code == UNDECIDED else VERDICTS[code]) for code in outcome.verdict
    )
    return Standing(
        verdicts=verdicts,
        column=best,
        n_seeds=np.where(looked, np.array(rules.looks)[outcome.look], len(pairs.d)),
        n=np.where(looked, columns.n[best], live.n[best]),
        n_failed=np.where(looked, columns.n_failed[best], live.n_failed[best]),
        effect=np.where(looked, columns.mean[best], live.mean[best]),
        tested=tested,
        half=np.where(tested, half, np.nan),
        variance=columns.variance[best],
        se=columns.se[best],
        shrunken=shrunken,
        seeds=(),
    )

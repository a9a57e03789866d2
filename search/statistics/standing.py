"""Where every arm stands, as arrays: the race's outcome, estimates and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.statistics.arrays import BoolArray, FloatArray, IntArray
from search.statistics.effects import summarise
from search.statistics.outcome import Race
from search.statistics.pairs import Pairs
from search.statistics.power import SeedsNeeded, seeds_needed
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
    variance, df, se
        Half-pooled v_k, df_k and se_k.
    shrunken, shrunken_sd
        b_k and its posterior standard deviation.
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
    df: FloatArray
    se: FloatArray
    shrunken: FloatArray
    shrunken_sd: FloatArray


@dataclass(frozen=True)
class Spot:
    """Rank, its interval, the group it is not separated from, and P(among the best three)."""

    rank: int
    low: int
    high: int
    group: int
    p_top3: float


@dataclass(frozen=True)
class Placing:
    """Arms from first to last, and by arm its spot, None where it is not ranked."""

    order: tuple[int, ...]
    spots: tuple[Spot | None, ...]


def stand(
    pairs: Pairs,
    outcome: Race,
    delta: FloatArray,
    rules: Rules,
    *,
    whole: Verdict | None = None,
) -> Standing:
    """Collect the estimates of every arm.

    Parameters
    ----------
    pairs
        Of shape (n_seeds, n_columns).
    delta : ndarray of shape (n_arms,)
        NaN while unknown.
    whole
        A verdict on the study as a whole (degenerate, or not comparable), which replaces all
        others and every test.
    """
    sizes = rules.sizes(len(delta))
    looked = (outcome.look >= 0) & (whole is None)
    at = np.where(looked, outcome.best, np.cumsum(sizes) - sizes)
    columns, live = outcome.columns, summarise(pairs, pairs.d.shape[0])
    tested = looked & (columns.n_valid[at] >= MIN_PAIRS) & (columns.se[at] > 0)
    tested &= ~columns.zero[at] & ~columns.constant[at]
    half = half_width(columns.se[at], columns.df[at], columns.n[at], rules, sizes)
    shrunken, sd = np.full((2, len(at)), np.nan)
    if tested.any():
        known = np.nan_to_num(delta[tested])  # no delta, no floor
        result = shrink(columns.mean[at][tested], columns.se[at][tested], known)
        shrunken[tested], sd[tested] = result.effect, result.sd
    return Standing(
        verdicts=tuple(
            whole or (None if code == UNDECIDED else VERDICTS[code]) for code in outcome.verdict
        ),
        column=at,
        n_seeds=np.where(looked, np.array(rules.looks)[outcome.look], len(pairs.d)),
        n=np.where(looked, columns.n[at], live.n[at]),
        n_failed=np.where(looked, columns.n_failed[at], live.n_failed[at]),
        effect=np.where(looked, columns.mean[at], live.mean[at]),
        tested=tested,
        half=half,
        variance=columns.variance[at],
        df=columns.df[at],
        se=columns.se[at],
        shrunken=shrunken,
        shrunken_sd=sd,
    )


def further_seeds(
    standing: Standing, delta: FloatArray, rules: Rules
) -> tuple[SeedsNeeded | None, ...]:
    """More seeds for undecided and inconclusive arms; None for the others."""
    open_ = [
        i
        for i, verdict in enumerate(standing.verdicts)
        if verdict in (None, Verdict.INCONCLUSIVE) and standing.tested[i]
    ]
    needed = seeds_needed(
        n=standing.n[open_].astype(np.float64),
        delta=delta[open_],
        variance=standing.variance[open_],
        se=standing.se[open_],
        shrunken=standing.shrunken[open_],
        shrunken_sd=standing.shrunken_sd[open_],
        alpha=rules.alpha,
        test_train_ratio=rules.test_train_ratio,
    )
    found = dict(zip(open_, needed, strict=True))
    return tuple(found.get(i) for i in range(len(standing.verdicts)))


def place(standing: Standing, names: Sequence[str], *, rng: np.random.Generator) -> Placing:
    """Order and rank the arms: adopted, undecided, unstable, rejected; inside by b_k.

    The order by verdict may put a row outside the interval of its effect's rank; the interval is
    then widened to hold it.
    """
    tiers = [
        TIERS.get(verdict, LAST_TIER) if standing.tested[i] else LAST_TIER
        for i, verdict in enumerate(standing.verdicts)
    ]
    order = table_order(tiers, np.nan_to_num(standing.shrunken), names)
    ranked = [i for i in order if tiers[i] < LAST_TIER]
    drawn = rank_distribution(
        [names[i] for i in ranked],
        standing.shrunken[ranked],
        standing.shrunken_sd[ranked],
        standing.df[ranked],
        rng=rng,
    )
    low = [min(rank, int(x)) for rank, x in enumerate(drawn.low, 1)]
    high = [max(rank, int(x)) for rank, x in enumerate(drawn.high, 1)]
    groups = separated_groups(low, high)
    spots = tuple(
        Spot(rank, low[rank - 1], high[rank - 1], groups[rank - 1], float(drawn.p_top3[rank - 1]))
        for rank in range(1, len(ranked) + 1)
    )
    by_arm = dict(zip(ranked, spots, strict=True))
    return Placing(tuple(order), tuple(by_arm.get(i) for i in range(len(names))))

"""Which arms are certain to go on after the look under way, whatever its last runs say.

An arm that has all its pairs of a look is settled there only if it is significant, or if its upper
bound lies below delta. The runs of other arms still move two things: Holm's factor, which is at
least 1, and the variance that is borrowed, which is at least 0 with at most `PRIOR_DF` degrees of
freedom. Under the most favourable of both, with own variance s² on n - 1 degrees of freedom::

    v >= (n - 1) s² / (n - 1 + PRIOR_DF),   df <= n - 1 + PRIOR_DF

Arms for which even that settles nothing can be given seeds of the next look while workers idle.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.statistics.arrays import BoolArray
from search.statistics.details import Case, Measurements
from search.statistics.effects import PRIOR_DF, Summary, summarise
from search.statistics.outcome import Race, every, least, some
from search.statistics.race import race
from search.statistics.registration import Registration
from search.statistics.replicates import Replicates
from search.statistics.rows import Look
from search.statistics.sequential import p_values, upper_bound
from search.statistics.table import align, open_case
from search.statistics.verdicts import MIN_PAIRS, UNDECIDED


def certain_to_go_on(
    registration: Registration, replicates: Replicates, history: Sequence[Look] = ()
) -> dict[str, int]:
    """Return the arms that get seeds beyond the look under way, and how many at the next one.

    Never an arm that might be settled; arms of which that cannot be said are left out: open-ended
    studies, candidates for `free_win`, ensembles, every arm while a baseline run has failed, and
    at the first look those whose delta depends on it.

    Parameters
    ----------
    registration, replicates, history
        As in `rank_table`.
    """
    case = open_case(registration, replicates, Measurements(), history)
    frozen = [align(look, case.columns) for look in history]
    outcome = race(case.scores.pairs, case.delta, case.rules, history=frozen)
    j, looks = len(outcome.frozen), case.rules.looks
    over = j + 1 >= len(looks) or not case.arms
    if over or case.rules.open_ended or case.rules.baseline_failures[j]:
        return {}
    found = summarise(case.scores.pairs, looks[j])
    open_ = _stays_open(case, outcome, found, j)
    return {
        arm.name: looks[j + 1]
        for arm, certain in zip(case.arms, open_, strict=True)
        if certain
        and arm.block == 1
        and not (arm.as_good_but_cheaper or arm.withdrawn)
        and (j > 0 or registration.smallest_gain or arm.smallest_gain)
    }


def _stays_open(case: Case, outcome: Race, found: Summary, j: int) -> BoolArray:
    """Return which arms neither a p-value nor a bound of this look can settle."""
    rules, own = case.rules, np.maximum(found.n - 1, 1)
    sizes = rules.sizes(found.n.shape[-1])
    df = (own + PRIOR_DF).astype(np.float64)
    variance = own * found.variance / df
    se = np.sqrt(variance * (1 / np.maximum(found.n, 1) + rules.test_train_ratio))
    p = least(p_values(found.mean, se, df, found.n, rules), sizes) * sizes
    q = np.minimum(outcome.q, p / rules.weights[j])
    delta = np.repeat(np.broadcast_to(case.delta, sizes.shape), sizes)
    varies = (found.variance > 0) & (found.n_valid >= MIN_PAIRS) & (found.n_failed == 0)
    open_upwards = varies & (upper_bound(found.mean, se, df, found.n, rules, j) >= delta)
    certain: BoolArray = (
        (outcome.verdict == UNDECIDED)
        & ~outcome.rejected
        & every(found.complete & varies, sizes)
        & (q > rules.alpha)
        & some(open_upwards, sizes)
    )
    return certain

"""The race: looks are taken one after the other, and settled arms leave.

Everything runs over leading axes, so that a simulation of thousands of studies runs the same lines
as one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from search.statistics.arrays import BoolArray, CodeArray, FloatArray, IntArray
from search.statistics.effects import Summary, half_pooled, summarise
from search.statistics.outcome import Columns, Frozen, Race, every, least, pick, some
from search.statistics.pairs import Pairs
from search.statistics.sequential import Rules, half_width, holm, p_values, upper_bound
from search.statistics.verdicts import CODES, MIN_PAIRS, UNDECIDED, Findings, Verdict, decide


def race(
    pairs: Pairs,
    delta: FloatArray,
    rules: Rules,
    *,
    history: Sequence[Frozen] = (),
    no_more_runs: bool = False,
) -> Race:
    """Take every look whose pairs are closed, and say who is settled.

    Parameters
    ----------
    pairs
        Arrays of shape (..., n_seeds, n_columns).
    delta : ndarray, broadcastable to (..., n_arms)
        Smallest gain worth adopting.
    history
        Looks taken earlier. They stand as they were, even when arms were added since.
    no_more_runs
        Go on without arms whose pairs are not closed, and end with a verdict for all.
    """
    sizes = rules.sizes(pairs.d.shape[-1])
    state = _start(pairs, len(sizes))
    if not len(sizes):
        return state
    for j, n_seeds in enumerate(rules.looks):
        if n_seeds > pairs.d.shape[-2]:
            break
        found = summarise(pairs, n_seeds)
        undecided = state.verdict == UNDECIDED
        ready = undecided & every(found.complete, sizes)
        due = some(found.due, sizes)
        waited_for = undecided & ~ready & due & ~np.array(rules.absent or False)
        patient = j >= len(history) and not no_more_runs
        nothing_new = not ready.any() and not (undecided & ~due).any()
        if nothing_new or (patient and waited_for.any()):
            break
        prior = history[j] if j < len(history) else None
        columns = _test(state.columns, found, np.repeat(ready, sizes, axis=-1), rules, prior)
        state = _judge(state, columns, ready, delta, rules, j, prior)
        if rules.refused(j):
            return replace(state, refused=True)
    if no_more_runs and state.frozen and rules.baseline_unfit(len(state.frozen) - 1):
        return replace(state, refused=True)
    done = np.array(no_more_runs or rules.absent or False)
    return _close(state, rules, np.broadcast_to(done, state.verdict.shape))


def _start(pairs: Pairs, n_arms: int) -> Race:
    lead, n_columns = pairs.d.shape[:-2], pairs.d.shape[-1]
    whole = np.zeros((*lead, n_columns), dtype=np.int64)
    real, no = whole.astype(np.float64), whole.astype(np.bool_)
    columns = Columns(whole, whole, whole, real, real, real, real, real, real + 1, no, no)
    ones = np.ones((*lead, n_arms))
    return Race(
        columns=columns,
        best=np.zeros(ones.shape, dtype=np.int64),
        q=ones,
        p_adjusted=ones,
        verdict=np.full(ones.shape, UNDECIDED, dtype=np.int8),
        look=np.full(ones.shape, -1),
        rejected=np.zeros(ones.shape, dtype=np.bool_),
    )


def _test(
    old: Columns, found: Summary, update: BoolArray, rules: Rules, prior: Frozen | None
) -> Columns:
    """Numbers of the columns that take part in this look; the others keep theirs.

    The pool is taken over all columns, each with the pairs it has; arms that left keep lending
    their variance.
    """
    n = np.where(update, found.n, old.n)
    own = np.where(update, found.variance, old.own_variance)
    moderated = half_pooled(own, n, rules.test_train_ratio)
    variance, df, se = moderated.variance, moderated.df, moderated.se
    constant = (found.variance == 0) & ~found.zero & (moderated.d0 == 0)
    p = p_values(found.mean, se, df, n, rules)
    p = np.where(found.zero | constant | (found.n_valid < MIN_PAIRS), 1.0, p)
    if prior is not None:
        known = np.isfinite(prior.p)
        variance, df = np.where(known, prior.variance, variance), np.where(known, prior.df, df)
        p = np.where(known, prior.p, p)
        se = np.where(
            known, np.sqrt(variance * (1 / np.maximum(n, 1) + rules.test_train_ratio)), se
        )
    return Columns(
        n=n,
        n_valid=np.where(update, found.n_valid, old.n_valid),
        n_failed=np.where(update, found.n_failed, old.n_failed),
        mean=np.where(update, found.mean, old.mean),
        own_variance=own,
        variance=np.where(update, variance, old.variance),
        df=np.where(update, df, old.df),
        se=np.where(update, se, old.se),
        p=np.where(update, p, old.p),
        zero=np.where(update, found.zero, old.zero),
        constant=np.where(update, constant, old.constant),
    )


def _judge(
    state: Race,
    columns: Columns,
    ready: BoolArray,
    delta: FloatArray,
    rules: Rules,
    j: int,
    prior: Frozen | None,
) -> Race:
    """Spend this look's p-values, and settle the arms that are ready."""
    sizes = rules.sizes(ready.shape[-1])
    p = np.minimum(least(columns.p, sizes) * sizes, 1.0)
    q = np.where(ready, np.minimum(state.q, p / rules.weights[j]), state.q)
    p_adjusted = holm(q, rules.n_registered)
    best = _best_columns(columns, sizes)
    last = j == len(rules.looks) - 1
    found = _findings(columns, best, p_adjusted, delta, rules, j)
    found = replace(found, rejected=found.rejected | state.rejected)
    codes = decide(found, last=last)
    held = rules.baseline_unfit(j)
    if held:
        codes = np.full_like(codes, UNDECIDED)
    elif not last:
        codes = np.where(_stays(columns, best, codes, delta, rules), UNDECIDED, codes)
    return Race(
        columns=columns,
        best=np.where(ready, best, state.best),
        q=q,
        p_adjusted=p_adjusted,
        verdict=np.where(ready, codes, state.verdict).astype(np.int8),
        look=np.where(ready, j, state.look),
        rejected=state.rejected | (ready & found.rejected & found.testable & (not held)),
        frozen=(*state.frozen, _freeze(columns, np.repeat(ready, sizes, axis=-1), prior)),
    )


def _freeze(columns: Columns, update: BoolArray, prior: Frozen | None) -> Frozen:
    """Return this look's numbers, and the prior ones of columns that did not take part in it."""
    blank = np.full(update.shape, np.nan)
    old = prior or Frozen(blank, blank, blank)
    return Frozen(
        np.where(update, columns.variance, old.variance),
        np.where(update, columns.df, old.df),
        np.where(update, columns.p, old.p),
    )


def _findings(
    columns: Columns,
    best: IntArray,
    p_adjusted: FloatArray,
    delta: FloatArray,
    rules: Rules,
    j: int,
) -> Findings:
    """Reduce columns to arms. A technique is rejected when every testable level of it is."""
    sizes = rules.sizes(best.shape[-1])
    upper = upper_bound(columns.mean, columns.se, columns.df, columns.n, rules, j)
    testable = columns.n_valid >= MIN_PAIRS
    below = (upper < np.repeat(np.broadcast_to(delta, best.shape), sizes, axis=-1)) | ~testable
    crashed = (columns.n_failed == columns.n) & (columns.n > 0)
    n, n_failed = pick(columns.n, best), pick(columns.n_failed, best)
    return Findings(
        crashed=every(crashed, sizes),
        zero=every(columns.zero, sizes),
        constant=every(columns.zero | columns.constant, sizes),
        testable=some(testable, sizes),
        harmful=every((upper < 0) | ~testable, sizes),
        rejected=every(below, sizes),
        significant=p_adjusted <= rules.alpha,
        healthy=n_failed <= rules.max_fail * n,
    )


def _stays(
    columns: Columns, best: IntArray, codes: CodeArray, delta: FloatArray, rules: Rules
) -> BoolArray:
    """Arms that go on in spite of a plain reject, because `free_win` is still open."""
    if not any(rules.keep):
        return np.zeros(codes.shape, dtype=np.bool_)
    se, df = pick(columns.se, best), pick(columns.df, best)
    half = half_width(se, df, pick(columns.n, best), rules, rules.sizes(best.shape[-1]))
    unproven = pick(columns.mean, best) - half <= -delta
    stays: BoolArray = (codes == CODES[Verdict.REJECT]) & np.array(rules.keep) & unproven
    return stays


def _close(state: Race, rules: Rules, done: BoolArray) -> Race:
    """Give the undecided for whom no more runs will come their last word."""
    columns, best = state.columns, state.best
    looked = (state.look >= 0) & (pick(columns.n_valid, best) >= MIN_PAIRS)
    healthy = pick(columns.n_failed, best) <= rules.max_fail * pick(columns.n, best)
    significant = state.p_adjusted <= rules.alpha
    words = (Verdict.NOT_MEASURED, Verdict.REJECT, Verdict.ADOPT, Verdict.UNSTABLE)
    codes = np.select(
        [~looked, state.rejected, significant & healthy, significant],
        [CODES[word] for word in words],
        default=CODES[Verdict.INCONCLUSIVE],
    )
    open_ = done & (state.verdict == UNDECIDED)
    return replace(state, verdict=np.where(open_, codes, state.verdict).astype(np.int8))


def _best_columns(columns: Columns, sizes: IntArray) -> IntArray:
    """Column of each arm's best level: the greatest effect in units of its standard error."""
    lead = columns.mean.shape[:-1]
    starts = np.cumsum(sizes) - sizes
    if (sizes == 1).all():
        return np.broadcast_to(starts, (*lead, len(sizes)))
    usable = columns.n_valid >= MIN_PAIRS
    t = columns.mean / np.where(columns.se > 0, columns.se, 1.0)
    t = np.where(usable, t, -np.inf)
    ends = zip(starts, sizes, strict=True)
    return np.stack([start + t[..., start : start + m].argmax(axis=-1) for start, m in ends], -1)

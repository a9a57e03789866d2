"""The priority table: registration and replicates in, frozen rows out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from search.statistics.arrays import FloatArray
from search.statistics.details import Case, Measurements, rows_of
from search.statistics.effects import half_pooled, seed_correlation, seed_sd
from search.statistics.errors import StatisticsError
from search.statistics.outcome import Frozen, Race
from search.statistics.pairs import Scores, baseline_failures, paired_scores
from search.statistics.power import detectable
from search.statistics.race import race
from search.statistics.registration import Arm, Registration
from search.statistics.replicates import Replicates
from search.statistics.rows import ColumnLook, Look, Table
from search.statistics.sequential import Rules
from search.statistics.standing import place, stand
from search.statistics.verdicts import MIN_PAIRS, Verdict


def rank_table(
    registration: Registration,
    replicates: Replicates,
    *,
    rng: np.random.Generator,
    measured: Measurements | None = None,
    history: Sequence[Look] = (),
    no_more_runs: bool = False,
) -> Table:
    """Rank every registered technique.

    Rows depend on neither the order of arms nor the order of columns, nor on seeds run ahead of
    the next look.

    Parameters
    ----------
    rng
        Draws the rank intervals; each arm has a stream of its own.
    history
        `Table.looks` of an earlier table of this study: those looks are not recomputed, whatever
        arms were added since.
    no_more_runs
        Give every row its verdict now: the budget is spent.

    Raises
    ------
    StatisticsError
        If a compared arm has no column, or the history does not fit the looks.
    """
    case = open_case(registration, replicates, measured or Measurements(), history)
    frozen = [align(look, case.columns) for look in history]
    outcome = race(
        case.scores.pairs, case.delta, case.rules, history=frozen, no_more_runs=no_more_runs
    )
    whole, refusal = _verdict_on_study(case, outcome, no_more_runs=no_more_runs)
    standing = stand(case.scores.pairs, outcome, case.delta, case.rules, whole=whole)
    placing = place(standing, [arm.name for arm in case.arms], rng=rng)
    needs = tuple(
        (arm.name, _next_look(case, outcome, i))
        for i, arm in enumerate(case.arms)
        if standing.verdicts[i] is None
    )
    taken = len(outcome.frozen)
    looks = (*(_record(case, look, j, history) for j, look in enumerate(outcome.frozen)),)
    sd = _pooled_sd(outcome)
    return Table(
        status="provisional" if needs else "final",
        rows=rows_of(case, standing, outcome, placing, no_more_runs=no_more_runs),
        looks=(*looks, *history[taken:]),
        n_registered=registration.n_registered,
        delta_origin=_delta_origin(case),
        sigma_b=case.sigma_b,
        rho_hat=seed_correlation(case.scores),
        sd_over_sigma=sd / case.sigma_b if sd and case.sigma_b else None,
        detectable=detectable(
            case.rules.looks, max(1, registration.n_registered), registration.alpha
        ),
        sd_difference=sd,
        baseline_failed=int((case.scores.baseline_closed & np.isnan(case.scores.baseline)).sum()),
        baseline_runs=int(case.scores.baseline_closed.sum()),
        runs_used=int((np.isfinite(replicates.scores) | replicates.failed).sum()),
        needs=needs,
        refusal=refusal,
    )


def open_case(
    registration: Registration,
    replicates: Replicates,
    measured: Measurements,
    history: Sequence[Look],
) -> Case:
    """Put everything in one canonical order, by name, so that no sum depends on the file's."""
    arms = tuple(sorted(registration.arms, key=lambda arm: arm.name))
    registration = replace(registration, arms=arms)
    if any(look.n_seeds != n for look, n in zip(history, registration.looks, strict=False)):
        raise StatisticsError(
            f"earlier looks were at {[look.n_seeds for look in history]} seeds, the registration "
            f"says {registration.looks}: changed looks need fresh seeds"
        )
    scores = paired_scores(registration, replicates)
    sigma = history[0].sigma_b if history else _first_look_sd(scores, registration)
    compared = tuple(arm for arm in arms if arm.compared)
    return Case(
        registration=registration,
        replicates=replicates,
        measured=measured,
        scores=scores,
        arms=compared,
        columns=tuple(column for arm in compared for column in arm.columns),
        sigma_b=sigma,
        delta=np.array([_delta(arm, registration, sigma) for arm in compared]),
        rules=_rules(registration, compared, scores),
    )


def _first_look_sd(scores: Scores, registration: Registration) -> float | None:
    """sigma_b from the seeds of the first look only, so that later seeds never move delta."""
    n = max(registration.looks[0], MIN_PAIRS)
    return seed_sd(np.column_stack([scores.baseline, scores.arms])[:n])


def _delta(arm: Arm, registration: Registration, sigma: float | None) -> float:
    stated = arm.smallest_gain or registration.smallest_gain
    if stated is not None:
        return stated
    return np.nan if sigma is None else arm.effort_weight * sigma


def _delta_origin(case: Case) -> str:
    stated = all(
        (arm.smallest_gain or case.registration.smallest_gain) is not None for arm in case.arms
    )
    return "stated" if stated else "default, not your choice"


def _rules(registration: Registration, arms: tuple[Arm, ...], scores: Scores) -> Rules:
    return Rules(
        looks=registration.looks,
        alpha=registration.alpha,
        max_fail=registration.max_fail,
        test_train_ratio=registration.test_train_ratio,
        open_ended=registration.open_ended,
        n_registered=registration.n_registered,
        levels=tuple(len(arm.columns) for arm in arms),
        keep=tuple(arm.as_good_but_cheaper for arm in arms),
        absent=tuple(arm.withdrawn for arm in arms),
        baseline_failures=baseline_failures(scores, registration.looks),
    )


def _next_look(case: Case, outcome: Race, i: int) -> int:
    """Seeds at the next look of an undecided arm; an ensemble skips looks without a whole block."""
    j, looks = int(outcome.look[i]) + 1, case.rules.looks
    if case.arms[i].block > 1:
        whole = [k for k, n in enumerate(looks) if n >= case.arms[i].block]
        j = max(j, whole[0] if whole else 0)
    return looks[min(j, len(looks) - 1)]


def _verdict_on_study(
    case: Case, outcome: Race, *, no_more_runs: bool
) -> tuple[Verdict | None, str | None]:
    """Judge whether the seed reaches the trainable, and whether the baseline holds."""
    n = max(case.rules.looks[0], MIN_PAIRS)
    known = case.scores.baseline[:n][np.isfinite(case.scores.baseline[:n])]
    first_look = no_more_runs or int(case.scores.baseline_closed[:n].sum()) == n
    same = known.size >= MIN_PAIRS and bool((known == known[0]).all())
    if first_look and same and not case.replicates.curves_vary:
        return Verdict.DEGENERATE, (
            f"the baseline scored {known[0] * case.registration.sign:g} with each of {known.size} "
            "seeds: the seed does not reach the trainable"
        )
    if outcome.refused:
        look = len(outcome.frozen) - 1
        return Verdict.NOT_COMPARABLE, (
            f"{case.rules.baseline_failures[look]} of {case.rules.looks[look]} baseline runs "
            f"failed, more than max_fail = {case.rules.max_fail:g} allows"
        )
    return None, None


def _pooled_sd(outcome: Race) -> float | None:
    pool = half_pooled(outcome.columns.own_variance, outcome.columns.n).pool
    return float(np.sqrt(pool[0])) if pool[0] > 0 else None


def align(look: Look, columns: Sequence[str]) -> Frozen:
    """One stored look as arrays over the present columns."""
    told = {entry.column: entry for entry in look.columns}
    rows = [(told[c].variance, told[c].df, told[c].p) if c in told else None for c in columns]
    blank = (np.nan, np.nan, np.nan)
    numbers: FloatArray = np.array([row or blank for row in rows]).reshape(-1, 3)
    return Frozen(*numbers.T)


def _record(case: Case, look: Frozen, j: int, history: Sequence[Look]) -> Look:
    """Store a look; columns of techniques that are gone keep their entries."""
    entries = tuple(
        ColumnLook(column, float(look.variance[i]), float(look.df[i]), float(look.p[i]))
        for i, column in enumerate(case.columns)
        if np.isfinite(look.p[i])
    )
    old = history[j].columns if j < len(history) else ()
    gone = tuple(entry for entry in old if entry.column not in case.columns)
    return Look(case.rules.looks[j], case.sigma_b, (*entries, *gone))

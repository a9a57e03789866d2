"""The other way round: which profile, tuning and techniques fit into the time that somebody has.

Worst cases are priced, in which no arm is settled before the last look: what fits is certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.protocol.arms import trained_arms
from search.protocol.planning import Plan, Timing, pruned_share
from search.protocol.registering import TUNING, Tuning
from search.statistics import PROFILES, detectable
from search.study import Study
from search.technique import Impact, Technique

PROMISE = {  # for the order in which techniques are given up; unstated is worth a try
    Impact.NONE: 0.0,
    Impact.LOW: 1.0,
    Impact.NOT_STATED: 1.0,
    Impact.LOW_MEDIUM: 1.5,
    Impact.LOW_HIGH: 2.0,
    Impact.MEDIUM: 2.0,
    Impact.MEDIUM_HIGH: 2.5,
    Impact.HIGH: 3.0,
}


@dataclass(frozen=True)
class Fit:
    """What fits into a budget under one profile and tuning mode.

    Parameters
    ----------
    profile, tuning
        By name.
    techniques
        What is measured, in the order of the study file; those without training always are.
    left_out
        What is not: its effect stays unknown.
    worst_hours
        Compute of one worker at most, tuning and stack included.
    sees
        Smallest effect seen at the last look, in sd of the paired difference.
    """

    profile: str
    tuning: Tuning
    techniques: tuple[str, ...]
    left_out: tuple[str, ...]
    worst_hours: float
    sees: float


def fitting(study: Study, plan: Plan, *, trials: int, budget_h: float) -> tuple[Fit, ...]:
    """Return what fits, the best first: most techniques, then the smallest effects, then tuning.

    Parameters
    ----------
    study
        The question.
    plan
        Its timings.
    trials
        Tuning budget per arm.
    budget_h
        Hours of one worker: workers times wall time.
    """
    found = [
        fit
        for profile in PROFILES
        if profile != "scout"  # it sees no effect: it gives no verdicts
        for mode in dict.fromkeys(TUNING.values())
        if (fit := _largest(study, plan.timing, profile, mode, trials, budget_h)) is not None
    ]
    order = list(dict.fromkeys(TUNING.values()))
    return tuple(sorted(found, key=lambda f: (len(f.left_out), f.sees, -order.index(f.tuning))))


def promising(study: Study) -> list[Technique]:
    """Return the techniques that train, the most promising for their effort first."""
    trained = {arm.technique for arm in trained_arms(study)}
    techniques = [t for t in study.techniques if t.name in trained]
    return sorted(techniques, key=lambda t: -PROMISE[t.expected_impact] / t.effort_in_hours**0.5)


def _largest(
    study: Study, timing: Timing, profile: str, tuning: Tuning, trials: int, budget_h: float
) -> Fit | None:
    """Return the fit with the most techniques, or None where not even one fits."""
    ranked = promising(study)
    for n in range(len(ranked), 0, -1):
        kept = {technique.name for technique in ranked[:n]}
        hours = worst_hours(study, timing, kept, PROFILES[profile], tuning, trials)
        if hours <= budget_h:
            return _fit(study, profile, tuning, kept, hours)
    return None


def _fit(study: Study, profile: str, tuning: Tuning, kept: set[str], hours: float) -> Fit:
    implemented = [t for t in study.techniques if t.status == "implemented"]
    free = {t.name for t in implemented if t.stage == "post-hoc" and kept.issuperset(t.voters)}
    names = tuple(t.name for t in implemented if t.name in kept | free)
    return Fit(
        profile=profile,
        tuning=tuning,
        techniques=names,
        left_out=tuple(t.name for t in implemented if t.name not in names),
        worst_hours=hours,
        sees=detectable(PROFILES[profile], len(names))[-1].in_sequence,
    )


def worst_hours(
    study: Study,
    timing: Timing,
    kept: set[str],
    looks: Sequence[int],
    tuning: Tuning,
    trials: int,
) -> float:
    """Return the hours of one worker if no arm is settled before the last look."""
    arms = [arm for arm in trained_arms(study) if arm.technique is None or arm.technique in kept]
    run_s = sum(timing.run_s(arm.name, study.max_steps) for arm in arms)
    tuned = {"none": 0, "once": trials, "per-seed": trials * looks[-1]}[tuning]
    stack_s = (len(kept) + 1) * looks[-1] * run_s / len(arms) if len(kept) > 2 else 0.0
    return (run_s * (looks[-1] + tuned * pruned_share(study)) + stack_s) / 3600

"""What a study will run, what that costs, and what it can see; only a few steps are timed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from search.engine.job import Job, Task
from search.engine.worker import Worker
from search.errors import StudyError
from search.protocol.arms import Arm, trained_arms
from search.protocol.registering import TUNING, Tuning
from search.pruner import ASHA
from search.statistics import PROFILES, Detectable, detectable, expected_runs
from search.statistics.sequential import Rules
from search.study import Study

TIMED_STEPS = 3  # the first warms up, the others count
PRIOR = 0.5  # correlation over shared seeds that a plan assumes before any run


@dataclass(frozen=True)
class Timing:
    """Seconds per step of each arm, and what starting a run takes."""

    step_s: Mapping[str, float]
    start_s: float

    def run_s(self, arm: str, max_steps: int) -> float:
        """Return the seconds of a full run."""
        return self.start_s + max_steps * self.step_s[arm]


@dataclass(frozen=True)
class Look:
    """One planned look: runs finished by then, their time, and the smallest effect it can see.

    `detectable` is in sd of the paired difference.
    """

    n_seeds: int
    mean_runs: float
    worst_runs: int
    mean_hours: float
    detectable: float


@dataclass(frozen=True)
class Price:
    """A profile with a tuning mode: its looks, runs and working time.

    Parameters
    ----------
    profile, tuning
        By name.
    looks
        In order.
    tuning_steps
        Share of the steps of all tuning trials that is expected to be run after pruning.
    mean_runs, worst_runs
        Measuring runs.
    tuning_trials
        Tuning trials in all.
    mean_hours, worst_hours
        Compute of one worker, tuning included.
    """

    profile: str
    tuning: Tuning
    looks: tuple[Look, ...]
    tuning_steps: float
    mean_runs: float
    worst_runs: int
    tuning_trials: int
    mean_hours: float
    worst_hours: float


@dataclass(frozen=True)
class Plan:
    """What was found out before running anything.

    Parameters
    ----------
    study
        Its name.
    arms
        Trained arms, the baseline first.
    timing
        What was timed.
    prices
        Every profile with every tuning mode.
    """

    study: str
    arms: tuple[str, ...]
    n_techniques: int
    timing: Timing
    prices: tuple[Price, ...]

    def price(self, profile: str, tuning: Tuning) -> Price:
        """Return one of the prices."""
        return next(p for p in self.prices if (p.profile, p.tuning) == (profile, tuning))


def plan_study(study: Study, task: Task, *, trials: int, seed: int) -> Plan:
    """Time a few steps of every arm and price every profile and tuning mode.

    Parameters
    ----------
    study
        The question.
    task
        What workers are given.
    trials
        Tuning budget per arm.
    seed
        Of the timed runs and of the simulated designs.

    Raises
    ------
    StudyError
        If an arm does not even run for a few steps.
    """
    arms = trained_arms(study)
    timing = time_arms(study, task, arms, seed)
    n_techniques = sum(technique.status == "implemented" for technique in study.techniques)
    prices = [
        _price(study, timing, profile, mode, trials=trials, n_techniques=n_techniques, seed=seed)
        for profile in PROFILES
        for mode in dict.fromkeys(TUNING.values())
    ]
    return Plan(study.name, tuple(arm.name for arm in arms), n_techniques, timing, tuple(prices))


def time_arms(study: Study, task: Task, arms: Sequence[Arm], seed: int) -> Timing:
    """Run every arm for a few steps in this process."""
    steps: dict[str, float] = {}
    starts: list[float] = []
    with tempfile.TemporaryDirectory(prefix="winnow-plan-") as folder:
        for arm in arms:
            started = time.monotonic()
            job = Job("plan", 0, arm.settings, seed, study.max_steps, None, folder)
            elapsed = _time_steps(task, job, arm.name)
            steps[arm.name] = min(elapsed[1:] or elapsed)
            starts.append(time.monotonic() - started - sum(elapsed))
    return Timing(steps, float(np.median(starts)))


def _time_steps(task: Task, job: Job, arm: str) -> list[float]:
    worker = Worker(task, job)
    elapsed: list[float] = []
    try:
        while len(elapsed) < min(TIMED_STEPS, job.max_steps):
            batch = worker.advance()
            if batch.end == "raised":
                raise StudyError(f"arm '{arm}' raises before its third step:\n{batch.error}")
            elapsed += [step.elapsed_s for step in batch.steps]
            if batch.end is not None:
                break
    finally:
        worker.close()
    return elapsed


def _price(
    study: Study,
    timing: Timing,
    profile: str,
    tuning: Tuning,
    *,
    trials: int,
    n_techniques: int,
    seed: int,
) -> Price:
    looks = PROFILES[profile]
    n_arms = len(timing.step_s) - 1
    run_h = float(np.mean([timing.run_s(arm, study.max_steps) for arm in timing.step_s])) / 3600
    rules = Rules(looks=looks, alpha=0.05, n_registered=max(1, n_techniques))
    rng = np.random.default_rng(seed)
    expected = expected_runs([0.0] * max(1, n_arms), rng=rng, rules=rules, rho=PRIOR)
    share = pruned_share(study)
    per_arm = {"none": 0, "once": trials, "per-seed": trials * looks[-1]}[tuning]
    tuning_trials = per_arm * (n_arms + 1)
    tuning_h = tuning_trials * share * run_h
    mean_share = expected.mean / expected.worst if tuning == "per-seed" else 1.0
    visible = detectable(looks, max(1, n_techniques))
    return Price(
        profile=profile,
        tuning=tuning,
        looks=_looks(expected.mean_by_look, expected.worst_by_look, visible, run_h),
        tuning_steps=share,
        mean_runs=expected.mean,
        worst_runs=expected.worst,
        tuning_trials=tuning_trials,
        mean_hours=expected.mean * run_h + tuning_h * mean_share,
        worst_hours=expected.worst * run_h + tuning_h,
    )


def _looks(
    mean: Sequence[float], worst: Sequence[int], visible: Sequence[Detectable], run_h: float
) -> tuple[Look, ...]:
    rows = zip(mean, worst, visible, strict=True)
    return tuple(
        Look(found.n_seeds, runs, most, runs * run_h, found.in_sequence)
        for runs, most, found in rows
    )


def pruned_share(study: Study) -> float:
    """Return the share of full steps that ASHA is expected to run: one in eta passes each rung."""
    if not isinstance(study.pruner, ASHA):
        return 1.0
    rungs = (0, *study.pruner.steps(study.max_steps), study.max_steps)
    eta = study.pruner.reduction_factor
    steps = sum((b - a) / eta**i for i, (a, b) in enumerate(pairwise(rungs)))
    return float(steps / study.max_steps)

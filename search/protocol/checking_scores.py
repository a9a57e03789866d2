"""Checks of metrics: they are there and finite, and the held-out one stays out of the objective."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from search.protocol.arms import trained_arms
from search.protocol.checking_bench import STEPS, Bench, Check
from search.storage.records import Step
from search.study import Objective
from search.trainable import TEST_PREFIX

ONE = 1 - 1e-12  # a correlation of 1, up to rounding
ENOUGH = 4  # pairs of values from which a correlation says something


def check_metrics(bench: Bench) -> Iterator[Check]:
    """Check that every arm reports what it is judged by, and that it is finite."""
    study = bench.study
    judged = [*(goal.metric for goal in study.goals), *_held_out(bench)]
    wanted = dict.fromkeys([*judged, *(metric.metric for metric in study.secondary)])
    lacking: dict[str, list[str]] = {}
    broken: dict[str, list[str]] = {}
    tried = 0
    for arm in trained_arms(study):
        run = bench.tried(arm.settings)
        tried += run is not None
        for metric in wanted if run is not None and run.error is None else ():
            steps = run.steps if run else ()
            values = [step.metrics[metric] for step in steps if metric in step.metrics]
            if not values:
                lacking.setdefault(metric, []).append(arm.name)
            elif not all(map(math.isfinite, values)):
                broken.setdefault(metric, []).append(arm.name)
    yield from (_lacking(metric, arms) for metric, arms in lacking.items())
    for metric, arms in broken.items():
        words = f"{metric} is not finite within {STEPS} steps of {', '.join(arms)}"
        cure = "such a run counts as diverged: lower its learning rate, or guard the logarithm"
        yield Check("metrics", "failed", f"{words}: {cure}", arms[0])
    if not tried:
        yield Check("metrics", "not reached", "no arm has trained")
    elif not lacking and not broken:
        yield Check("metrics", "passed", f"{', '.join(wanted)}: reported, and finite")


def _held_out(bench: Bench) -> list[str]:
    """Return the held-out metric; none is needed where nothing is measured on it."""
    study = bench.study
    return [study.held_out.metric] if study.techniques or study.evaluation else []


def _lacking(metric: str, arms: list[str]) -> Check:
    where = f"{metric} is not among the metrics of the first {STEPS} steps of {', '.join(arms)}"
    return Check("metrics", "warning", f"{where}: it must be at the step that is scored", arms[0])


def check_leaks(bench: Bench) -> Iterator[Check]:
    """Check that no held-out metric is the objective under another name."""
    steps, found = bench.steps, False
    if len(steps) < ENOUGH:
        yield Check("leaks", "not reached", f"{len(steps)} steps are too few to tell")
        return
    names = dict.fromkeys(name for step in steps for name in step.metrics)
    sealed = dict.fromkeys(
        name for name in (bench.study.held_out.metric, *names) if _is_sealed(bench, name)
    )
    for goal in bench.study.goals:
        for metric in sealed:
            if leak := _leak(goal, metric, steps):
                found = True
                yield leak
    if not found and sealed:
        words = f"the objective is no copy of {', '.join(sealed)} in {len(steps)} steps"
        yield Check("leaks", "passed", words)


def _is_sealed(bench: Bench, name: str) -> bool:
    goals = [goal.metric for goal in bench.study.goals]
    return name not in goals and (
        name.startswith(TEST_PREFIX) or name == bench.study.held_out.metric
    )


def _leak(goal: Objective, metric: str, steps: tuple[Step, ...]) -> Check | None:
    pairs = [
        (step.metrics[goal.metric], step.metrics[metric])
        for step in steps
        if metric in step.metrics and math.isfinite(step.metrics[metric])
    ]
    values = np.array([pair for pair in pairs if math.isfinite(pair[0])])
    if len(values) < ENOUGH or not all(np.ptp(values, axis=0) > 0):
        return None
    ours, theirs = values.T
    if np.array_equal(ours, theirs):
        words = (
            f"{goal.metric} equals {metric} in all {len(values)} steps: the search would see the "
            "held-out rows; compute the objective on validation rows of their own"
        )
        return Check("leaks", "failed", words)
    if abs(np.corrcoef(ours, theirs)[0, 1]) >= ONE:
        words = (
            f"{goal.metric} and {metric} are in a straight line in all {len(values)} steps "
            "(correlation 1): are both computed on the same rows?"
        )
        return Check("leaks", "warning", words)
    return None

"""The command ``check``: is this study fit to be measured? A few steps answer in under a minute.

Every run goes through the worker of real runs, in this process; nothing is stored.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from search.engine.job import Task
from search.engine.samplers import derive_seed
from search.errors import did_you_mean
from search.protocol.arms import BASELINE, Arm, trained_arms
from search.protocol.checking_bench import (
    STEPS,
    Bench,
    Check,
    OutOfTime,
    Status,
    differing,
    fields_of,
)
from search.protocol.checking_knobs import check_knobs, check_leftovers, check_toggles
from search.protocol.checking_runs import check_checkpoints, check_length
from search.protocol.checking_scores import check_leaks, check_metrics
from search.protocol.training_once import OneRun
from search.study import Study

SECONDS = 60.0
CURE = (
    "seed your split or bootstrap, and initialisation and order: rng = np.random.default_rng(seed)"
)


def check_study(
    study: Study, task: Task, *, seconds: float = SECONDS, seed: int = 0
) -> Iterator[Check]:
    """Yield what checks find, one after the other, until they are done or the time is up.

    Parameters
    ----------
    study
        The question.
    task
        What workers are given.
    seconds
        For all checks together.
    seed
        Of the runs.
    """
    bench = Bench(study, task, time.monotonic() + seconds, derive_seed(seed, 0))
    checks: dict[str, Callable[[Bench], Iterator[Check]]] = {
        "runs": _check_baseline,
        "seed": _check_seed,
        "checkpoint": check_checkpoints,
        "arms": _check_arms,
        "metrics": check_metrics,
        "toggles": check_toggles,
        "knobs": check_knobs,
        "max_steps": check_length,
        "fields": check_leftovers,
        "leaks": check_leaks,
    }
    for name, check in checks.items():
        try:
            for found in check(bench):
                yield found
                if name == "runs" and found.status == "failed" and found.arm == BASELINE:
                    return  # nothing can be compared with it
        except OutOfTime:
            words = f"the {seconds:g} s were over; --seconds gives more time"
            yield Check(name, "not reached", words)


def _check_baseline(bench: Bench) -> Iterator[Check]:
    (arm,) = trained_arms(bench.study)[:1]
    run = bench.run(arm.settings)
    if run.error is not None:
        yield Check("runs", "failed", _raised(bench.study, arm, run), arm.name)
    else:
        yield Check("runs", "passed", f"the baseline trained for {len(run.steps)} steps")


def _check_arms(bench: Bench) -> Iterator[Check]:
    """Check that every arm runs."""
    arms = trained_arms(bench.study)[1:]
    done = 0
    for place, arm in enumerate(arms):
        try:
            run = bench.run(arm.settings)
        except OutOfTime:
            left = [arm.name for arm in arms[place:]]
            words = f"{_count(len(left), 'arm')}: {_listed(left)}; --seconds gives more time"
            yield Check("arms", "not reached", words)
            break
        if run.error is not None:
            yield Check("arms", "failed", _raised(bench.study, arm, run), arm.name)
        else:
            done += 1
    if done:
        steps = min(STEPS, bench.study.max_steps)
        yield Check("arms", "passed", f"{_count(done, 'arm')} trained for {steps} steps")


def _raised(study: Study, arm: Arm, run: OneRun) -> str:
    lines = (run.error or "").strip().splitlines()
    last = lines[-1] if lines else "unknown"
    missing = re.search(r"object has no attribute '(\w+)'", last)
    names = [path.rpartition(".")[2] for path in fields_of(study)]
    meant = did_you_mean(missing[1], names) if missing and "Did you mean" not in last else ""
    frames = [line.strip() for line in lines if line.lstrip().startswith('File "')]
    where = f" ({frames[-1]})" if frames else ""
    return f"arm '{arm.name}' raises {last}{meant}{where}"


def _check_seed(bench: Bench) -> Iterator[Check]:
    """Check that a seed decides everything, and that another one decides otherwise."""
    study, first = bench.study, bench.run({})
    scored = {goal.metric for goal in study.goals} | {study.held_out.metric}
    if moved := differing(first, bench.again({})):
        same = f"the same seed twice gives different numbers ({', '.join(moved)})"
        if scored.isdisjoint(moved):
            yield Check("same seed", "warning", f"{same}; what is judged stays the same")
        else:
            cure = (
                "something random does not come from `seed`: a global generator, the clock, a "
                "hash, threads; pass a generator made from the seed everywhere"
            )
            yield Check("same seed", "failed", f"{same}: {cure}")
    else:
        yield Check("same seed", "passed", "the same seed twice gives the same numbers, bit by bit")
    yield _another_seed(bench, first)


def _another_seed(bench: Bench, first: OneRun) -> Check:
    other = derive_seed(bench.seed, 1)
    if moved := differing(first, bench.run({}, seed=other)):
        return Check("new seed", "passed", f"another seed gives other numbers ({_listed(moved)})")
    steps = f"in {STEPS} steps"
    if bench.affords_whole_runs(2):
        if differing(bench.run({}, steps=None), bench.run({}, seed=other, steps=None)):
            return Check("new seed", "passed", "another seed gives other numbers, later in the run")
        steps = "in a whole run"
    status: Status = "failed" if bench.study.techniques else "warning"
    return Check(
        "new seed",
        status,
        f"two seeds give the same numbers {steps}: without noise between seeds no effect has an "
        f"uncertainty; {CURE}",
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")

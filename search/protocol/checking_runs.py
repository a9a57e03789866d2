"""Checks of whole runs: their length, and that a checkpoint goes on exactly where it was."""

from __future__ import annotations

import ast
import functools
import inspect
import math
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from search.protocol.checking_bench import Bench, Check, differing
from search.protocol.training_once import OneRun

AT = 1  # the step whose checkpoint is gone on from
AFTER = 2  # steps that are compared


def check_checkpoints(bench: Bench) -> Iterator[Check]:
    """Check that a new object goes on from a checkpoint as the old one does."""
    if bench.study.contract.kind == "generator":
        words = "a generator has none: it starts again from step 0 when its worker is lost"
        yield Check("checkpoint", "passed", words)
        return
    if bench.study.max_steps <= AT:
        yield Check("checkpoint", "passed", "a run of one step needs none")
        return
    last = min(AT + AFTER, bench.study.max_steps)
    with bench.folder() as folder:
        job = replace(bench.job({}, bench.seed, folder), halts=(AT,))
        # the worker writes a checkpoint when it is asked to go on after a step of `halts`, and one
        # more whenever the last is old: here only the first is wanted
        task = replace(bench.task, checkpoint_s=math.inf)
        whole = bench.train(task, job, last)
        resumed = bench.train(task, replace(job, halts=None), last)
    yield _round_trip(whole, resumed)


def _round_trip(whole: OneRun, resumed: OneRun) -> Check:
    cure = "save and load must carry everything: optimizer, schedule, generators, averages"
    if error := whole.error or resumed.error:
        last = error.strip().splitlines()[-1]
        return Check("checkpoint", "failed", f"the run raises around its checkpoint: {last}")
    if len(whole.steps) > AT and not whole.checkpoints:
        words = f"the checkpoint of step {AT} could not be written"
        return Check("checkpoint", "failed", f"{words} (the warning above says why)")
    if len(whole.steps) <= AT:
        return Check("checkpoint", "warning", f"the run is over after step {AT}: none can go on")
    if resumed.start_step != AT:
        words = f"the checkpoint of step {AT} does not load into a new object"
        return Check("checkpoint", "failed", f"{words} (the warning above says why)")
    went_on = replace(whole, steps=whole.steps[AT:])
    if not resumed.steps:
        return Check("checkpoint", "failed", f"loaded at step {AT}, the run is over: {cure}")
    if moved := differing(went_on, resumed):
        words = f"the step after a checkpoint differs ({', '.join(moved)})"
        return Check("checkpoint", "failed", f"{words}: {cure}")
    return Check(
        "checkpoint", "passed", "saved, loaded into a new object: the next steps are equal"
    )


def check_length(bench: Bench) -> Iterator[Check]:
    """Check that a run has as many steps as the study says."""
    study = bench.study
    if "max_steps" in study.contract.keywords and _never_reads(study.trainable, "max_steps"):
        words = "the trainable names max_steps and never reads it: leave it out, or use it"
        yield Check("max_steps", "warning", words)
    if not bench.affords_whole_runs():
        words = f"a whole run of {study.max_steps} steps takes longer than what is left"
        yield Check("max_steps", "not reached", words)
        return
    run = bench.run({}, steps=None)
    n = len(run.steps)
    if run.error:
        last = run.error.strip().splitlines()[-1]
        yield Check(
            "max_steps", "failed", f"the baseline raises after step {n}: {last}", "baseline"
        )
    elif run.end == "diverged":
        words = f"the baseline diverges at step {n} of {study.max_steps}"
        yield Check("max_steps", "failed", words, "baseline")
    elif n < study.max_steps:
        yield _short(bench, n)
    else:
        yield Check("max_steps", "passed", f"the baseline goes through all {n} steps")


def _short(bench: Bench, n: int) -> Check:
    study = bench.study
    words = f"the baseline ends after {n} of {study.max_steps} steps"
    if study.contract.kind == "class":
        return Check("max_steps", "warning", f"{words}: right only if that is early stopping")
    cure = f"set Study(max_steps={n}), or let the trainable take max_steps and loop over it"
    return Check("max_steps", "failed", f"{words}, and rungs and schedules count on them: {cure}")


def _never_reads(trainable: Any, name: str) -> bool:
    """Return whether a function, or what builds a class, never mentions its own argument."""
    inner = trainable.func if isinstance(trainable, functools.partial) else trainable
    function = inner.__init__ if inspect.isclass(inner) else inspect.unwrap(inner)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    read = (n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
    return name not in read and not _takes_everything(function)


def _takes_everything(function: Any) -> bool:
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds

"""One run in this process, through the worker that both engines use; nothing is stored."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from search.configuration import flatten, unknown_field, unplain, value_problem
from search.engine.job import Job, Task
from search.engine.worker import Worker
from search.errors import OptionError, StudyError, near_miss
from search.plain import plain
from search.protocol.arms import Arm, combined, trained_arms
from search.storage.database import Database
from search.storage.reader import read_series
from search.storage.records import Asked, Checkpoint, End, RunFlag, Step
from search.study import Study

CONSTANTS = {"true": True, "false": False, "none": None}  # as shells and JSON write them
TOGETHER = " + "  # between techniques that are on at once, as in the name of a search's arm
StepListener = Callable[[Step], None]


@dataclass(frozen=True)
class Recipe:
    """What one run is made of.

    Parameters
    ----------
    arm
        The techniques that are on.
    changes
        The fields that differ from the baseline.
    seed
        Drives everything random in the run.
    max_steps
        The full length.
    """

    arm: str
    changes: Mapping[str, Any]
    seed: int
    max_steps: int


@dataclass(frozen=True)
class OneRun:
    """What came of one run.

    Parameters
    ----------
    steps
        With their metrics.
    end
        How it ended; None where it was left before its end.
    error
        The traceback, where it raised.
    flags
        What guards said.
    start_step
        The step of the checkpoint that it went on from; 0 without one.
    checkpoints
        Those that it wrote.
    """

    steps: tuple[Step, ...]
    end: End | None
    error: str | None = None
    flags: tuple[RunFlag, ...] = ()
    start_step: int = 0
    checkpoints: tuple[Checkpoint, ...] = ()

    @property
    def curve(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """Every step's metrics, to be compared: exactly, and nan equals itself."""
        return tuple(
            tuple((name, repr(value)) for name, value in sorted(step.metrics.items()))
            for step in self.steps
        )


def train_once(
    task: Task, job: Job, *, steps: int | None = None, listener: StepListener | None = None
) -> OneRun:
    """Run a job in this process, as the local engine would, but once: what raises has ended.

    Parameters
    ----------
    task
        What all runs of a study share.
    job
        The run.
    steps
        It is left after so many; None: at its end.
    listener
        Called after every step.
    """
    wanted = job.max_steps if steps is None else min(steps, job.max_steps)
    tell = listener or _nobody
    worker = Worker(replace(task, keep_checkpoints=False), replace(job, alone=True))
    done: list[Step] = []
    flags: list[RunFlag] = []
    checkpoints: list[Checkpoint] = []
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(task.threads))
        stack.callback(worker.close)
        while True:
            batch = worker.advance()
            done += batch.steps
            flags += batch.flags
            checkpoints += batch.checkpoints
            for step in batch.steps:
                tell(step)
            if batch.end is not None or len(done) + batch.start_step >= wanted:
                return OneRun(
                    steps=tuple(done),
                    end=batch.end,
                    error=batch.error,
                    flags=tuple(flags),
                    start_step=batch.start_step,
                    checkpoints=tuple(checkpoints),
                )


def train_recipe(
    task: Task, recipe: Recipe, *, steps: int | None = None, listener: StepListener | None = None
) -> OneRun:
    """Run a recipe in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="winnow-train-") as folder:
        job = Job(
            study="train",
            number=0,
            changes=recipe.changes,
            seed=recipe.seed,
            max_steps=recipe.max_steps,
            halts=None,
            folder=str(Path(folder) / "checkpoints"),
        )
        return train_once(task, job, steps=steps, listener=listener)


def recipe_of_arm(study: Study, name: str, settings: Mapping[str, Any], seed: int) -> Recipe:
    """Return an arm's run, with some fields set otherwise.

    Parameters
    ----------
    study
        The question.
    name
        "baseline", an arm, or several techniques joined by " + ".
    settings
        Fields by dotted path.
    seed
        Of the run.

    Raises
    ------
    OptionError
        If there is no such arm.
    """
    arm = _arm(study, name)
    return Recipe(arm.name, {**arm.settings, **settings}, seed, study.max_steps)


def recipe_of_trial(
    database: Database,
    study: Study,
    series: str,
    number: int,
    settings: Mapping[str, Any],
    seed: int | None = None,
) -> tuple[Recipe, Asked]:
    """Return the run of a trial that a series holds, and the trial as it was asked for.

    Parameters
    ----------
    database
        An open database.
    study
        The question.
    series
        Without the study's name: "search", "replicate", "tune/Focal loss/0".
    number
        Of the trial.
    settings
        Fields to be set otherwise.
    seed
        Another one than the trial's.

    Raises
    ------
    OptionError
        If the series has no such trial.
    StorageError
        If there is no such series.
    """
    found = read_series(database, f"{study.name}/{series}", steps=False)
    trial = next((t for t in found.trials if t.number == number), None)
    if trial is None:
        most = max((t.number for t in found.trials), default=None)
        held = "holds no trial" if most is None else f"holds trials 0 to {most}"
        raise OptionError(f"--trial {number}: {found.study} {held}")
    asked = trial.asked
    changes = {**unplain(study.space.baseline, asked.changes), **settings}
    chosen = asked.seed if seed is None else seed
    return Recipe(asked.arm, changes, chosen, asked.max_steps), asked


def parse_settings(baseline: Any, words: Sequence[str]) -> dict[str, Any]:
    """Return the fields that ``path=value`` words set, checked against the configuration's hints.

    Raises
    ------
    OptionError
        With every problem found.
    """
    found: dict[str, Any] = {}
    problems: list[str] = []
    for word in words:
        path, equals, text = word.partition("=")
        path = path.strip()
        if not equals:
            problems.append(f"--set takes FIELD=VALUE such as lr=3e-4, got '{word}'")
        elif path not in flatten(baseline):
            problems.append(f"--set {word}: {unknown_field(baseline, path)}")
        else:
            value, problem = _fitting(baseline, path, text.strip())
            found[path] = value
            problems += [f"--set {word}: {problem}"] if problem else []
    if problems:
        raise OptionError("\n".join(problems))
    return found


def _nobody(_step: Step) -> None:
    return


def _fitting(baseline: Any, path: str, text: str) -> tuple[Any, str | None]:
    """Return the reading of a text that a field can hold, or why none of them fits."""
    problem: str | None = None
    literal = _literal(text)
    # as JSON holds it, a tuple is a list: only so are its items restored, such as enums
    for reading in (plain(literal), literal, text):
        value = unplain(baseline, {path: reading})[path]
        wrong = value_problem(baseline, path, value)
        if wrong is None:
            return value, None
        problem = problem or wrong
    return text, problem


def _literal(text: str) -> Any:
    if text.casefold() in CONSTANTS:
        return CONSTANTS[text.casefold()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _arm(study: Study, name: str) -> Arm:
    arms = {arm.name: arm for arm in trained_arms(study)}
    if name in arms:
        return arms[name]
    parts = [part.strip() for part in name.split(TOGETHER.strip())]
    if len(parts) > 1 and all(part in arms for part in parts):
        try:
            required = [one.name for part in parts for one in study.with_required(part)]
        except StudyError as error:  # a level is an arm, and no technique
            raise OptionError(f"--arm {name}: {error}") from None
        return combined(study, list(dict.fromkeys(required)))
    raise OptionError(f"--arm: study '{study.name}' has no arm '{name}'{near_miss(name, arms)}")

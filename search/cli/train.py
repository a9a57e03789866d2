"""``winnow train``: one run in this process, to look at; nothing is stored unless asked."""

from __future__ import annotations

import pdb
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from search.cli.failures import replay_command
from search.cli.options import STORAGE, Data, File, Storage, existing_database, resolve_study
from search.configuration import flatten
from search.engine.job import Task
from search.engine.process import local_gpus
from search.errors import OptionError
from search.protocol.arms import BASELINE
from search.protocol.registering import data_digest_of
from search.protocol.searching import Options, check_options, make_task, on_data
from search.protocol.training_once import (
    OneRun,
    Recipe,
    parse_settings,
    recipe_of_arm,
    recipe_of_trial,
    train_recipe,
)
from search.protocol.wrapping import watched_function, watched_trainable
from search.source import Source
from search.storage.records import Step
from search.study import Study

SEARCH = "search"


def train(
    context: typer.Context,
    file: File,
    arm: Annotated[
        str | None,
        typer.Option(help="Technique that is on, or several joined by ' + '; by default none."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=VALUE, such as lr=3e-4; may be given several times."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the run; by default 0, or the trial's own.")
    ] = None,
    trial: Annotated[
        int | None, typer.Option(help="Number of a stored trial to run again.")
    ] = None,
    series: Annotated[
        str, typer.Option(help="Of the trial: search, replicate, stack, tune/ARM/0, …")
    ] = SEARCH,
    steps: Annotated[int | None, typer.Option(help="Stop after so many steps.")] = None,
    debug: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--pdb", help="Open the debugger where the trainable raises.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="CSV file for every step's metrics; nothing else is kept.")
    ] = None,
    storage: Storage = STORAGE,
    data: Data = None,
) -> None:
    """Run one arm or one stored trial in this process, and print its metrics step by step.

    It goes through the worker of real runs, so that what fails there fails here.

    Example: [bold]winnow train studies/pi_tft.py --arm "Focal loss" --set optim.batch_size=64[/]
    """
    _check(arm=arm, trial=trial, series=series, steps=steps)
    console = Console()
    options = Options(storage, engine="local", data=data)
    study = resolve_study(context, file).study
    check_options(study, options)
    study = on_data(study, options)
    recipe = _recipe(console, study, options, arm, set_ or (), seed, trial, series)
    _opening(console, study, recipe)
    task = replace(make_task(study, options), gpus=local_gpus(study.resources))
    task = _debugged(task) if debug else task
    found = train_recipe(task, recipe, steps=steps, listener=_Printer(console))
    if output is not None:
        _write(output, found)
    _closing(console, found)
    if found.error is not None:
        again = replay_command(
            file,
            options,
            arm=arm,
            settings=set_ or (),
            seed=recipe.seed if trial is None else seed,
            trial=trial,
            series=series,
        )
        console.print(f"replay: {again}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1)


def _check(*, arm: str | None, trial: int | None, series: str, steps: int | None) -> None:
    if trial is not None and arm is not None:
        raise OptionError("--trial is a stored run with an arm of its own; leave --arm out")
    if trial is None and series != SEARCH:
        raise OptionError("--series says which trial --trial means; give that too")
    if trial is not None and trial < 0:
        raise OptionError(f"--trial must be 0 or more, got {trial}")
    if steps is not None and steps < 1:
        raise OptionError(f"--steps must be at least 1, got {steps}")


def _recipe(
    console: Console,
    study: Study,
    options: Options,
    arm: str | None,
    words: Sequence[str],
    seed: int | None,
    trial: int | None,
    series: str,
) -> Recipe:
    settings = parse_settings(study.space.baseline, words)
    if trial is None:
        return recipe_of_arm(study, arm or BASELINE, settings, seed or 0)
    with existing_database(options.storage) as database:
        recipe, asked = recipe_of_trial(database, study, series, trial, settings, seed)
    if asked.data and asked.data != data_digest_of(options.data):
        wrong = "other data" if options.data else "data: name them with --data"
        console.print(f"! the trial was run on {wrong}", highlight=False, markup=False)
    return recipe


def _opening(console: Console, study: Study, recipe: Recipe) -> None:
    # not built here: one that its own class refuses fails in the worker, as it did before
    values = {**flatten(study.space.baseline), **recipe.changes}
    text = Source.of(study.space.baseline).write(values)
    console.print(
        f"[bold]{escape(study.name)}[/], {escape(recipe.arm)}, seed {recipe.seed}, "
        f"{recipe.max_steps} steps",
        highlight=False,
    )
    console.print(text, highlight=False, markup=False, soft_wrap=True)


class _Printer:
    """Prints a line per step; names of metrics above the first."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._names: tuple[str, ...] = ()

    def __call__(self, step: Step) -> None:
        names = tuple(step.metrics)
        widths = [max(10, len(name)) for name in names]
        if names != self._names:
            self._names = names
            shown = "  ".join(f"{name:>{width}}" for name, width in zip(names, widths, strict=True))
            self._print(f"{'step':>5}  {shown}  {'seconds':>8}")
        values = "  ".join(
            f"{value:>{width}.6g}"
            for value, width in zip(step.metrics.values(), widths, strict=True)
        )
        self._print(f"{step.step:>5}  {values}  {step.elapsed_s:>8.3f}")

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def _closing(console: Console, found: OneRun) -> None:
    for flag in found.flags:
        console.print(f"! {flag.words}", highlight=False, markup=False, soft_wrap=True)
    if found.error is not None:
        console.print(found.error, highlight=False, markup=False, soft_wrap=True)
    words = {"complete": "complete", "diverged": "diverged", "raised": "failed"}
    end = words.get(str(found.end), "left")
    console.print(f"{end} after {len(found.steps)} steps; nothing was stored", highlight=False)


def _write(path: Path, found: OneRun) -> None:
    names = list(dict.fromkeys(name for step in found.steps for name in step.metrics))
    lines = [",".join(["step", *names, "elapsed_s"])]
    for step in found.steps:
        values = [repr(step.metrics[name]) if name in step.metrics else "" for name in names]
        lines.append(",".join([str(step.step), *values, f"{step.elapsed_s:.6f}"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _debugged(task: Task) -> Task:
    """Return a task whose trainable and loader open the debugger where they raise."""
    debugger = _Debugger()
    return replace(
        task,
        trainable=watched_trainable(task.trainable, seen=debugger),
        loader=None if task.loader is None else watched_function(task.loader, debugger),
        step_limit_s=None,  # whoever looks around takes longer than a step may
    )


class _Debugger:
    """Opens the debugger in the innermost frame of an exception, once for each."""

    def __init__(self) -> None:
        self._shown: list[Exception] = []

    def __call__(self, error: Exception) -> None:
        if any(error is shown for shown in self._shown):
            return
        self._shown.append(error)
        # the worker keeps what is printed, and a terminal's line editing needs the real one
        with redirect_stdout(sys.__stdout__ or sys.stdout):
            traceback.print_exception(error, file=sys.stdout)
            debugger = pdb.Pdb()
            debugger.reset()
            debugger.interaction(None, error.__traceback__)

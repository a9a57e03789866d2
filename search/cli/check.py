"""``winnow check``: is a study fit to be measured? The answer within a minute, nothing stored."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from search.cli.options import STORAGE, Data, File, Seed, resolve_study
from search.engine.process import local_gpus
from search.errors import OptionError
from search.protocol.checking import SECONDS, check_study
from search.protocol.checking_bench import Check, Status
from search.protocol.searching import Options, check_options, make_task, on_data

COLOURS: dict[Status, str] = {
    "passed": "green",
    "warning": "yellow",
    "failed": "bold red",
    "not reached": "yellow",
}


def check(
    context: typer.Context,
    file: File,
    seconds: Annotated[
        float, typer.Option(help="For all checks together; what they did not get to is told.")
    ] = SECONDS,
    all_: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--all", help="Reach everything, however long it takes.")
    ] = False,
    data: Data = None,
    seed: Seed = 0,
) -> None:
    """Run two steps of every arm and find what would spoil a study: nothing is stored.

    Every arm runs, reports finite metrics and differs from the baseline; every knob is read; a seed
    decides everything; a checkpoint goes on exactly; max_steps is right; nothing held-out leaks.
    Exit status 2 if something failed. What the time did not suffice for is named, and no failure:
    with --all nothing is left out.

    Example: [bold]winnow check studies/pi_tft.py[/]
    """
    if not seconds > 0:
        raise OptionError(f"--seconds must be positive, got {seconds}")
    console = Console()
    study = resolve_study(context, file).study
    options = Options(STORAGE, engine="local", data=data, seed=seed)
    check_options(study, options)
    study = on_data(study, options)
    made = make_task(study, options)
    task = replace(made, gpus=local_gpus(study.resources))
    console.print(f"Checking [bold]{escape(study.name)}[/]", highlight=False)
    counts: Counter[Status] = Counter()
    missed: list[str] = []
    limit = math.inf if all_ else seconds
    for found in check_study(study, task, seconds=limit, seed=seed):
        counts[found.status] += 1
        missed += [found.name] if found.status == "not reached" else []
        _print(console, file, found)
    summary = ", ".join(f"{n} {status}" for status in COLOURS if (n := counts[status]))
    console.print(summary, highlight=False)
    if missed:
        words = (
            f"Nothing is known of what was not reached ({', '.join(missed)}): --all takes the time"
        )
        console.print(words, highlight=False, soft_wrap=True)
    if counts["failed"]:
        raise typer.Exit(2)


def _print(console: Console, file: Path, found: Check) -> None:
    colour = COLOURS[found.status]
    line = f"[{colour}]{found.status:11}[/] {found.name:10} {escape(found.words)}"
    console.print(line, highlight=False, soft_wrap=True)
    if found.status == "failed" and found.arm is not None:
        command = shlex.join(["winnow", "train", str(file), "--arm", found.arm, "--pdb"])
        console.print(f"{'':22} look closer: {escape(command)}", highlight=False, soft_wrap=True)

"""``winnow best``: the configuration to go on with, and its weights."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from search.cli.options import STORAGE, Data, Storage, existing_database
from search.configuration import plain, unplain
from search.engine.samplers import derive_seed
from search.errors import OptionError, near_miss
from search.loading import LoadedStudy, load_study
from search.protocol.keeping import train_and_keep
from search.protocol.searching import Options, check_options, make_task, on_data
from search.protocol.training_once import Recipe
from search.reports.best import Best, best_of
from search.reports.text import number

FORMATS = ("python", "json")
KEPT_SEEDS = 30_000  # seeds of kept runs are derived from here on: no measured run has them


def best(
    context: typer.Context,
    file_or_name: Annotated[
        str, typer.Argument(help="The study file, or the study's name.", show_default=False)
    ],
    arm: Annotated[str | None, typer.Option(help="Another arm of the priority table.")] = None,
    format_: Annotated[str, typer.Option("--format", help="python or json.")] = "python",
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Train it again in this process, and keep the weights in this folder."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs whose weights are kept.")] = 1,
    storage: Storage = STORAGE,
    data: Data = None,
    seed: Annotated[int, typer.Option(help="Of the study.")] = 0,
) -> None:
    """Print the configuration to go on with, ready to paste; the adopted stack included.

    Example: [bold]winnow best pi-tft --format json[/]
    """
    if format_ not in FORMATS:
        raise OptionError(f"--format has no '{format_}'{near_miss(format_, FORMATS)}")
    if seeds < 1:
        raise OptionError(f"--seeds must be at least 1, got {seeds}")
    loaded = _loaded(context, file_or_name)
    if checkpoint is not None and loaded is None:
        raise OptionError("--checkpoint trains: give the study's file, not its name")
    with existing_database(storage) as database:
        found = best_of(database, loaded.study.name if loaded else file_or_name, arm)
    sys.stdout.write(_json(found) if format_ == "json" else f"{_heading(found)}\n{found.code}\n")
    if checkpoint is not None and loaded is not None:
        options = Options(storage, engine="local", data=data, seed=seed)
        _keep(loaded, options, found, checkpoint, seeds)


def _loaded(context: typer.Context, file_or_name: str) -> LoadedStudy | None:
    if isinstance(context.obj, LoadedStudy):
        return context.obj
    path = Path(file_or_name)
    return load_study(path) if path.suffix == ".py" else None


def _heading(found: Best) -> str:
    score = (
        f"; mean {found.metric} {number(found.score)} over {found.n_seeds} seeds"
        if found.score is not None
        else ""
    )
    kept = f"\n# its checkpoint: {found.checkpoint}" if found.checkpoint else ""
    return f"# {found.study}: {found.arm} ({found.reason}{score}){kept}"


def _json(found: Best) -> str:
    shape = {key: value for key, value in vars(found).items() if key != "code"}
    return json.dumps(plain(shape), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _keep(loaded: LoadedStudy, options: Options, found: Best, folder: Path, seeds: int) -> None:
    check_options(loaded.study, options)
    study = on_data(loaded.study, options)
    task, console = make_task(study, options), Console()
    changes = unplain(study.space.baseline, found.changes)
    for place in range(seeds):
        seed = derive_seed(options.seed, KEPT_SEEDS + place)
        recipe = Recipe(found.arm, changes, seed, study.max_steps)
        last: dict[str, Any] = {}

        def told(_step: int, metrics: Mapping[str, Any], last: dict[str, Any] = last) -> None:
            last.update(metrics)

        kept = train_and_keep(task, recipe, folder / f"seed-{seed}", told)
        goal = study.goals[0].metric
        words = f"{kept.path}: step {kept.step}, {goal} {number(float(last.get(goal, 'nan')))}"
        console.print(words, highlight=False, markup=False, soft_wrap=True)

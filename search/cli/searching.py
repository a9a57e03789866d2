"""``winnow search``: the joint search alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from search.cli.failures import deliver, failure_lines
from search.cli.live import View
from search.cli.options import (
    STORAGE,
    Address,
    Artifacts,
    Data,
    Engine,
    File,
    Mirrors,
    Notify,
    Seed,
    Storage,
    Workers,
    existing_database,
    resolve_engine,
    resolve_study,
)
from search.cli.preflight import print_preflight
from search.engine.stream import Limits
from search.errors import OptionError
from search.loading import LoadedStudy
from search.mirrors.listening import together
from search.mirrors.mirroring import mirroring, parse_mirror
from search.mirrors.notifying import notifying
from search.mirrors.webhook import parse_webhook
from search.protocol.searching import Options, SearchOutcome, run_search
from search.reports import render, search_report


def search(
    context: typer.Context,
    file: File,
    trials: Annotated[int, typer.Option(help="Trials in all; more later extends the search.")] = 64,
    storage: Storage = STORAGE,
    artifacts: Artifacts = None,
    engine: Engine = "ray",
    address: Address = None,
    workers: Workers = None,
    data: Data = None,
    seed: Seed = 0,
    hours: Annotated[float | None, typer.Option(help="Stop after this wall time.")] = None,
    gpu_hours: Annotated[float | None, typer.Option(help="Stop after this GPU time.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop after this many trials without a new best.")
    ] = None,
    confirm: Annotated[
        int, typer.Option(help="Fresh seeds for the best configuration and the baseline.")
    ] = 3,
    output: Annotated[
        Path | None, typer.Option(help="HTML report; by default NAME-search.html here.")
    ] = None,
    warm_start: Annotated[
        str | None,
        typer.Option(
            help="STUDY[@STORAGE]: a similar search, or STUDY/historic, that the sampler learns "
            "from. Fixed when the search begins."
        ),
    ] = None,
    notify: Notify = None,
    mirror: Mirrors = None,
) -> None:
    """Search the space and the techniques' switches together, pruned, and confirm the best.

    The same command again goes on where it was stopped; a finished search does nothing.

    Example: [bold]winnow search studies/pi_tft.py --trials 64[/]
    """
    console = Console()
    webhook = None if notify is None else parse_webhook(notify)
    mirrors = [parse_mirror(text) for text in mirror or ()]
    loaded = resolve_study(context, file)
    _check(trials=trials, confirm=confirm, hours=hours, gpu_hours=gpu_hours, patience=patience)
    options = Options(
        storage=storage,
        artifacts=artifacts,
        engine=resolve_engine(engine, console),
        address=address,
        workers=workers,
        data=data,
        seed=seed,
    )
    console.print(_opening(loaded, trials, options), highlight=False)
    print_preflight(console, loaded.study, options)
    name = loaded.study.name
    with (
        View(console).showing() as view,
        notifying(webhook, name) as notifier,
        mirroring(storage, name, mirrors),
    ):
        outcome = run_search(
            loaded,
            options,
            trials=trials,
            limits=Limits(hours, gpu_hours, patience),
            confirm=confirm,
            warm_start=warm_start,
            listener=together(view, notifier),
        )
        if notifier is not None:
            notifier.ended(None, outcome.ended_by, **_found(outcome))
    _closing(console, loaded, options, outcome, output)
    if outcome.best is None and len(loaded.study.goals) == 1:
        raise typer.Exit(1)


def _found(outcome: SearchOutcome) -> dict[str, Any]:
    """Return what a webhook is told of a search's best trial."""
    if outcome.best is None:
        return {"best": None}
    number, _, result = outcome.best
    return {"best": {"trial": number, "value": result.values[0]}}


def _check(
    *,
    trials: int,
    confirm: int,
    hours: float | None,
    gpu_hours: float | None,
    patience: int | None,
) -> None:
    if trials < 1:
        raise OptionError(f"--trials must be at least 1, got {trials}")
    if confirm < 0:
        raise OptionError(f"--confirm must be 0 or more, got {confirm}")
    for name, value in (("hours", hours), ("gpu-hours", gpu_hours), ("patience", patience)):
        if value is not None and not value > 0:
            raise OptionError(f"--{name} must be positive, got {value}")


def _opening(loaded: LoadedStudy, trials: int, options: Options) -> str:
    goals = ", ".join(f"{goal.direction} {goal.metric}" for goal in loaded.study.goals)
    name = escape(loaded.study.name)
    return f"Searching [bold]{name}[/]: {goals}; {trials} trials, {options.engine} engine"


def _closing(
    console: Console,
    loaded: LoadedStudy,
    options: Options,
    outcome: SearchOutcome,
    output: Path | None,
) -> None:
    name = loaded.study.name
    with existing_database(options.storage) as database:
        report = search_report(database, name)
        failed = failure_lines(database, loaded, options)
    deliver(
        console,
        table=render(report, "table"),
        page=render(report, "html"),
        path=output or Path(f"{name}-search.html"),
        ended=f"Stopped by {outcome.ended_by}." if outcome.ended_by else "",
        failed=failed,
    )

"""``winnow run``: tune, replicate, rank, stack; the priority table."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.console import Console
from rich.markup import escape

from search.cli.designing import run_other
from search.cli.failures import failure_lines
from search.cli.live import View
from search.cli.options import (
    STORAGE,
    Address,
    Artifacts,
    Data,
    Engine,
    File,
    Looks,
    Mirrors,
    Notify,
    Profile,
    Seed,
    Storage,
    TuningMode,
    TuningTrials,
    Workers,
    existing_database,
    resolve_engine,
    resolve_study,
)
from search.cli.preflight import print_preflight
from search.errors import OptionError, near_miss
from search.loading import LoadedStudy
from search.mirrors.listening import together
from search.mirrors.mirroring import mirroring, parse_mirror
from search.mirrors.notifying import Notifier, notifying
from search.mirrors.webhook import parse_webhook
from search.protocol.registering import Design, Tuning
from search.protocol.running import RunOutcome, run_study
from search.protocol.searching import Options
from search.reports import priority_report, push_to_dashboard, render
from search.statistics import PROFILES


def run(
    context: typer.Context,
    file: File,
    profile: Profile = "standard",
    looks: Looks = None,
    tuning: TuningMode = None,
    trials: TuningTrials = 16,
    storage: Storage = STORAGE,
    artifacts: Artifacts = None,
    engine: Engine = "ray",
    address: Address = None,
    workers: Workers = None,
    data: Data = None,
    seed: Seed = 0,
    hours: Annotated[
        float | None, typer.Option(help="Deadline: no look is begun that would end after it.")
    ] = None,
    stack: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--stack/--no-stack", help="Measure adopted techniques together.")
    ] = True,
    rerun: Annotated[
        list[str] | None,
        typer.Option(help="Arm to run again after a change of code; may be given several times."),
    ] = None,
    design: Annotated[
        str | None,
        typer.Option(
            help="Another design: leave-one-out, screen or ladder, on the profile's last look."
        ),
    ] = None,
    technique: Annotated[
        list[str] | None,
        typer.Option(help="Technique that takes part in the design; may be given several times."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="HTML report; by default NAME-report.html here.")
    ] = None,
    notify: Notify = None,
    mirror: Mirrors = None,
) -> None:
    """Measure every technique against the baseline on paired seeds, and rank them.

    The same command again goes on where it was stopped; a finished study does nothing.

    Example: [bold]winnow run studies/pi_tft.py --profile quick[/]
    """
    console = Console()
    webhook = None if notify is None else parse_webhook(notify)
    mirrors = [parse_mirror(text) for text in mirror or ()]
    loaded = resolve_study(context, file)
    chosen = resolve_design(profile, looks, tuning, trials, stack=stack)
    if hours is not None and not hours > 0:
        raise OptionError(f"--hours must be positive, got {hours}")
    options = Options(
        storage=storage,
        artifacts=artifacts,
        engine=resolve_engine(engine, console),
        address=address,
        workers=workers,
        data=data,
        seed=seed,
    )
    if design is not None:
        if webhook or mirrors:
            raise OptionError("--notify and --mirror belong to the table, not to --design")
        run_other(console, loaded, options, design, technique or (), chosen.looks[-1], output)
        return
    if technique:
        raise OptionError("--technique belongs to --design; a table measures every technique")
    console.print(_opening(loaded, chosen, options), highlight=False)
    print_preflight(console, loaded.study, options)
    started = time.time()
    name = loaded.study.name
    with (
        View(console).showing() as view,
        notifying(webhook, name) as notifier,
        mirroring(storage, name, mirrors),
    ):
        outcome = run_study(
            loaded,
            options,
            chosen,
            hours=hours,
            rerun=tuple(rerun or ()),
            listener=together(view, notifier),
        )
        _tell(notifier, options, outcome.ended_by)
    _closing(console, loaded, options, outcome, output, started)


def resolve_design(
    profile: str, looks: str | None, tuning: str | None, trials: int, *, stack: bool = True
) -> Design:
    """Return the design that the options ask for.

    Raises
    ------
    OptionError
        If one of them is wrong.
    """
    if profile not in PROFILES:
        raise OptionError(f"--profile has no '{profile}'{near_miss(profile, PROFILES)}")
    modes = get_args(Tuning)
    if tuning is not None and tuning not in modes:
        raise OptionError(f"--tuning has no '{tuning}'{near_miss(tuning, modes)}")
    if trials < 2:
        raise OptionError(f"--trials must be at least 2 per tuned arm, got {trials}")
    mode = cast("Tuning | None", tuning)
    return Design.of(profile, looks=_looks(looks), tuning=mode, trials=trials, stack=stack)


def _looks(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"--looks takes numbers of seeds such as 3,5,8, got '{text}'") from None
    if any(n < 3 for n in found) or list(found) != sorted(set(found)):
        raise OptionError(f"--looks must increase from at least 3 seeds, got '{text}'")
    return found


def _opening(loaded: LoadedStudy, design: Design, options: Options) -> str:
    study = loaded.study
    looks = ", ".join(str(n) for n in design.looks)
    return (
        f"Measuring [bold]{escape(study.name)}[/]: {len(study.techniques)} techniques, looks at "
        f"{looks} seeds, tuning {design.tuning}, {options.engine} engine"
    )


def _tell(notifier: Notifier | None, options: Options, ended_by: str | None) -> None:
    if notifier is not None:
        with existing_database(options.storage) as database:
            notifier.ended(database, ended_by)


def _closing(
    console: Console,
    loaded: LoadedStudy,
    options: Options,
    outcome: RunOutcome,
    output: Path | None,
    started: float,
) -> None:
    name = loaded.study.name
    with existing_database(options.storage) as database:
        report = priority_report(database, name, no_more_runs=outcome.ended_by is not None)
        push_to_dashboard(database, report)
        failed = failure_lines(database, loaded, options, since=started)
    path = output or Path(f"{name}-report.html")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(report, "html"), encoding="utf-8")
    if outcome.ended_by:
        console.print(f"Ended by {outcome.ended_by}.", highlight=False)
    console.print(render(report, "table"), highlight=False, markup=False, soft_wrap=True)
    for line in failed:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(f"Report: {path}", highlight=False, markup=False, soft_wrap=True)

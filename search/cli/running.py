"""``winnow run``: tune, replicate, rank, stack; the priority table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.console import Console

from search.cli.designing import run_other
from search.cli.measuring import Wishes, measure
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
    resolve_engine,
    resolve_study,
)
from search.errors import OptionError, near_miss
from search.protocol.registering import Design, Tuning
from search.protocol.searching import Options
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
    wishes = Wishes.of(hours=hours, notify=notify, mirror=mirror, output=output)
    loaded = resolve_study(context, file)
    chosen = resolve_design(profile, looks, tuning, trials, stack=stack)
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
        run_other(console, loaded, options, design, technique or (), chosen.looks[-1], wishes)
        return
    if technique:
        raise OptionError("--technique belongs to --design; a table measures every technique")
    measure(console, loaded, options, chosen, wishes)


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

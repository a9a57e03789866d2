"""``winnow noise``: how far seeds scatter, and what gain a design can therefore see."""

from __future__ import annotations

import math
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from search.cli.live import View
from search.cli.options import (
    STORAGE,
    Address,
    Artifacts,
    Data,
    Engine,
    File,
    Looks,
    Profile,
    Seed,
    Storage,
    TuningMode,
    TuningTrials,
    Workers,
    resolve_engine,
    resolve_study,
)
from search.cli.running import resolve_design
from search.protocol.noise import Noise, measure_noise
from search.protocol.searching import Options


def noise(
    context: typer.Context,
    file: File,
    seeds: Annotated[int, typer.Option(help="Of the baseline and of one arm.")] = 5,
    arm: Annotated[
        str | None, typer.Option(help="Arm beside the baseline; by default the first technique's.")
    ] = None,
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
    stack: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--stack/--no-stack", help="As winnow run will be given.")
    ] = True,
) -> None:
    """Measure how far seeds scatter, to choose a smallest_gain that can be seen.

    Its runs are the first ones of [bold]winnow run[/] with the same options, which does not repeat
    them; what they say about the arm's effect is not shown, so that no look is taken.

    Example: [bold]winnow noise studies/pi_tft.py --seeds 5 --profile quick[/]
    """
    console = Console()
    loaded = resolve_study(context, file)
    design = resolve_design(profile, looks, tuning, trials, stack=stack)
    options = Options(
        storage=storage,
        artifacts=artifacts,
        engine=resolve_engine(engine, console),
        address=address,
        workers=workers,
        data=data,
        seed=seed,
    )
    with View(console).showing() as view:
        found = measure_noise(loaded, options, design, n_seeds=seeds, arm=arm, listener=view)
    for line in _lines(found):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(_table(found))
    for line in _closing(found, loaded.study.smallest_gain, design.tuning):
        console.print(line, highlight=False, soft_wrap=True)


def _lines(found: Noise) -> list[str]:
    low, high = found.sigma_low, found.sigma_high
    same = {
        True: "the same seed twice gave the same numbers",
        False: "the same seed twice gave DIFFERENT numbers; winnow check says where to look",
        None: "the repeated run is not complete",
    }[found.deterministic]
    lines = [
        f"[bold]{escape(found.metric)}[/] over {found.seeds} seeds of the baseline",
        f"sigma          {found.sigma:.4g} (80 % interval {low:.4g} to {high:.4g})",
        f"paired         {found.sigma_paired:.4g}: sd of {escape(found.arm)} minus the baseline "
        "on the same seed",
        f"pairing gain   {_percent(found.pairing_gain)} of the variance is shared by the two runs "
        "of a seed",
        f"determinism    {same}",
    ]
    if found.failed:
        lines.append(f"left out       {found.failed} runs that have no partner, or failed")
    return lines


def _percent(share: float) -> str:
    return "none: nothing varies" if math.isnan(share) else f"{100 * share:.0f} %"


def _table(found: Noise) -> Table:
    table = Table(
        title=f"Smallest effect seen with 80 % power, in {found.metric}",
        caption="At each look, with the share of alpha that it spends.",
    )
    table.add_column("profile")
    table.add_column("seeds: effect", justify="left")
    for name, looks in found.detectable.items():
        shown = "   ".join(f"{one.n_seeds}: {one.in_sequence:.3g}" for one in looks)
        table.add_row(name, shown)
    return table


def _closing(found: Noise, gain: float | None, tuning: str) -> list[str]:
    now = "none is set" if gain is None else f"it is {gain:g}"
    if found.suggested is None:
        lines = ["No noise at all: seed your split or bootstrap; see winnow check."]
    else:
        lines = [
            f"suggested: smallest_gain={found.suggested:g}, the smallest that the last look can "
            f"see ({now}; a smaller one needs more seeds)"
        ]
    if found.counted:
        lines.append(
            f"{found.new_runs} new runs are kept; winnow run with the same options uses them."
        )
    else:
        lines.append(
            f"{found.new_runs} new runs are kept, and winnow run does not use them: tuning "
            f"'{tuning}' chooses other settings first. With --tuning none, or --profile quick, "
            "here and there, it does."
        )
    if found.looks_taken:
        lines.append(
            f"{found.looks_taken} looks were taken: changing smallest_gain starts anew on fresh "
            "seeds."
        )
    else:
        lines.append(
            "No look was taken: changing smallest_gain now is an amendment before any look, and "
            "every run stays."
        )
    return lines

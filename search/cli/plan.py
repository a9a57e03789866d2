"""``winnow plan``: what will be run, how long it takes, and what it can see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from search.cli.live import duration
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
    existing_database,
    resolve_engine,
    resolve_study,
)
from search.cli.running import resolve_design
from search.errors import OptionError
from search.protocol.fitting import Fit, fitting
from search.protocol.planning import Plan, Price, plan_study
from search.protocol.searching import Options, check_options, make_task, on_data
from search.ranking import rank_study
from search.storage.registrations import read_registrations
from search.storage.url import parse_storage, sqlite_path


def plan(
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
    gpus: Annotated[
        float, typer.Option(help="Trials that run at a time: GPUs, or workers without any.")
    ] = 1.0,
    hours: Annotated[
        float | None, typer.Option(help="Wall time you have: shows which designs fit.")
    ] = None,
) -> None:
    """Show runs, cost and the smallest effect each design can see; a few steps are timed.

    It takes the options of ``winnow run``, so that the same line serves both; the steps are timed
    in this process.

    Example: [bold]winnow plan studies/pi_tft.py --gpus 4 --hours 14[/]
    """
    console = Console()
    study = resolve_study(context, file).study
    design = resolve_design(profile, looks, tuning, trials)
    if not gpus > 0 or (hours is not None and not hours > 0):
        raise OptionError("--gpus and --hours must be positive")
    options = Options(
        storage=storage,
        artifacts=artifacts,
        engine=resolve_engine(engine, console),
        address=address,
        workers=workers,
        data=data,
        seed=seed,
    )
    check_options(study, options)
    study = on_data(study, options)
    found = plan_study(study, make_task(study, options), trials=trials, seed=seed)
    chosen = found.price(profile, design.tuning)
    console.print(_looks(chosen, gpus))
    if (spread := _spread(storage, study.name)) is not None:
        console.print(_in_units(chosen, spread, study.held_out.metric), highlight=False)
    console.print(_prices(found, chosen, gpus))
    console.print(_arms(found, study.max_steps))
    if hours is not None:
        fits = fitting(study, found, trials=trials, budget_h=gpus * hours)
        if fits:
            console.print(_alternatives(fits, gpus))
        console.print(_fitting(found, fits, gpus, hours), highlight=False, soft_wrap=True)


def _looks(price: Price, gpus: float) -> Table:
    table = Table(
        title=f"Profile {price.profile}, tuning {price.tuning}",
        caption="Smallest effect seen with 80 % power, in standard deviations of the paired "
        "difference; mean: if no technique does anything, so that many leave early.",
    )
    for heading in ("look", "seeds", "runs (mean)", "runs (worst)", "time (mean)", "sees from"):
        table.add_column(heading, justify="right")
    for number, look in enumerate(price.looks, 1):
        table.add_row(
            str(number),
            str(look.n_seeds),
            f"{look.mean_runs:.0f}",
            str(look.worst_runs),
            duration(3600 * look.mean_hours / gpus),
            f"{look.detectable:.1f} sd",
        )
    return table


def _spread(storage: str, name: str) -> float | None:
    """Return the sd of the paired difference so far; None before any replicate."""
    path = sqlite_path(parse_storage(storage))
    if path is not None and not path.is_file():
        return None
    with existing_database(storage) as database:
        if not read_registrations(database, name):
            return None
        return rank_study(database, name).table.sd_difference


def _in_units(price: Price, spread: float, metric: str) -> str:
    seen = ", ".join(f"{look.detectable * spread:.3g} at {look.n_seeds}" for look in price.looks)
    return (
        f"In {escape(metric)}, by the replicates so far (sd {spread:.3g}), effects are seen from "
        f"{seen} seeds."
    )


def _prices(plan: Plan, chosen: Price, gpus: float) -> Table:
    table = Table(title="What each design costs", caption="The chosen one is marked.")
    for heading in ("profile", "tuning", "tuning trials", "runs", "time", "worst", "sees from"):
        table.add_column(heading, justify="left" if heading in ("profile", "tuning") else "right")
    for price in plan.prices:
        table.add_row(
            f"{'> ' if price is chosen else '  '}{price.profile}",
            price.tuning,
            str(price.tuning_trials),
            f"{price.mean_runs:.0f}-{price.worst_runs}",
            duration(3600 * price.mean_hours / gpus),
            duration(3600 * price.worst_hours / gpus),
            f"{price.looks[-1].detectable:.1f} sd",
        )
    return table


def _arms(plan: Plan, max_steps: int) -> Table:
    table = Table(title=f"Timed: {plan.n_techniques} techniques, {max_steps} steps a run")
    table.add_column("arm")
    table.add_column("step", justify="right")
    table.add_column("run", justify="right")
    for arm, step_s in plan.timing.step_s.items():
        table.add_row(arm, f"{step_s:.3g} s", duration(plan.timing.run_s(arm, max_steps)))
    return table


def _fitting(plan: Plan, fits: Sequence[Fit], gpus: float, hours: float) -> str:
    budget = f"{hours:g} h with {gpus:g} at a time"
    if not fits:
        least = min(plan.prices, key=lambda price: price.worst_hours)
        return (
            f"Nothing fits into {budget}, not even one technique; all of them in profile "
            f"{least.profile} with tuning {least.tuning} may take "
            f"{duration(3600 * least.worst_hours / gpus)}. Fewer steps or more workers would help."
        )
    best = fits[0]
    lines = [
        f"Into {budget} fits [bold]--profile {best.profile} --tuning {best.tuning}[/] with "
        f"{_named(best)}: at most {duration(3600 * best.worst_hours / gpus)}.",
        f"Effects below {best.sees:.1f} sd of the paired difference stay invisible.",
    ]
    if best.left_out:
        names = escape(", ".join(best.left_out))
        lines.append(f"Left out, so that nothing is learned about them: {names}.")
    return "\n".join(lines)


def _named(fit: Fit) -> str:
    if not fit.left_out:
        return f"all {len(fit.techniques)} techniques"
    return f"{len(fit.techniques)} techniques ({escape(', '.join(fit.techniques))})"


def _alternatives(fits: Sequence[Fit], gpus: float) -> Table:
    table = Table(title="What fits", caption="Time: if no technique is settled early.")
    for heading in ("profile", "tuning", "techniques", "time (worst)", "sees from"):
        table.add_column(heading, justify="left" if heading in ("profile", "tuning") else "right")
    for fit in fits:
        n, of = len(fit.techniques), len(fit.techniques) + len(fit.left_out)
        time, sees = duration(3600 * fit.worst_hours / gpus), f"{fit.sees:.1f} sd"
        table.add_row(fit.profile, fit.tuning, f"{n} of {of}", time, sees)
    return table

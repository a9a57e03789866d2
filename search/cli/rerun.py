"""``winnow rerun``: measured runs of some arms once more, with the reason in every report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from search.cli.measuring import Wishes, measure
from search.cli.options import (
    STORAGE,
    Address,
    Artifacts,
    Data,
    Engine,
    File,
    Mirrors,
    Notify,
    Storage,
    Workers,
    existing_database,
    resolve_engine,
    resolve_study,
)
from search.protocol.repeating import registered_design
from search.protocol.rerunning import Rerun
from search.protocol.searching import Options

Arms = Annotated[
    list[str] | None,
    typer.Option(
        "--arm",
        help="Technique whose runs are made again, or baseline for every arm; may be given "
        "several times.",
    ),
]
Because = Annotated[
    str, typer.Option("--because", help="The reason, which every report lists.", show_default=False)
]


def rerun(
    context: typer.Context,
    file: File,
    arm: Arms = None,
    because: Because = "",
    storage: Storage = STORAGE,
    artifacts: Artifacts = None,
    engine: Engine = "ray",
    address: Address = None,
    workers: Workers = None,
    data: Data = None,
    hours: Annotated[
        float | None, typer.Option(help="Deadline: no look is begun that would end after it.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="HTML report; by default NAME-report.html here.")
    ] = None,
    notify: Notify = None,
    mirror: Mirrors = None,
) -> None:
    """Run measured arms again, by the design that is registered, and say why.

    The runs before are kept and no longer count. The reason is a deviation that every report lists.
    The same command again goes on where it was stopped; another reason runs the arms once more.

    Example: [bold]winnow rerun my_study.py --arm "Focal loss" --because "gamma was not used"[/]
    """
    console = Console()
    again = Rerun(tuple(arm or ()), because)
    wishes = Wishes.of(hours=hours, notify=notify, mirror=mirror, output=output)
    loaded = resolve_study(context, file)
    again.check_arms(["baseline", *(technique.name for technique in loaded.study.techniques)])
    asked = Options(
        storage=storage,
        artifacts=artifacts,
        engine=resolve_engine(engine, console),
        address=address,
        workers=workers,
        data=data,
    )
    with existing_database(storage) as database:
        design, options = registered_design(database, asked, loaded.study.name)
    console.print(f"Again: {', '.join(again.arms)}, because: {again.because}",
                  highlight=False, markup=False, soft_wrap=True)  # fmt: skip
    measure(console, loaded, options, design, wishes, again)

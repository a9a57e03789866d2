"""``winnow import``: runs of the past, from a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from search.cli.options import STORAGE, Storage
from search.errors import OptionError, near_miss
from search.objective import Objective
from search.protocol.importing import read_runs, store_runs
from search.storage.database import Database

WAYS = ("maximize", "minimize")


def import_runs(
    name: Annotated[str, typer.Argument(help="The study that they belong to.", show_default=False)],
    file: Annotated[
        Path, typer.Argument(help="CSV: a header, then one run a line.", show_default=False)
    ],
    objective: Annotated[str, typer.Option(help="The column that the runs were scored by.")],
    direction: Annotated[str, typer.Option(help="maximize or minimize.")] = "maximize",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Further column that is a metric, not a parameter; may be given several times. "
            "Columns that begin with test_ are."
        ),
    ] = None,
    storage: Storage = STORAGE,
) -> None:
    """Take over runs of the past: shown beside a search, as historic and not comparable.

    They may seed a search: --warm-start NAME/historic. Importing again replaces them.

    Example: [bold]winnow import pi-tft runs.csv --objective val_ap[/]
    """
    if direction not in WAYS:
        raise OptionError(f"--direction has no '{direction}'{near_miss(direction, WAYS)}")
    goal = Objective(objective, "maximize" if direction == "maximize" else "minimize")
    found = read_runs(file, goal, metric or ())
    database = Database(storage)
    try:
        before = store_runs(database, name, found)
    finally:
        database.close()
    instead = f", in place of {before}" if before else ""
    console = Console()
    for line in (
        f"{len(found.rows)} runs of {found.file} are '{name}/historic'{instead}: {direction} "
        f"{objective}; parameters: {', '.join(found.parameters) or 'none'}.",
        f"A search may learn from them: winnow search FILE --warm-start {name}/historic",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)

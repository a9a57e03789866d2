"""``winnow export``: a study's raw results as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from search.cli.options import STORAGE, Storage, existing_database
from search.reports.study_export import export_study


def export(
    name: Annotated[str, typer.Argument(help="The study.", show_default=False)],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="csv (trials.csv, steps.csv), json (study.json) or deepcave (the search).",
        ),
    ] = "csv",
    output: Annotated[
        Path | None, typer.Option(help="Folder; by default NAME-export here.")
    ] = None,
    storage: Storage = STORAGE,
) -> None:
    """Write every trial and every step of a study, held-out metrics included, for other tools.

    Example: [bold]winnow export pi-tft --format csv --output results[/]
    """
    with existing_database(storage) as database:
        written = export_study(database, name, format_, output or Path(f"{name}-export"))
    console = Console()
    for path in written:
        console.print(f"Written: {path}", highlight=False, markup=False, soft_wrap=True)

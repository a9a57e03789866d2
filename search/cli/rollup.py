"""``winnow rollup``: what many studies say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from search.cli.options import STORAGE, deliver, existing_database
from search.errors import OptionError, near_miss
from search.reports.rollup import By, Measurement, Rollup, measurements, roll_up, rollup_json
from search.reports.rollup_text import rollup_markdown, rollup_table
from search.storage.reader import study_names

FORMATS: Mapping[str, Callable[[Rollup], str]] = {
    "table": rollup_table,
    "markdown": rollup_markdown,
    "json": rollup_json,
}


def rollup(
    studies: Annotated[
        list[str] | None, typer.Argument(help="Studies; by default all that have a table.")
    ] = None,
    storage: Annotated[
        list[str] | None,
        typer.Option(envvar="WINNOW_STORAGE", help="Study database; may be given several times."),
    ] = None,
    by: Annotated[
        str, typer.Option(help="What makes techniques the same one: family, reference or name.")
    ] = "family",
    format_: Annotated[str, typer.Option("--format", help="table, markdown or json.")] = "table",
    output: Annotated[
        Path | None, typer.Option(help="File to write; by default standard output.")
    ] = None,
) -> None:
    """Show each technique over all studies that measured it, and expected against measured.

    Example: [bold]winnow rollup --storage sqlite:///a.db --storage sqlite:///b.db[/]
    """
    if format_ not in FORMATS:
        raise OptionError(f"--format has no '{format_}'{near_miss(format_, FORMATS)}")
    if by not in get_args(By):
        raise OptionError(f"--by has no '{by}'{near_miss(by, get_args(By))}")
    found: list[Measurement] = []
    known: list[str] = []
    for url in storage or [STORAGE]:
        with existing_database(url) as database:
            known += study_names(database)
            found += measurements(database, studies or ())
    for name in studies or ():
        if name not in known:
            raise OptionError(f"there is no study '{name}' here{near_miss(name, known)}")
    if not found:
        raise OptionError("none of these studies has a priority table yet: `winnow run` makes one")
    text = FORMATS[format_](roll_up(found, by=cast("By", by)))
    deliver(text, output)

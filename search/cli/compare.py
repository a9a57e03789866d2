"""``winnow compare``: two studies, arms or runs side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from search.cli.options import STORAGE, Storage, deliver, existing_database
from search.errors import OptionError, near_miss
from search.loading import load_study
from search.reports.comparison import Comparison, compare, comparison_json
from search.reports.comparison_text import comparison_markdown, comparison_table
from search.reports.subjects import Subject, find_subject

FORMATS: Mapping[str, Callable[[Comparison], str]] = {
    "table": comparison_table,
    "markdown": comparison_markdown,
    "json": comparison_json,
}
Named = Annotated[
    str,
    typer.Argument(
        help="STUDY (its name or file), STUDY:ARM, STUDY#TRIAL or STUDY/SERIES#RUN.",
        show_default=False,
    ),
]


def compare_two(
    first: Named,
    second: Named,
    storage: Storage = STORAGE,
    other_storage: Annotated[
        str | None, typer.Option(help="Study database of the second, if it is another one.")
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="table, markdown or json.")] = "table",
    output: Annotated[
        Path | None, typer.Option(help="File to write; by default standard output.")
    ] = None,
) -> None:
    """Show what differs between two studies, arms or runs: settings, results, curves.

    Example: [bold]winnow compare pi-tft "pi-tft:Focal loss"[/]
    """
    if format_ not in FORMATS:
        raise OptionError(f"--format has no '{format_}'{near_miss(format_, FORMATS)}")
    text = FORMATS[format_](compare(_find(storage, first), _find(other_storage or storage, second)))
    deliver(text, output)


def _find(storage: str, text: str) -> Subject:
    name, suffix, rest = text.partition(".py")
    path = Path(f"{name}{suffix}")
    with existing_database(storage) as database:
        known = f"{load_study(path).study.name}{rest}" if suffix and path.is_file() else text
        return find_subject(database, known)

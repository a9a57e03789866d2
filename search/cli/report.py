"""``winnow report``: what the database knows, as a table, a page or a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from search.cli.options import STORAGE, Storage, deliver, existing_database
from search.errors import OptionError
from search.loading import LoadedStudy, load_study
from search.ranking.designs import judge_design
from search.reports import (
    PriorityReport,
    SearchReport,
    priority_report,
    render,
    search_report,
    write_figures,
)
from search.reports.design_report import render_design
from search.reports.history import write_history
from search.storage.database import Database
from search.storage.registrations import read_registrations


def report(
    context: typer.Context,
    file_or_name: Annotated[
        str, typer.Argument(help="The study file, or the study's name.", show_default=False)
    ],
    format_: Annotated[
        str, typer.Option("--format", help="table, markdown, html, csv, json or latex.")
    ] = "table",
    output: Annotated[
        Path | None, typer.Option(help="File to write; by default standard output.")
    ] = None,
    design: Annotated[
        str | None, typer.Option(help="leave-one-out, screen or ladder, instead of the table.")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the table's figures as SVG and PDF, besides; Markdown shows them."
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(help="CSV file for every step of every run, with all metrics, besides."),
    ] = None,
    storage: Storage = STORAGE,
) -> None:
    """Report on a study: everything comes from the database.

    Given a name instead of a file, no study file is imported.

    Example: [bold]winnow report pi-tft --format html --output report.html[/]
    """
    name = _name(context, file_or_name)
    with existing_database(storage) as database:
        if design is None:
            found = study_report(database, name)
            text = render(found, format_)
            if figures is not None:
                drawn = _draw(found, figures)
                text += _links(drawn, output) if format_ == "markdown" and output else ""
        else:
            text = render_design(judge_design(database, name, design), format_)
        if history is not None:
            write_history(database, name, history)
    deliver(text, output)


def _draw(report: PriorityReport | SearchReport, folder: Path) -> list[Path]:
    """Write the figures; return those that a page can show."""
    if isinstance(report, SearchReport):
        raise OptionError("--figures draws a priority table; this study has only a search")
    write_figures(report, folder, "pdf")
    return write_figures(report, folder, "svg")


def _links(figures: Sequence[Path], page: Path) -> str:
    """Return a section of Markdown that shows figures, found from where the page lies."""
    folder = page.absolute().parent
    shown = [
        f"![{path.stem}](<{Path(os.path.relpath(path.absolute(), folder)).as_posix()}>)"
        for path in figures
    ]
    return "\n## Figures\n\n" + "\n\n".join(shown) + "\n"


def _name(context: typer.Context, file_or_name: str) -> str:
    if isinstance(context.obj, LoadedStudy):
        return context.obj.study.name
    path = Path(file_or_name)
    return load_study(path).study.name if path.suffix == ".py" else file_or_name


def study_report(database: Database, name: str) -> PriorityReport | SearchReport:
    """Return a study's priority table; its search where nothing was measured."""
    if read_registrations(database, name):
        return priority_report(database, name)
    return search_report(database, name)

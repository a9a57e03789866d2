"""``winnow gc``: delete artifacts that nobody needs any more."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from search.cli.options import STORAGE, Artifacts, Storage, existing_database
from search.protocol.searching import Options, artifacts_folder
from search.protocol.tidying import delete, garbage
from search.reports.text import plural

MIB = 2**20


def gc(
    storage: Storage = STORAGE,
    artifacts: Artifacts = None,
    dry_run: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")
    ] = False,
    unknown: Annotated[  # noqa: FBT002 - a command-line flag
        bool,
        typer.Option("--unknown", help="Folders of studies that this database lacks, too."),
    ] = False,
) -> None:
    """Delete checkpoints of runs that have ended; what a study still needs stays.

    Example: [bold]winnow gc --dry-run[/]
    """
    console = Console()
    total = n = 0
    with existing_database(storage) as database:
        folder = artifacts_folder(database, Options(storage, artifacts=artifacts))
        for found in list(garbage(database, folder, unknown=unknown)):
            n, total = n + 1, total + found.size
            words = f"{found.path}: {found.reason}, {found.size / MIB:.1f} MiB"
            console.print(words, highlight=False, markup=False, soft_wrap=True)
            if not dry_run:
                delete(found)
    verb = "would be deleted" if dry_run else "deleted"
    console.print(f"{plural(n, 'folder')}, {total / MIB:.1f} MiB {verb}", highlight=False)

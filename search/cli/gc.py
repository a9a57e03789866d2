"""``winnow gc``: delete artifacts that nobody needs any more, and more of them to meet a cap."""

from __future__ import annotations

import re
from typing import Annotated

import typer
from rich.console import Console

from search.cli.options import STORAGE, Artifacts, Storage, existing_database
from search.errors import OptionError
from search.protocol.searching import Options, artifacts_folder
from search.protocol.tidying import delete, garbage, over_cap, size_of
from search.reports.text import plural

MIB = 2**20
UNITS = {
    **{unit: 1000**power for power, unit in enumerate(("b", "kb", "mb", "gb", "tb"))},
    **{unit: 1024**power for power, unit in enumerate(("b", "kib", "mib", "gib", "tib"))},
}


def gc(
    storage: Storage = STORAGE,
    artifacts: Artifacts = None,
    cap: Annotated[
        str | None,
        typer.Option(
            help="Size with its unit, such as 5GB or 500MiB: delete predictions that no technique "
            "is made from as well, and then kept checkpoints (the best trials' last of all), the "
            "least valuable and oldest first, until all artifacts together are within it. Exit "
            "status 1 if what is needed is more."
        ),
    ] = None,
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
    limit = None if cap is None else parse_size(cap)
    with existing_database(storage) as database:
        folder = artifacts_folder(database, Options(storage, artifacts=artifacts))
        found = list(garbage(database, folder, unknown=unknown))
        if limit is not None:
            found += list(over_cap(database, folder, limit, found))
    before = size_of(folder)
    for one in found:
        words = f"{one.path}: {one.reason}, {one.size / MIB:.1f} MiB"
        console.print(words, highlight=False, markup=False, soft_wrap=True)
        if not dry_run:
            delete(one)
    total = sum(one.size for one in found)
    verb = "would be deleted" if dry_run else "deleted"
    console.print(f"{plural(len(found), 'folder')}, {total / MIB:.1f} MiB {verb}", highlight=False)
    if limit is not None and before - total > limit:
        console.print(
            f"{(before - total) / MIB:.1f} MiB stay, above --cap {cap}: runs under way go on from "
            "them, or post-hoc techniques are made from them",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
        raise typer.Exit(1)


def parse_size(text: str) -> int:
    """Return the bytes of a size such as 5GB (powers of 1000) or 500MiB (powers of 1024).

    Raises
    ------
    OptionError
        If it is none, or has no unit.

    Examples
    --------
    >>> parse_size("1.5 kB"), parse_size("2MiB")
    (1500, 2097152)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", text)
    if found is None or found[2].lower() not in UNITS:
        raise OptionError(
            f"--cap takes a size with its unit (B, kB, MB, GB, TB or KiB, MiB, GiB, TiB), such as "
            f"5GB; got '{text}'"
        )
    return int(float(found[1]) * UNITS[found[2].lower()])

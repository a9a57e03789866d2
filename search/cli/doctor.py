"""``winnow doctor``: is this machine fit to run studies, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from search.cli.options import STORAGE, Address, Artifacts, Storage
from search.errors import WinnowError
from search.protocol.doctoring import Diagnosis, Health, diagnose
from search.protocol.searching import Options, ray_is_installed

COLOURS: dict[Health, str] = {"good": "green", "notice": "yellow", "bad": "bold red"}


def doctor(
    storage: Storage = STORAGE,
    artifacts: Artifacts = None,
    address: Address = None,
    ray: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--ray/--no-ray", help="Start a Ray session, and end it.")
    ] = True,
) -> None:
    """Look at Python, packages, Ray, GPUs, the database, disk, ports and a cluster.

    For everything that is not good it says what to do. Exit status 1 if anything hinders.

    Example: [bold]winnow doctor --storage sqlite:///winnow.db[/]
    """
    console = Console()
    options = Options(storage, artifacts=artifacts, address=address)
    bad = 0
    for found in _everything(options, ray=ray):
        bad += found.health == "bad"
        colour = COLOURS[found.health]
        console.print(
            f"[{colour}]{found.health:7}[/] {found.what:10} {escape(found.words)}",
            highlight=False,
            soft_wrap=True,
        )
    if bad:
        raise typer.Exit(1)


def _everything(options: Options, *, ray: bool) -> Iterator[Diagnosis]:
    yield from diagnose(options, ray=ray)
    if options.address is not None:
        yield _cluster(options.address)


def _cluster(address: str) -> Diagnosis:
    """Show this client's token to a cluster's job server."""
    if not ray_is_installed():
        return Diagnosis("cluster", "bad", "Ray is not installed here: pip install ray[default]")
    from search.submission.connection import connect

    try:
        connection = connect(address)
    except WinnowError as error:
        return Diagnosis("cluster", "bad", str(error))
    if connection.is_open:
        words = (
            f"{connection.address} asks nobody for a token: whoever reaches it may run anything "
            "there; start its nodes with RAY_AUTH_MODE=token"
        )
        return Diagnosis("cluster", "notice", words)
    if connection.is_plain:
        words = f"{connection.address} knows this client; what is sent can be read on its way: "
        return Diagnosis("cluster", "notice", f"{words}use https, or a tunnel (ssh -L)")
    return Diagnosis("cluster", "good", f"{connection.address} answers, and knows this client")

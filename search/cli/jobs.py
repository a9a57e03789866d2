"""``winnow jobs``, ``winnow logs`` and ``winnow stop``: what becomes of submitted studies."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from search.cli.live import duration
from search.errors import OptionError
from search.protocol.searching import ray_is_installed

if TYPE_CHECKING:
    from search.submission.connection import Connection

DETACHED = 3  # the study has not ended

ClusterAddress = Annotated[
    str,
    typer.Option(
        "--address",
        envvar="RAY_API_SERVER_ADDRESS",
        help="URL of the cluster's dashboard, such as http://127.0.0.1:8265.",
        show_envvar=True,
    ),
]
Job = Annotated[
    str, typer.Argument(help="The job, or its study (then its newest).", show_default=False)
]


def jobs(address: ClusterAddress) -> None:
    """List the studies that were submitted to a cluster.

    Example: [bold]winnow jobs --address http://127.0.0.1:8265[/]
    """
    require_ray()
    from search.submission.connection import connect
    from search.submission.jobs import list_jobs

    console = Console(highlight=False, soft_wrap=True)
    found = list_jobs(connect(address))
    if not found:
        print_plain(console, f"No study was submitted to {address} yet.")
        return
    rows = [("job", "study", "command", "status", "started", "took", "storage")]
    for job in found:
        took = (job.ended or datetime.now().astimezone()) - job.started if job.started else None
        started = f"{job.started:%Y-%m-%d %H:%M}" if job.started else ""
        lasted = duration(took.total_seconds()) if took else ""
        state = job.status.lower()
        rows.append((job.name, job.study, job.command, state, started, lasted, job.storage))
    print_plain(console, "\n".join(columns(rows)))


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines, however wide: a job's name is there to be copied.

    Examples
    --------
    >>> columns([("job", "study"), ("toy-1", "toy")])
    ['job    study', 'toy-1  toy']
    """
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def logs(
    job: Job,
    address: ClusterAddress,
    follow: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--follow/--no-follow", help="Go on until the job ends.")
    ] = True,
) -> None:
    """Show what a submitted study says, until it ends; its exit status is this command's.

    Example: [bold]winnow logs pi-tft --address http://127.0.0.1:8265[/]
    """
    require_ray()
    from search.submission.connection import connect
    from search.submission.jobs import find_job, read_log

    console = Console(highlight=False, soft_wrap=True)
    connection = connect(address)
    found = find_job(connection, job)
    if not follow:
        print_plain(console, read_log(connection, found.name).rstrip("\n"))
        return
    raise typer.Exit(follow_to_end(console, connection, found.name))


def stop(job: Job, address: ClusterAddress) -> None:
    """Stop a submitted study before its end; nothing is lost, and the same submission goes on.

    Example: [bold]winnow stop pi-tft --address http://127.0.0.1:8265[/]
    """
    require_ray()
    from search.submission.connection import connect
    from search.submission.jobs import find_job
    from search.submission.jobs import stop as stop_job

    console = Console(highlight=False, soft_wrap=True)
    connection = connect(address)
    found = find_job(connection, job)
    if found.has_ended:
        print_plain(console, f"{found.name} has ended already: {found.status.lower()}")
        return
    ended = stop_job(connection, found)
    if ended is None:
        print_plain(console, f"{found.name} is still being stopped; winnow jobs tells when it is")
        raise typer.Exit(1)
    print_plain(console, f"{found.name} {ended.status.lower()}; nothing is lost.")
    print_plain(console, "To go on, give the command that submitted it again.")


def follow_to_end(console: Console, connection: Connection, name: str) -> int:
    """Print what a job says until it ends, and return its exit status; Ctrl-C leaves it alone."""
    from search.submission.jobs import follow

    def write(text: str) -> None:
        console.print(text, end="", markup=False)

    try:
        job = follow(connection, name, write)
    except KeyboardInterrupt:
        print_plain(console, f"\nDetached; job {name} goes on.")
        print_plain(console, how_to_return(name, connection.address))
        return DETACHED
    if job.status != "SUCCEEDED" and job.exit_code is None:
        print_plain(console, f"{name} {job.status.lower()}: {job.message.strip()}")
    return job.exit_status


def how_to_return(name: str, address: str) -> str:
    """Return the commands that come back to a job."""
    where = shlex.join(["--address", address])
    return f"  winnow logs {name} {where}\n  winnow stop {name} {where}"


def print_plain(console: Console, text: str) -> None:
    """Print a text as it stands."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def require_ray() -> None:
    """Refuse to go on without Ray.

    Raises
    ------
    OptionError
        With what to install.
    """
    if not ray_is_installed():
        raise OptionError(
            "submitting needs Ray, which is not installed: pip install 'ray[default]'"
        )

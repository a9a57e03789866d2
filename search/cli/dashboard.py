"""``winnow dashboard``: Optuna Dashboard on the study database."""

from __future__ import annotations

import socket
from typing import Annotated

import optuna_dashboard
import typer
from rich.console import Console

from search.cli.options import STORAGE, Storage, existing_database
from search.errors import OptionError


def dashboard(
    storage: Storage = STORAGE,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than loopback are seen by all.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8080,
) -> None:
    """Open Optuna Dashboard on the study database, until Ctrl-C.

    Example: [bold]winnow dashboard --storage sqlite:///winnow.db[/]
    """
    console = Console()
    with existing_database(storage) as database:
        _check_free(host, port)
        address = f"http://{host}:{port}/"
        console.print(f"Optuna Dashboard on {database.name}: {address}", highlight=False)
        optuna_dashboard.run_server(database.optuna, host=host, port=port)


def _check_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OptionError(f"--port {port} on {host} cannot be used: {error}") from error

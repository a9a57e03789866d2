"""``winnow dashboard``: Optuna Dashboard on the study database."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

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
    with existing_database(storage) as database:
        app = optuna_dashboard.wsgi(database.optuna)
        with _listening(host, port, app) as server:
            words = f"Optuna Dashboard on {database.name}: http://{host}:{server.server_port}/"
            Console().print(words, highlight=False, markup=False, soft_wrap=True)
            with suppress(KeyboardInterrupt):
                server.serve_forever()


class _Quiet(WSGIRequestHandler):
    """Keeps the terminal free of a line per request; errors are still told."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def _listening(host: str, port: int, app: Any) -> WSGIServer:
    try:
        return make_server(host, port, app, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        raise OptionError(f"--port {port} on {host} cannot be used: {error}") from error

"""A loopback proxy that loses a server's answer: what no server does when it is asked to."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class LosingProxy:
    """Forwards to a port; once told to, it forwards a message and then cuts its connection.

    Parameters
    ----------
    port
        Of the server, on loopback.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._needle: bytes | None = None
        self.lost = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_answer_to(self, message: bytes) -> None:
        """Cut the first connection that sends `message`, after the server has answered it."""
        self._needle = message

    def __enter__(self) -> LosingProxy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                cut = threading.Event()
                for source, sink, asks in ((client, server, True), (server, client, False)):
                    arguments = (source, sink, cut, asks)
                    threading.Thread(target=self._pump, args=arguments, daemon=True).start()

    def _pump(
        self, source: socket.socket, sink: socket.socket, cut: threading.Event, asks: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if asks and self._needle is not None and self._needle in data:
                    self._needle = None
                    self.lost += 1
                    cut.set()
                if not asks and cut.is_set():
                    break  # the server has answered, so it has done what it was asked
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

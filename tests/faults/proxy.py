"""A loopback proxy that can be paused: a network that is down for a while."""

from __future__ import annotations

import contextlib
import socket
import threading


class PausingProxy:
    """Forwards to a port of loopback, until it is told to pause.

    Paused, it either cuts every connection and refuses new ones, or is silent: connections stay,
    and nothing arrives.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._flows = threading.Event()
        self._flows.set()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._listen()

    def __enter__(self) -> PausingProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._flows.set()
        self._cut()

    def pause(self, *, silent: bool) -> None:
        """Let nothing through any more."""
        if silent:
            self._flows.clear()
        else:
            self._cut()

    def go_on(self) -> None:
        """Let everything through again."""
        if not self._flows.is_set():
            self._flows.set()
            return
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listen()

    def _cut(self) -> None:
        # a thread that waits in accept() keeps the port until it is woken
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()

"""A program under way: its lines as they appear, its end, and its end by force."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

from search.program import supervisor

Source = Literal["out", "err", "file"]
POLL_S = 0.1  # how often a file is looked at
CHUNK = 65536
LATE_S = 5.0  # what the supervisor may take beyond the grace of both signals


class Child:
    """A program in a process group of its own, under a supervisor that ends it with this process.

    Parameters
    ----------
    words
        The program and its arguments.
    folder
        Where it runs.
    variables
        Its environment.
    scratch
        A folder that is removed if this process dies.
    grace_s
        Seconds from SIGTERM to SIGKILL.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        folder: Path,
        variables: Mapping[str, str],
        scratch: Path,
        grace_s: float,
    ) -> None:
        self._grace_s = grace_s
        start = [sys.executable, "-I", "-S", supervisor.__file__, str(grace_s), str(scratch)]
        self._process = subprocess.Popen(
            [*start, *words],
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.PIPE,  # its other end is this process's life
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us to pass on
        )

    def lines(self, follow: Path | None = None) -> Iterator[tuple[Source, str]]:
        """Yield what it prints, and what it adds to a file, line by line, until it has ended."""
        buffers: dict[Source, _Buffer] = {name: _Buffer() for name in ("out", "err", "file")}
        place = 0
        with selectors.DefaultSelector() as selector:
            pipes: tuple[tuple[IO[bytes] | None, Source], ...] = (
                (self._process.stdout, "out"),
                (self._process.stderr, "err"),
            )
            for pipe, name in pipes:
                if pipe is not None:
                    os.set_blocking(pipe.fileno(), False)
                    selector.register(pipe, selectors.EVENT_READ, name)
            ended = False
            while not ended:
                ended = self._process.poll() is not None  # what it wrote until now is read below
                for key, _ in selector.select(0 if ended else POLL_S):
                    data = os.read(key.fd, CHUNK)
                    if not data:
                        selector.unregister(key.fileobj)
                    ended = ended and not data
                    yield from ((key.data, line) for line in buffers[key.data].add(data))
                if follow is not None:
                    data, place = _added(follow, place)
                    yield from (("file", line) for line in buffers["file"].add(data))
        yield from ((name, line) for name, buffer in buffers.items() for line in buffer.rest())

    @property
    def status(self) -> int:
        """Its exit status; it is waited for."""
        return self._process.wait()

    def close(self) -> bool:
        """End it with all processes of its group; return whether it has ended."""
        process = self._process
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(2 * self._grace_s + LATE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return False
        return True


class _Buffer:
    """Bytes that become lines; a progress bar's carriage return ends one, too."""

    def __init__(self) -> None:
        self._bytes = b""

    def add(self, data: bytes) -> Iterator[str]:
        *whole, self._bytes = re.split(rb"[\r\n]+", self._bytes + data)
        yield from (line.decode(errors="replace") for line in whole if line)

    def rest(self) -> Iterator[str]:
        if self._bytes:
            yield self._bytes.decode(errors="replace")


def _added(path: Path, place: int) -> tuple[bytes, int]:
    """Return what a file holds beyond a place, and its new end; it may not be there yet."""
    try:
        with path.open("rb") as file:
            file.seek(place)
            data = file.read()
    except FileNotFoundError:
        return b"", place
    return data, place + len(data)

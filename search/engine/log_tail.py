"""The last lines a trial printed or logged, kept for the day it fails."""

from __future__ import annotations

import io
import logging
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

LINES = 50


class LogTail:
    """Keeps the last lines of what is printed and logged while `listening`.

    Examples
    --------
    >>> tail = LogTail()
    >>> with tail.listening():
    ...     print("epoch 1")
    epoch 1
    >>> tail.text
    'epoch 1'
    """

    def __init__(self, lines: int = LINES) -> None:
        self._lines: deque[str] = deque(maxlen=lines)
        self._handler = _Handler(self._lines)

    @property
    def text(self) -> str:
        """The lines kept."""
        return "\n".join(self._lines)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep what this process prints and logs inside the block; it is shown all the same."""
        root = logging.getLogger()
        root.addHandler(self._handler)
        try:
            with (
                redirect_stdout(_Tee(sys.stdout, self._lines)),
                redirect_stderr(_Tee(sys.stderr, self._lines)),
            ):
                yield
        finally:
            root.removeHandler(self._handler)


class _Handler(logging.Handler):
    def __init__(self, lines: deque[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


class _Tee(io.TextIOBase):
    def __init__(self, shown: TextIO, lines: deque[str]) -> None:
        self._shown, self._lines, self._open = shown, lines, ""

    def write(self, text: str) -> int:
        *whole, self._open = (self._open + text).split("\n")
        self._lines.extend(line for line in whole if line.strip())
        return self._shown.write(text)

    def flush(self) -> None:
        self._shown.flush()

    def isatty(self) -> bool:
        return self._shown.isatty()

    def fileno(self) -> int:
        return self._shown.fileno()

"""The last lines a trial printed or logged, kept for the day it fails."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

LINES = 50
LONGEST = 2000  # characters of one line: a progress bar without line ends is one line


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
        self._kept = _Kept(lines)
        self._handler = logging.StreamHandler(self._kept)
        self._handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    @property
    def text(self) -> str:
        """The lines kept."""
        return self._kept.text

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep what this process prints and logs inside the block; it is shown all the same."""
        root = logging.getLogger()
        # Python shows warnings by its last resort only as long as nobody else listens
        handlers = [self._handler] if root.handlers else [self._handler, *_last_resort()]
        for handler in handlers:
            root.addHandler(handler)
        out, err = _Tee(sys.stdout, self._kept), _Tee(sys.stderr, self._kept)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                yield
        finally:
            for handler in handlers:
                root.removeHandler(handler)


def _last_resort() -> list[logging.Handler]:
    """Return what shows warnings when logging is not configured, on the real standard error."""
    last = logging.lastResort
    if last is None:
        return []
    shown = logging.StreamHandler(sys.stderr)
    shown.setLevel(last.level)
    return [shown]


class _Kept:
    """Collects text as lines; the last ones are kept."""

    def __init__(self, lines: int) -> None:
        self._lines: deque[str] = deque(maxlen=lines)
        self._open = ""

    @property
    def text(self) -> str:
        return "\n".join([*self._lines, self._open] if self._open.strip() else self._lines)

    def write(self, text: str) -> int:
        *whole, rest = (self._open + text).split("\n")
        self._lines.extend(line[-LONGEST:] for line in whole if line.strip())
        self._open = rest[-LONGEST:]
        return len(text)

    def flush(self) -> None:
        """Need nothing: the lines are in memory."""


class _Tee:
    """A text stream that is shown as before, and kept; in all else it is the one shown."""

    def __init__(self, shown: TextIO, kept: _Kept) -> None:
        self._shown, self._kept = shown, kept

    def write(self, text: str) -> int:
        self._kept.write(text)
        return self._shown.write(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shown, name)

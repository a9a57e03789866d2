"""Runs that hang: their process writes down where it is stuck, and ends.

Nothing else ends a step that does not return: not its driver, which may be another process on
another machine, and not Python, while native code keeps the interpreter's lock. What is written
lies beside the run's checkpoints, where the driver looks when a worker is lost.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

EXIT = 3  # a process that ends here has not finished, and the same command goes on with it
HUNG = "no step within"  # how the error of an attempt begins that hung


@dataclass(frozen=True)
class Hang:
    """What a run that hung left behind: its attempt as its batches describe it, and the stacks."""

    attempt: Mapping[str, Any]
    error: str


class Watchdog:
    """Ends the process when `beat` has not been called for so long.

    The thread that watches cannot run while native code keeps the interpreter's lock, so that
    `faulthandler`, which needs no lock, is asked to do the same another limit later.

    Parameters
    ----------
    limit_s
        Seconds between two beats.
    file
        Where the stacks are written.
    words
        What standard error is told.
    """

    def __init__(self, limit_s: float, file: TextIO, words: str) -> None:
        self._limit_s, self._file, self._words = limit_s, file, words
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="winnow-watchdog")
        self.beat()
        self._thread.start()

    def beat(self) -> None:
        """Say that the run is alive."""
        self._deadline = time.monotonic() + self._limit_s

    def stop(self) -> None:
        """Watch no longer."""
        self._over.set()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        while (left := self._deadline - time.monotonic()) > 0:
            faulthandler.dump_traceback_later(left + self._limit_s, file=self._file, exit=True)
            if self._over.wait(left):
                return
        if self._over.is_set():
            return
        faulthandler.dump_traceback(self._file)
        self._file.flush()
        if sys.__stderr__ is not None:
            sys.__stderr__.write(f"{self._words}\n")
            sys.__stderr__.flush()
        os._exit(EXIT)  # nothing gentler ends a thread that is stuck


@contextmanager
def watched(
    limit_s: float | None, folder: Path, attempt: Mapping[str, Any]
) -> Iterator[Watchdog | None]:
    """End the process if the block goes without a beat for longer than `limit_s`.

    Parameters
    ----------
    limit_s
        None: nothing is watched.
    folder
        Where the note is left for the driver.
    attempt
        What the driver is told of the attempt.
    """
    if limit_s is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"hang-{attempt['token']}"
    error = f"{HUNG} {limit_s:g} s"
    words = f"winnow: {error} in {folder}: this process ends; where it is stuck is stored"
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"attempt": dict(attempt), "error": error}) + "\n")
        file.flush()
        watchdog = Watchdog(limit_s, file, words)
        try:
            yield watchdog
        finally:
            watchdog.stop()
    path.unlink(missing_ok=True)


def take_hangs(folder: Path) -> list[Hang]:
    """Return the hangs noted in a trial's folder, and forget the notes.

    A note without stacks is that of a process which was killed while it was watched.
    """
    found = []
    for path in sorted(folder.glob("hang-*"), key=lambda path: path.stat().st_mtime):
        first, _, stacks = path.read_text(encoding="utf-8").partition("\n")
        path.unlink()
        if stacks.strip():
            note = json.loads(first)
            found.append(Hang(note["attempt"], f"{note['error']}\n{stacks.rstrip()}"))
    return found


def hang_reason(error: str | None) -> str | None:
    r"""Return why an attempt's run was ended, if it hung.

    Examples
    --------
    >>> hang_reason("no step within 5 s\nThread 0x0001 …")
    'no step within 5 s'
    >>> hang_reason("its process died") is None
    True
    """
    return error.splitlines()[0] if error is not None and error.startswith(HUNG) else None

"""Ctrl-C and SIGTERM: every run under way gets the time for a checkpoint, then the driver goes."""

from __future__ import annotations

import _thread
import logging
import math
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from search.engine.stream import Stream
from search.errors import OptionError, StorageError

VARIABLE = "WINNOW_GRACE_S"
GRACE_S = 20.0  # less than the 30 s that Kubernetes, and Slurm after `scancel`, give
ASKING = ("SIGINT", "SIGTERM")
logger = logging.getLogger(__name__)


def grace() -> float:
    """Return the seconds that runs get for a last checkpoint.

    Raises
    ------
    OptionError
        If the environment says something else than a number of seconds.
    """
    text = os.environ.get(VARIABLE) or str(GRACE_S)
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise OptionError(f"{VARIABLE} takes seconds, 0 or more, got '{text}'")
    return found


def attended(serve: Callable[[Stream], None], grace_s: float = 0.0) -> Callable[[Stream], None]:
    """Return `serve`, which notes in the database when the driver leaves before the end.

    For at most `grace_s` after it was asked to, it waits for checkpoints.
    """

    def run(stream: Stream) -> None:
        try:
            with leaving_in_order(stream, grace_s):
                serve(stream)
            _check_stays(stream)
        except StorageError:
            raise  # nothing can be noted there now; the next command finds out by itself
        except BaseException:
            stream.interrupt()
            raise

    return run


def _check_stays(stream: Stream) -> None:
    """Leave, if the driver was asked to: what the first signal would have done at once."""
    if stream.leaving:
        raise KeyboardInterrupt


@contextmanager
def leaving_in_order(stream: Stream, grace_s: float) -> Iterator[None]:
    """Have the first signal inside the block ask all runs for a checkpoint.

    The engine ends the stream once they are written. A second signal, or the end of the grace,
    does what the first one would have done before the block. Only a process's main thread hears of
    signals; in others nothing changes.

    Parameters
    ----------
    stream
        What is served inside the block.
    grace_s
        Seconds that runs have; 0: nothing changes, as for runs that have no checkpoints.
    """
    main = threading.current_thread() is threading.main_thread()
    before = _handlers() if main and grace_s > 0 else {}
    over = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stream.leaving:
            before[number](number, frame)
            return
        stream.leaving = True
        # in a thread of its own: whatever the signal has interrupted may hold the terminal's lock
        waits = threading.Thread(target=_wait, args=(over, grace_s, number), daemon=True)
        waits.start()

    try:
        for number in before:
            signal.signal(number, ask)
        yield
    finally:
        over.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _handlers() -> dict[int, Any]:
    """Return what handles the signals now; those that nobody handles end the process as ever."""
    numbers = [getattr(signal, name) for name in ASKING]
    return {n: handler for n in numbers if callable(handler := signal.getsignal(n))}


def _wait(over: threading.Event, grace_s: float, number: int) -> None:
    logger.warning("stopping: runs have %g s for a last checkpoint; again: at once", grace_s)
    if over.wait(grace_s):
        return
    if hasattr(signal, "pthread_kill"):  # it also wakes what sleeps
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))

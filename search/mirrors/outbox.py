"""Letters that leave in a thread of their own: whoever receives them can be slow, or gone."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

logger = logging.getLogger(__name__)
LONGEST = 1000  # letters that may wait; what comes on top of them is dropped
PATIENCE_S = 10.0  # at the end, for letters that are still to leave
Letter = Mapping[str, Any]


class UndeliveredError(OSError):
    """A letter did not arrive; the words hold no secret."""


class Outbox:
    """A bounded queue that a thread empties; putting a letter into it never waits.

    What cannot be delivered is dropped. That is warned about once.

    Parameters
    ----------
    name
        What the letters go to, in words that may be printed.
    deliver
        Called with every letter, in the thread alone.
    troubles
        What it raises when a letter does not arrive.
    close
        Called at the end, in the thread.
    longest
        How many letters may wait.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[Letter], None],
        *,
        troubles: tuple[type[Exception], ...] = (OSError,),
        close: Callable[[], None] | None = None,
        longest: int = LONGEST,
    ) -> None:
        self._name, self._deliver, self._troubles, self._end = name, deliver, troubles, close
        self._letters: queue.Queue[Letter | None] = queue.Queue(longest)
        self._warned = False
        self.dropped = 0
        # a daemon: a receiver that never answers must not keep the process from its end
        self._thread = threading.Thread(target=self._work, name=f"outbox: {name}", daemon=True)
        self._thread.start()

    def put(self, letter: Letter) -> None:
        """Send a letter, some time."""
        try:
            self._letters.put_nowait(letter)
        except queue.Full:
            self._drop("too much is waiting to be sent")

    def close(self, patience_s: float = PATIENCE_S) -> None:
        """Send what is waiting; give up after `patience_s` seconds."""
        until = time.monotonic() + patience_s
        try:
            self._letters.put(None, timeout=patience_s)
        except queue.Full:
            self._drop("too much is waiting to be sent")
            return
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            self._drop(f"it has not answered within {patience_s:g} s")

    def _work(self) -> None:
        while (letter := self._letters.get()) is not None:
            try:
                self._deliver(letter)
            except self._troubles as error:
                self._drop(
                    str(error) if isinstance(error, UndeliveredError) else type(error).__name__
                )
        if self._end is not None:
            try:
                self._end()
            except self._troubles as error:
                self._drop(type(error).__name__)

    def _drop(self, why: str) -> None:
        self.dropped += 1
        if not self._warned:
            self._warned = True
            logger.warning("%s is not told everything: %s; the study goes on", self._name, why)

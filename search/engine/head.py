"""Word of a cluster's head that is gone: Ray waits a minute for it, and then ends the process.

Ray (2.60) ends a driver from below Python, with a line about its own parts. What it means for the
study, and what to do, is said before that.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PAUSE_S = 5.0
MISSES = 2  # in a row, before anything is said
ANSWER_S = 5.0
logger = logging.getLogger(__name__)


@contextmanager
def watched_head(address: str, *, pause_s: float = PAUSE_S) -> Iterator[None]:
    """Say when the head at ``host:port`` stops answering, and when it answers again.

    Parameters
    ----------
    address
        Of the head's control store.
    pause_s
        Between two looks, in s.
    """
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(address, done, pause_s), daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join(ANSWER_S + pause_s)


def _watch(address: str, done: threading.Event, pause_s: float) -> None:
    misses = 0
    while not done.wait(pause_s):
        if _answers(address):
            if misses >= MISSES:
                logger.warning("the head of the Ray cluster at %s answers again", address)
            misses = 0
            continue
        misses += 1
        if misses == MISSES:
            logger.warning(
                "the head of the Ray cluster at %s does not answer: if it stays away for a minute, "
                "Ray ends this command. Nothing is lost: once the cluster is back, the same "
                "command goes on",
                address,
            )


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
    except OSError:
        return False
    return True

"""A second driver: holds a study's lock until it is killed.

Usage: python -m tests.contracts.holding URL STUDY [fork]
"""

from __future__ import annotations

import os
import sys
import time

from search.errors import StudyLocked
from search.storage.database import Database
from search.storage.lock import study_lock


def hold(url: str, study: str, *, fork: bool) -> None:
    """Take the lock, say so, and keep it; with a forked child that outlives this process."""
    database = Database(url)
    try:
        with study_lock(database, study):
            child = os.fork() if fork else -1
            if child == 0:
                time.sleep(60)
                os._exit(0)
            print(f"held {child}", flush=True)  # noqa: T201 - what the test waits for
            time.sleep(60)
    except StudyLocked as error:
        print(f"refused: {error}", flush=True)  # noqa: T201 - likewise


if __name__ == "__main__":
    hold(sys.argv[1], sys.argv[2], fork="fork" in sys.argv[3:])

"""A winnow that is killed while it brings a database up to date: ``python -m … URL``."""

from __future__ import annotations

import os
import signal
import sys

import sqlalchemy

from search.storage.migrations import STEPS, bring_up_to_date
from search.storage.url import parse_storage


def killed_between_steps(connection: sqlalchemy.Connection) -> None:
    """See that the steps before were taken, and end this process."""
    connection.exec_driver_sql("SELECT owner, tags, archived FROM winnow_studies")
    print("columns are there", flush=True)  # noqa: T201 - what the test looks for
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    bring_up_to_date(
        sqlalchemy.create_engine(parse_storage(sys.argv[1])), [*STEPS, killed_between_steps]
    )

"""The start of a job's driver: open its secrets, become ``winnow``.

``python -m search.submission.launch run studies/my_study.py``
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from search.environment import SECRETS
from search.errors import WinnowError
from search.submission.sealing import SEALED, read_token, unseal

DRIVERS = ("WINNOW_", "PG")  # the storage's URL, and what PostgreSQL's client reads


def open_secrets() -> None:
    """Set the environment variables that were sealed, in this process; name those for trials.

    What opens the study database is not among them.

    Raises
    ------
    EngineError
        If they cannot be opened.
    """
    if sealed := os.environ.pop(SEALED, ""):
        opened = unseal(sealed, read_token())
        os.environ.update(opened)
        os.environ[SECRETS] = ",".join(n for n in opened if not n.startswith(DRIVERS))


def main() -> NoReturn:
    """Become the command: its process is the one that Ray stops, and whose exit status counts."""
    try:
        open_secrets()
    except WinnowError as error:
        sys.exit(f"error: {error}")
    os.execv(sys.executable, [sys.executable, "-m", "search.cli", *sys.argv[1:]])


if __name__ == "__main__":
    main()

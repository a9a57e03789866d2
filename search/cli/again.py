"""The command that goes on after an interruption: it may be shown to everybody."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from search.storage.url import HIDDEN, redact

SUBMITTED = "WINNOW_AGAIN"  # in a job: the command that submitted it, on the machine it came from


def again() -> str:
    """Return the command that goes on, without any password."""
    if submitted := os.environ.get(SUBMITTED):
        return submitted
    before = ["", *sys.argv[1:]]
    words = [
        HIDDEN if option == "--notify" else _harmless(word)
        for option, word in zip(before, sys.argv[1:], strict=False)
    ]
    program = Path(sys.argv[0])
    start = ["python", str(program)] if program.suffix == ".py" else [program.name]
    return shlex.join([*start, *words])


def _harmless(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    if option == "--notify" and equals:
        return f"{option}={HIDDEN}"
    return f"{option}{equals}{redact(value)}" if "://" in value else word

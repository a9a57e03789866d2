"""The log of a study: one JSON object a line, with study, trial and host in every one.

What is logged has been written to the database already: attempts that begin and end, trials that
end. Warnings of the platform come beside it. The file is beside the study's checkpoints, bounded in
size, and holds no password; the database remains the only truth.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from search.storage.records import Attempt, Result
from search.storage.url import HIDDEN, scrub

FILE = "log.jsonl"
LONGEST = 16 * 2**20  # bytes; then the file becomes log.jsonl.1, and the one before is deleted
TAIL = 500  # characters of what a run that did not come to its end said last
PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")
PLATFORM = logging.getLogger("search")
logger = logging.getLogger(__name__)
logger.propagate = False  # for the file: a terminal shows progress in its own way
logger.setLevel(logging.INFO)
logger.addHandler(logging.NullHandler())


def begun(study: str, number: int, attempt: Attempt) -> None:
    """Log that an attempt at a trial has begun."""
    message = f"attempt {attempt.number} begins after step {attempt.start_step}"
    _say(logging.INFO, study, number, attempt.host, message)


def ended(study: str, number: int, attempt: Attempt | None, result: Result | None) -> None:
    """Log how an attempt ended, and how the trial did, if they have."""
    if attempt is not None:
        well = attempt.end in ("complete", "pruned", "stopped")
        message = f"attempt {attempt.number} ended: {attempt.end} after {attempt.elapsed_s:.1f} s"
        if attempt.error:
            message += f": {attempt.error.strip().splitlines()[-1]}"
        level = logging.INFO if well else logging.WARNING
        tail = None if well or not attempt.log else attempt.log[-TAIL:]
        _say(level, study, number, attempt.host, message, tail=tail)
    if result is not None:
        values = ", ".join(f"{value:.6g}" for value in result.values)
        told = [f"at step {result.step}" if result.step else "", values, result.reason or ""]
        message = f"trial ended: {', '.join([result.outcome, *filter(None, told)])}"
        level = logging.WARNING if result.outcome == "failed" else logging.INFO
        _say(level, study, number, attempt.host if attempt else None, message)


def _say(
    level: int, study: str, trial: int, host: str | None, message: str, *, tail: str | None = None
) -> None:
    extra = {"study": study, "trial": trial, "host": host, "tail": tail}
    logger.log(level, "%s", message, extra=extra)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON.

    Parameters
    ----------
    study
        What lines are about that do not say it themselves.
    url
        Of the database; its password is hidden, wherever it turns up.
    """

    def __init__(self, study: str, url: URL) -> None:
        super().__init__()
        self._study, self._url, self._here = study, url, socket.gethostname()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "study": getattr(record, "study", self._study),
            "trial": getattr(record, "trial", None),
            "host": getattr(record, "host", None) or self._here,
            "message": self._clean(message),
        }
        if tail := getattr(record, "tail", None):
            line["tail"] = self._clean(tail)
        return json.dumps(line, ensure_ascii=False)

    def _clean(self, text: str) -> str:
        return PASSWORD.sub(rf"\g<1>{HIDDEN}@", scrub(text, self._url))


class LogFile(RotatingFileHandler):
    """A log that a full disk cuts short; the search goes on.

    Parameters
    ----------
    path
        Of the file; the one before is kept beside it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LONGEST, backupCount=1, encoding="utf-8")
        self._said = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say once that lines are missing, instead of a traceback for each."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._said:
            self._said = True  # first: the warning comes here, too
            PLATFORM.warning("%s is not complete: %s", self.baseFilename, error)

    def close(self) -> None:
        """Close the file, whatever still waits to be written."""
        with suppress(OSError):
            super().close()


@contextmanager
def study_log(folder: Path, study: str, url: URL) -> Iterator[None]:
    """Write a study's log while the block runs.

    Parameters
    ----------
    folder
        Of the study's artifacts; made where it is missing.
    study
        Its name.
    url
        Of its database.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = LogFile(folder / FILE)
    except OSError as error:
        PLATFORM.warning("no log is kept: %s", error)
        yield
        return
    handler.setFormatter(JsonLines(study, url))
    handler.addFilter(lambda record: _belongs(record, study))
    added: list[tuple[logging.Logger, logging.Handler]] = [(PLATFORM, handler), (logger, handler)]
    if not PLATFORM.hasHandlers() and logging.lastResort is not None:
        added.append((PLATFORM, logging.lastResort))  # a handler of ours must not silence it
    for each, its in added:
        each.addHandler(its)
    try:
        yield
    finally:
        for each, its in added:
            each.removeHandler(its)
        handler.close()


def _belongs(record: logging.LogRecord, study: str) -> bool:
    """Return whether a line is about a study; one process may serve several."""
    return str(getattr(record, "study", study)).partition("/")[0] == study

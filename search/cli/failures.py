"""What made runs fail: each reason once, the newest traceback, and how to see it happen again."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from search.cli.options import STORAGE
from search.loading import LoadedStudy
from search.protocol.searching import Options
from search.source import Source
from search.storage.database import Database
from search.storage.reader import read_series, series_names
from search.storage.records import SeriesRecord, TrialRecord
from search.storage.url import redact


def deliver(
    console: Console, *, table: str, page: str, path: Path, ended: str = "", failed: Sequence[str]
) -> None:
    """Write a command's HTML report, and print its table, what failed and where the report is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    for text in filter(None, (ended, table, *failed, f"Report: {path}")):
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def failure_lines(
    database: Database, loaded: LoadedStudy, options: Options, *, since: float = 0.0
) -> list[str]:
    """Return what is to be said of a study's failed trials.

    Parameters
    ----------
    database
        An open database.
    loaded
        The study, from its file.
    options
        Those of the command, for the commands that repeat a trial.
    since
        Seconds since the epoch: trials that had failed before were told before.
    """
    name = loaded.study.name
    lines: list[str] = []
    for one in series_names(database, name):
        series = read_series(database, one, steps=False)
        failed = [
            trial
            for trial in series.trials
            if trial.result
            and trial.result.outcome == "failed"
            and trial.result.finished >= since
            and trial.attempts  # what is made from others' runs cannot be trained
        ]
        if failed:
            lines += _lines(series, failed, loaded, options)
    return lines


def replay_command(
    file: Path,
    options: Options,
    *,
    arm: str | None = None,
    settings: Sequence[str] = (),
    seed: int | None = None,
    trial: int | None = None,
    series: str = "search",
) -> str:
    """Return the command that runs something once more, without any password."""
    words = ["winnow", "train", str(file)]
    words += ["--trial", str(trial)] if trial is not None else []
    words += ["--series", series] if series != "search" else []
    words += ["--arm", arm] if arm is not None else []
    words += [word for setting in settings for word in ("--set", setting)]
    words += ["--seed", str(seed)] if seed is not None else []
    words += ["--storage", redact(options.storage)] if options.storage != STORAGE else []
    words += ["--data", str(options.data)] if options.data is not None else []
    return shlex.join(words)


def _lines(
    series: SeriesRecord, failed: Sequence[TrialRecord], loaded: LoadedStudy, options: Options
) -> Iterator[str]:
    reasons = Counter(str(trial.result.reason) for trial in failed if trial.result)
    yield from (f"{count} failed: {reason}" for reason, count in reasons.most_common())
    newest = failed[-1]
    asked, label = newest.asked, series.study.partition("/")[2]
    yield f"Trial {newest.number} of {series.study} ({asked.arm}, seed {asked.seed}) failed with:"
    errors = [attempt.error for attempt in newest.attempts if attempt.error]
    yield from (error.rstrip() for error in errors[-1:])
    source = Source(**series.specification["source"])  # the study file may have changed since
    yield f"Configuration: {source.write(asked.configuration)}"
    command = replay_command(loaded.path, options, trial=newest.number, series=label)
    yield f"replay: {command}"

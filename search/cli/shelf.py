"""``winnow list``, ``status``, ``log``, ``rename``, ``archive``, ``tag``: a database's studies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.cli.options import STORAGE, Artifacts, Storage, existing_database
from search.errors import OptionError, StorageError
from search.protocol.searching import Options, artifacts_folder
from search.reports import shelf
from search.reports.text import ABSENT, plural, printable
from search.storage import shelving
from search.storage.database import Database
from search.storage.lock import Driver
from search.storage.reader import read_series, series_names
from search.storage.records import TrialRecord
from search.study_problems import name_problems

Name = Annotated[str, typer.Argument(help="The study's name.", show_default=False)]
SHOWN_FAILURES = 3
SHOWN_EVENTS = 40


def list_studies(
    storage: Storage = STORAGE,
    all_: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--all", help="Those that are archived, too.")
    ] = False,
) -> None:
    """List the studies of a database: whose they are, how far they are, who drives them.

    Example: [bold]winnow list --storage sqlite:///winnow.db[/]
    """
    with existing_database(storage) as database:
        found = shelf.cards(database, archived=all_)
    table = _table("study", "state", "runs", "owner", "tags", "since")
    for card in found:
        runs = _counts(card.outcomes)
        _row(table, card.name, _state(card), runs, card.owner or ABSENT,
             ", ".join(card.tags) or ABSENT, _date(card.created))  # fmt: skip
    console = Console()
    if not found:
        console.print("No study here.", highlight=False)
        return
    console.print(table)


def status(name: Name, storage: Storage = STORAGE) -> None:
    """Show how far a study is: its series, its looks, its last failures.

    Example: [bold]winnow status pi-tft[/]
    """
    console = Console()
    with existing_database(storage) as database:
        shelving.require_study(database, name)
        card, series = shelf.card_of(database, name), shelf.states(database, name)
        failed = shelf.failures(database, name)
    _say(console, f"{name}: {_state(card)}; owner {card.owner or 'not known'}, "
                  f"since {_date(card.created)}")  # fmt: skip
    table = _table("series", "runs")
    for state in series:
        _row(table, state.study, _counts(state.outcomes))
    console.print(table)
    for failure in failed[:SHOWN_FAILURES]:
        _say(console, f"{failure.study}#{failure.number} ({failure.arm}, seed {failure.seed}): "
                      f"{failure.reason.splitlines()[0]}")  # fmt: skip
    if len(failed) > SHOWN_FAILURES:
        _say(console, f"and {plural(len(failed) - SHOWN_FAILURES, 'further failure')}")


def log(
    name: Name,
    trial: Annotated[
        str | None,
        typer.Option(help="One run, such as replicate#17: its attempts, log and traceback."),
    ] = None,
    last: Annotated[int, typer.Option(help="Events that are shown.")] = SHOWN_EVENTS,
    storage: Storage = STORAGE,
) -> None:
    """Show what happened to a study's runs, or all that is known of one of them.

    Example: [bold]winnow log pi-tft --trial replicate#17[/]
    """
    console = Console()
    with existing_database(storage) as database:
        shelving.require_study(database, name)
        if trial is not None:
            _one(console, database, name, trial)
            return
        found = shelf.events(database, name)
    hidden = len(found) - max(0, last)
    if hidden > 0:
        _say(console, f"({plural(hidden, 'earlier event')}: --last {len(found)} shows all)")
    for event in found[max(0, hidden) :]:
        _say(console, f"{_date(event.when)}  {event.study}#{event.number}  {event.arm}  "
                      f"{event.words}  [{event.host}]")  # fmt: skip


def rename(
    name: Name,
    new: Annotated[str, typer.Argument(help="Its new name.", show_default=False)],
    storage: Storage = STORAGE,
    artifacts: Artifacts = None,
) -> None:
    """Give a study another name, with all its runs.

    Example: [bold]winnow rename pi-tft pi-tft-2025[/]
    """
    if problems := list(name_problems(new)):
        raise OptionError(problems[0])
    with existing_database(storage, write=True) as database:
        folder = artifacts_folder(database, Options(storage, artifacts=artifacts))
        shelving.rename(database, name, new, folder)
    _say(Console(), f'{name} is {new} now: write name="{new}" into its study file, too')


def archive(
    name: Name,
    undo: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--undo", help="Take it out again.")
    ] = False,
    storage: Storage = STORAGE,
) -> None:
    """Put a study away: lists no longer show it, and nothing is deleted.

    Example: [bold]winnow archive pi-tft[/]
    """
    with existing_database(storage, write=True) as database:
        shelving.archive(database, name, undo=undo)
    _say(Console(), f"{name} is {'back' if undo else 'archived; --undo takes it out again'}")


def tag(
    name: Name,
    tags: Annotated[list[str], typer.Argument(help="Labels.", show_default=False)],
    remove: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--remove", help="Take the labels off.")
    ] = False,
    storage: Storage = STORAGE,
) -> None:
    """Label a study.

    Example: [bold]winnow tag pi-tft paper figure-2[/]
    """
    with existing_database(storage, write=True) as database:
        shelving.add_tags(database, name, tags, remove=remove)
        left = shelving.tags_of(database, name)
    _say(Console(), f"{name}: {', '.join(left) or 'no tags'}")


def _one(console: Console, database: Database, name: str, text: str) -> None:
    """Print one run: what was asked, every attempt, the last one's log and traceback."""
    series, _, digits = text.removeprefix(f"{name}/").rpartition("#")
    known = series_names(database, name)
    study = f"{name}/{series}" if series else next(iter(known))
    found = {t.number: t for t in read_series(database, study).trials}
    if not digits.isdigit() or int(digits) not in found:
        raise StorageError(f"'{study}' has no run #{digits}; it has {len(found)}")
    run = found[int(digits)]
    _say(console, f"{study}#{run.number}: {run.asked.arm}, seed {run.asked.seed}, {run.outcome}")
    for path, value in run.asked.changes.items():
        _say(console, f"  {path} = {value!r}")
    _attempts(console, run)


def _attempts(console: Console, run: TrialRecord) -> None:
    for attempt in run.attempts:
        ended = "now" if attempt.ended is None else f"{_date(attempt.ended)}, {attempt.end}"
        _say(console, f"attempt {attempt.number} on {attempt.host} (process {attempt.pid}): "
                      f"{_date(attempt.started)} to {ended}")  # fmt: skip
        for words in (attempt.log, attempt.error):
            if words:
                _say(console, words.rstrip())


def _state(card: shelf.StudyCard) -> str:
    parts = [_driven(card.driver)] if card.driver else []
    if card.archived is not None:
        parts.append("archived")
    if card.registered:
        parts.append(f"{card.looks[0]} of {plural(card.looks[1], 'look')} taken")
    return ", ".join(parts) or "a search"


def _driven(driver: Driver) -> str:
    return f"driven by process {driver.pid} on {driver.host}"


def _counts(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {outcome}" for outcome, n in sorted(outcomes.items())) or ABSENT


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M}"


def _table(*heads: str) -> Table:
    found = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        found.add_column(head, overflow="fold")
    return found


def _row(table: Table, *cells: str) -> None:
    table.add_row(*(Text(printable(cell)) for cell in cells))


def _say(console: Console, text: str) -> None:
    console.print(Text(printable(text)), soft_wrap=True)

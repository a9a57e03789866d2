"""What a database holds: its studies at a glance, one study's state, and what happened to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from search.storage.database import Database
from search.storage.lock import Driver, driver_of
from search.storage.reader import read_series, series_names, study_names
from search.storage.records import SeriesRecord, TrialRecord
from search.storage.registrations import read_registrations


@dataclass(frozen=True)
class StudyCard:
    """One study at a glance.

    Parameters
    ----------
    name
        Of the study.
    owner, tags, archived, created
        As stored with its series.
    driver
        Who drives it now.
    outcomes
        Trials by outcome, all series together; "running" for those that have not ended.
    registered
        Whether it has a priority table.
    looks
        Looks taken, and planned.
    """

    name: str
    owner: str | None
    tags: tuple[str, ...]
    archived: float | None
    created: float
    driver: Driver | None
    outcomes: Mapping[str, int]
    registered: bool
    looks: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class SeriesState:
    """One series of a study: its trials by outcome."""

    study: str
    kind: str
    outcomes: Mapping[str, int]


@dataclass(frozen=True)
class Failure:
    """A run that failed or diverged, and why."""

    study: str
    number: int
    arm: str
    seed: int
    reason: str
    changes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something that happened; `when` in seconds since the epoch."""

    when: float
    study: str
    number: int
    arm: str
    host: str
    words: str


def cards(database: Database, *, archived: bool = False) -> tuple[StudyCard, ...]:
    """Return every study of a database at a glance, oldest first.

    Parameters
    ----------
    database
        An open database.
    archived
        Whether those are shown that are put away.
    """
    found = (card_of(database, name) for name in study_names(database))
    return tuple(card for card in found if archived or card.archived is None)


def card_of(database: Database, name: str) -> StudyCard:
    """Return one study at a glance."""
    heads = [read_series(database, one, steps=False) for one in series_names(database, name)]
    versions = read_registrations(database, name)
    counts: Counter[str] = Counter()
    for head in heads:
        counts += Counter(_outcomes(head))
    planned = len(versions[-1].specification["looks"]) if versions else 0
    tags = dict.fromkeys(tag for head in heads for tag in head.tags)
    return StudyCard(
        name=name,
        owner=next((head.owner for head in heads if head.owner), None),
        tags=tuple(tags),
        archived=next((head.archived for head in heads if head.archived), None),
        created=min(head.created for head in heads),
        driver=driver_of(database, name),
        outcomes=dict(counts),
        registered=bool(versions),
        looks=(len(versions[-1].looks) if versions else 0, planned),
    )


def states(database: Database, name: str) -> tuple[SeriesState, ...]:
    """Return every series of a study."""
    found = [read_series(database, one, steps=False) for one in series_names(database, name)]
    return tuple(SeriesState(head.study, head.kind, _outcomes(head)) for head in found)


def _outcomes(series: SeriesRecord) -> dict[str, int]:
    return dict(Counter(trial.outcome for trial in series.trials))


def failures(database: Database, name: str) -> tuple[Failure, ...]:
    """Return the runs of a study that failed or diverged, newest first."""
    found: list[tuple[float, Failure]] = []
    for one in series_names(database, name):
        for trial in read_series(database, one, steps=False).trials:
            if trial.result is not None and trial.outcome in ("failed", "diverged"):
                asked = trial.asked
                words = trial.result.reason or trial.outcome
                failure = Failure(one, trial.number, asked.arm, asked.seed, words, asked.changes)
                found.append((trial.result.finished, failure))
    return tuple(failure for _, failure in sorted(found, key=lambda pair: -pair[0]))


def events(database: Database, name: str) -> tuple[Event, ...]:
    """Return what happened to a study's runs, oldest first."""
    found: list[Event] = []
    for one in series_names(database, name):
        for trial in read_series(database, one, steps=False).trials:
            found += _of_trial(one, trial)
    return tuple(sorted(found, key=lambda event: event.when))


def _of_trial(study: str, trial: TrialRecord) -> Iterator[Event]:
    for attempt in trial.attempts:
        told = study, trial.number, trial.asked.arm, attempt.host
        begun = f"goes on from step {attempt.start_step}" if attempt.start_step else "starts"
        yield Event(attempt.started, *told, f"{begun}, seed {trial.asked.seed}")
        if attempt.ended is None:
            continue
        yield Event(attempt.ended, *told, _ended(trial, attempt.number, str(attempt.end)))


def _ended(trial: TrialRecord, attempt: int, end: str) -> str:
    last = attempt == trial.attempts[-1].number
    reason = trial.result.reason if trial.result and last else None
    return f"{end}: {reason.splitlines()[0]}" if reason else end

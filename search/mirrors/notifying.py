"""Who waits for a study is told: a look has been taken, an arm is dead, the study has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from search.engine.stream import Stream
from search.errors import WinnowError
from search.mirrors.outbox import Outbox
from search.mirrors.webhook import Webhook, news, shown_webhook
from search.ranking import rank_study
from search.ranking.measured import measured_runs
from search.storage.database import Database
from search.storage.reader import read_series
from search.storage.registrations import read_registrations
from search.storage.url import scrub

LONGEST_REASON = 300  # characters of what an arm raised


class Notifier:
    """A listener that tells a webhook what a person would want to be woken for.

    Parameters
    ----------
    study
        The name of the study.
    outbox
        Where the news go.
    """

    def __init__(self, study: str, outbox: Outbox) -> None:
        self._study, self._outbox = study, outbox
        self._at: tuple[int, int, int] | None = None
        self._looks: int | None = None
        self._dead: set[str] | None = None

    def __call__(self, stream: Stream) -> None:
        """Take note of an event; the database is read only when a measured run has ended."""
        measured = [t for t in stream.series if t.study == f"{self._study}/replicate"]
        if not measured:
            return
        counts = [trials.counts for trials in measured]
        ended = sum(count.finished for count in counts)
        failed = sum(count.outcomes.get("failed", 0) for count in counts)
        before, self._at = self._at, (len(stream.series), ended, failed)
        if before == self._at:
            return
        database = measured[-1].series.database
        if before is None or failed != before[2]:
            self._look_for_bugs(database)
        self._look_for_looks(database)

    def ended(self, database: Database | None, ended_by: str | None, **details: Any) -> None:
        """Tell that the command has come to its end, and first what happened right before."""
        if database is not None and self._looks is not None:
            self._look_for_looks(database)
        if ended_by is None:
            self._tell("done", f"{self._study}: done", **details)
        else:
            self._tell("stopped", f"{self._study}: stopped by {ended_by}", by=ended_by, **details)

    def _look_for_bugs(self, database: Database) -> None:
        bugs, dead = _bugs(database, self._study), self._dead
        self._dead = set(bugs)
        if dead is None:  # what an earlier command has seen is no news
            return
        for arm in bugs.keys() - dead:
            words = scrub(bugs[arm], database.url)[:LONGEST_REASON]
            self._tell("arm-dead", f"{self._study}: {arm} is dead: {words}", arm=arm, why=words)

    def _look_for_looks(self, database: Database) -> None:
        taken = read_registrations(database, self._study)[-1].looks
        before, self._looks = self._looks, len(taken)
        if before is not None and len(taken) > before:
            self._look(database, taken[-1]["n_seeds"])

    def _look(self, database: Database, n_seeds: int) -> None:
        rows = [
            {
                "technique": row.technique,
                "verdict": None if row.verdict is None else str(row.verdict.value),
                "effect": row.effect,
                "n_seeds": row.n_seeds,
            }
            for row in rank_study(database, self._study).table.rows
        ]
        judged = [f"{row['technique']}: {row['verdict']}" for row in rows if row["verdict"]]
        text = f"{self._study}: look at {n_seeds} seeds; {', '.join(judged) or 'nothing settled'}"
        self._tell("look", text, n_seeds=n_seeds, techniques=rows)

    def _tell(self, event: str, text: str, **details: Any) -> None:
        self._outbox.put(news(event, self._study, text, **details))


def _bugs(database: Database, study: str) -> Mapping[str, str]:
    """Return the arms whose first runs have all raised the same, and what."""
    specification = read_registrations(database, study)[-1].specification
    series = read_series(database, f"{study}/replicate", steps=False)
    return measured_runs([series], specification, specification["seeds"]).bugs()


@contextmanager
def notifying(url: str | None, study: str) -> Iterator[Notifier | None]:
    """Yield a listener for a command, if there is an address; an error is told before it leaves.

    Parameters
    ----------
    url
        Of the webhook, or None.
    study
        The name of the study.
    """
    if url is None:
        yield None
        return
    outbox = Outbox(f"--notify {shown_webhook(url)}", Webhook(url))
    notifier = Notifier(study, outbox)
    try:
        yield notifier
    except KeyboardInterrupt:
        notifier.ended(None, "its user (the same command goes on)")
        raise
    except WinnowError as error:
        notifier.ended(None, f"an error of winnow ({type(error).__name__})")
        raise
    except BaseException as error:
        notifier.ended(None, f"an unexpected error ({type(error).__name__})")
        raise
    finally:
        outbox.close()

"""Copies of finished runs in other trackers: opt-in, read from the database, never read back.

A thread reads the database, which remains the only truth, and gives every finished run that a
tracker does not know yet to it, with all its steps. So nothing is lost while a tracker is out:
what it has missed it gets later, from this command or from the next. Neither its speed nor its
silence reaches the driver, and reading takes a twentieth of the thread's time at most.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from search.errors import OptionError, WinnowError, near_miss
from search.mirrors.mlflow import MlflowMirror
from search.mirrors.tensorboard import TensorBoardMirror
from search.mirrors.wandb import WandbMirror
from search.storage.database import Database
from search.storage.reader import read_series, series_names
from search.storage.records import SeriesRecord, TrialRecord

logger = logging.getLogger(__name__)
PAUSE_S = 5.0  # between two readings, at least
SHARE = 20  # … and so many times what the last one took
PATIENCE_S = 20.0  # at the end, for what is still to be copied
MEASURED = ("search", "confirm", "replicate", "stack", "aa", "tune", "design")


class Mirror(Protocol):
    """A tracker that runs are copied to."""

    @property
    def shown(self) -> str:
        """What it is, in words that may be printed."""

    @property
    def troubles(self) -> tuple[type[Exception], ...]:
        """What it raises when it cannot be reached."""

    def known(self, study: str) -> set[str]:
        """Return the keys of the runs of a study that it holds whole."""

    def copy(self, key: str, series: SeriesRecord, trial: TrialRecord) -> None:
        """Take over a run, under a key of its own; one that it holds in part is replaced."""


def parse_mirror(text: str) -> Mirror:
    """Return the mirror that ``--mirror`` names.

    Raises
    ------
    OptionError
        If there is none of this kind, or its address is wrong.
    """
    kind, _, where = text.partition(":")
    where = where or HERE.get(kind, "")
    if kind not in KINDS or not where:
        known = "mlflow:http://HOST:PORT, tensorboard:FOLDER or wandb[:FOLDER]"
        near = near_miss(kind, KINDS) if kind not in KINDS else ""
        raise OptionError(f"--mirror takes {known}{near}")
    return KINDS[kind](where)


class Mirroring:
    """A thread that keeps mirrors of one study up to date.

    Parameters
    ----------
    storage
        URL of the study database.
    study
        The name of the study.
    mirrors
        Where its runs are copied to.
    pause_s
        Seconds between two readings.
    """

    def __init__(
        self, storage: str, study: str, mirrors: Sequence[Mirror], *, pause_s: float = PAUSE_S
    ) -> None:
        self._storage, self._study, self._pause_s = storage, study, pause_s
        self._mirrors = tuple(mirrors)
        self._known: dict[int, set[str]] = {}
        self._warned: set[int] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mirrors", daemon=True)
        self._thread.start()

    def close(self, patience_s: float = PATIENCE_S) -> None:
        """Copy what is left; give up after `patience_s` seconds."""
        self._end.set()
        self._thread.join(patience_s)
        if self._thread.is_alive():
            logger.warning("the mirrors lack runs; the same command again copies them")

    def _work(self) -> None:
        ending, took = False, 0.0
        while not ending:
            ending = self._end.wait(max(self._pause_s, SHARE * took))
            began = time.monotonic()
            try:
                found = self._finished()
            except WinnowError:
                continue  # the driver has the same trouble, and says so
            took = time.monotonic() - began
            for place, mirror in enumerate(self._mirrors):
                self._copy(place, mirror, found)

    def _finished(self) -> list[tuple[str, SeriesRecord, TrialRecord]]:
        """Return the runs that have ended; none before the driver has made the database."""
        database = Database(self._storage, create=False)
        try:
            names = series_names(database, self._study)
            found = [read_series(database, name) for name in names]
        finally:
            database.close()
        return [
            (f"{series.study}#{trial.number}@{series.created:.0f}", series, trial)
            for series in found
            if series.kind in MEASURED
            for trial in series.trials
            if trial.result is not None
        ]

    def _copy(
        self, place: int, mirror: Mirror, found: list[tuple[str, SeriesRecord, TrialRecord]]
    ) -> None:
        try:
            if place not in self._known:
                self._known[place] = mirror.known(self._study)
            for key, series, trial in found:
                if key not in self._known[place]:
                    mirror.copy(key, series, trial)
                    self._known[place].add(key)
        except mirror.troubles as error:
            if place not in self._warned:
                self._warned.add(place)
                logger.warning(
                    "--mirror %s does not take runs (%s); the study goes on, and it gets them "
                    "later", mirror.shown, error,
                )  # fmt: skip


KINDS: dict[str, Callable[[str], Mirror]] = {
    "mlflow": MlflowMirror.at,
    "tensorboard": TensorBoardMirror.at,
    "wandb": WandbMirror.at,
}
HERE = {"wandb": "."}  # where its own tools look


@contextmanager
def mirroring(storage: str, study: str, mirrors: Sequence[Mirror]) -> Iterator[None]:
    """Keep mirrors up to date while the block runs, and once more at its end."""
    if not mirrors:
        yield
        return
    found = Mirroring(storage, study, mirrors)
    try:
        yield
    finally:
        found.close()

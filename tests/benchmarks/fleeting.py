"""A search whose trials are not written down, for questions that are not the database's.

Everything else is what a search is made of: the book-keeping, the sampler, the scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from search.engine.trials import Trials
from search.loading import LoadedStudy
from search.protocol.joint_search import JointSearch
from search.protocol.searching import Options, open_trials
from search.protocol.specification import search_specification
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.records import Asked, Attempt, Checkpoint, Result, RunFlag, Step
from search.study import Study
from tests.benchmarks import learning


class Fleeting(Series):
    """A series that gives numbers to trials, and forgets all that it is told of them."""

    _next = 0

    def ask(self, asked: Asked, attributes: Mapping[str, Any]) -> int:  # noqa: ARG002 - Series'
        """Return the next number."""
        self._next += 1
        return self._next - 1

    def start(self, number: int, attempt: Attempt) -> None:
        """Forget it."""

    def record(
        self,
        number: int,
        attempt: int,
        steps: Sequence[Step] = (),
        checkpoints: Sequence[Checkpoint] = (),
        *,
        flags: Sequence[RunFlag] = (),
        diagnostics: str | None = None,
        begun: Attempt | None = None,
        ended: Attempt | None = None,
        result: Result | None = None,
        kept: Checkpoint | None = None,
        lost: Sequence[int] = (),
    ) -> None:
        """Forget it."""

    def draw(self, number: int, values: Mapping[int, float]) -> None:
        """Forget it."""

    def tell(self, number: int, result: Result, attributes: Mapping[str, Any]) -> None:
        """Forget it."""

    def mirror(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Forget it."""

    def mirror_study(self, attributes: Mapping[str, Any]) -> None:
        """Forget it."""


def loaded(study: Study) -> LoadedStudy:
    """Return a study of curves as if it came from a file."""
    return LoadedStudy(study, learning, Path(learning.__file__), {})


def fleeting_search(database: Database, study: Study, options: Options, *, trials: int) -> Trials:
    """Return a new search that only its own process knows of."""
    folder = Path(learning.__file__).parent
    specification = search_specification(study, n_trials=trials, seed=options.seed, folder=folder)
    directions = [goal.direction for goal in study.goals]
    series = Fleeting(database, f"{study.name}/search", "search", directions, specification)
    policy = JointSearch(study, series, n_trials=trials, seed=options.seed)
    return open_trials(loaded(study), options, series, policy)

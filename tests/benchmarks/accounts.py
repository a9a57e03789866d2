"""The account of a search that was killed: every trial exists, and ended once."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, fields

from search.storage.database import Database
from search.storage.reader import read_series

ENDS = ("complete", "pruned", "diverged")


@dataclass(frozen=True)
class Account:
    """How many trials are not as they should be.

    Parameters
    ----------
    lost
        Missing in Optuna's tables or in ours, or given up.
    left_running
        Unfinished in Optuna's tables or in ours.
    ended_twice
        More than one attempt reached an end.
    counted_twice
        Beyond the wanted ones, or with a configuration that another one has.
    """

    lost: int = 0
    left_running: int = 0
    ended_twice: int = 0
    counted_twice: int = 0

    def __add__(self, other: Account) -> Account:
        """Return the account of both."""
        names = [field.name for field in fields(self)]
        return Account(*(getattr(self, name) + getattr(other, name) for name in names))


def account_for(url: str, study: str, wanted: int) -> Account:
    """Return the account of a search that has been brought to its end.

    Parameters
    ----------
    url
        The study database.
    study
        Optuna's study name.
    wanted
        How many trials it should have.
    """
    database = Database(url, create=False)
    try:
        ours = {trial.number: trial for trial in read_series(database, study, steps=False).trials}
        study_id = database.optuna.get_study_id_from_name(study)
        theirs = {trial.number: trial for trial in database.optuna.get_all_trials(study_id)}
    finally:
        database.close()
    given_up = [n for n, trial in ours.items() if trial.outcome == "failed"]
    running = {n for n, trial in ours.items() if trial.result is None}
    running |= {n for n, trial in theirs.items() if not trial.state.is_finished()}
    ends = [sum(attempt.end in ENDS for attempt in trial.attempts) for trial in ours.values()]
    same = Counter(json.dumps(trial.asked.configuration) for trial in ours.values())
    known = ours.keys() | theirs.keys()
    return Account(
        lost=len(set(range(wanted)) - (ours.keys() & theirs.keys())) + len(given_up),
        left_running=len(running),
        ended_twice=sum(count > 1 for count in ends),
        counted_twice=len(known - set(range(wanted))) + same.total() - len(same),
    )

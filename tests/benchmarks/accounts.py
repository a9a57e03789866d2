"""The account of a search that was killed: every trial exists, and ended once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from search.storage.database import Database
from search.storage.ledger import STATES
from search.storage.reader import read_series
from search.storage.records import TrialRecord
from tests.benchmarks.crashing import MAX_STEPS, TRIALS, loss, storage

STUDY = "crashing/search"
ENDS = ("complete", "pruned")


@dataclass(frozen=True)
class Account:
    """What was found.

    Parameters
    ----------
    lost
        Trials that are missing, or ended in another way than by running.
    left_running
        Trials that Optuna's tables or ours take for unfinished.
    ended_twice
        Trials of which more than one attempt reached its end.
    counted_twice
        Trials beyond those wanted, or with a configuration that another one has.
    wrong
        Trials whose curve is not the one an uninterrupted run gives, or on whose end Optuna's
        tables and ours do not agree.
    repeated_steps
        Steps that a later attempt made again; the price of a kill.
    problems
        Every fault, in words.
    """

    lost: int
    left_running: int
    ended_twice: int
    counted_twice: int
    wrong: int
    repeated_steps: int
    problems: tuple[str, ...]


def account_for(folder: Path) -> Account:
    """Return the account of the search in a folder."""
    database = Database(storage(folder), create=False)
    try:
        trials = read_series(database, STUDY).trials
        study_id = database.optuna.get_study_id_from_name(STUDY)
        optunas = {trial.number: trial for trial in database.optuna.get_all_trials(study_id)}
    finally:
        database.close()
    same = Counter(trial.asked.configuration["x"] for trial in trials)
    twice = sum(same.values()) - len(same) + max(0, max(len(trials), len(optunas)) - TRIALS)
    found = [(fault, text) for trial in trials for fault, text in _faults(trial, optunas)]
    found += [("lost", "missing")] * max(0, TRIALS - min(len(trials), len(optunas)))
    counts = Counter(fault for fault, _ in found)
    return Account(
        lost=counts["lost"],
        left_running=counts["running"],
        ended_twice=counts["ended twice"],
        counted_twice=twice,
        wrong=counts["wrong"],
        repeated_steps=sum(len(trial.superseded) for trial in trials),
        problems=tuple(f"{fault}: {text}" for fault, text in found),
    )


def _faults(trial: TrialRecord, optunas: dict[int, FrozenTrial]) -> Iterator[tuple[str, str]]:
    other = optunas.get(trial.number)
    where = f"trial {trial.number}, {trial.outcome}"
    if other is None:
        yield "lost", f"{where}: not in Optuna's tables"
    elif trial.result is None or not other.state.is_finished():
        yield "running", f"{where}, {other.state.name} in Optuna's tables"
    elif other.state != STATES[trial.outcome]:
        yield "wrong", f"{where}, {other.state.name} in Optuna's tables"
    if trial.result is not None and trial.outcome not in ENDS:
        yield "lost", f"{where}: {trial.result.reason}"
    ended = sum(attempt.end in ENDS for attempt in trial.attempts)
    if ended > 1:
        yield "ended twice", f"{where}: {ended} attempts reached an end"
    if trial.outcome in ENDS and (wrong := _wrong_curve(trial, other)):
        yield "wrong", f"{where}: {wrong}"


def _wrong_curve(trial: TrialRecord, other: FrozenTrial | None) -> str | None:
    x, curve = trial.asked.configuration["x"], trial.curve("val_loss")
    last = trial.result.step if trial.result and trial.result.step else 0
    if trial.outcome == "complete" and last != MAX_STEPS:
        return f"complete after {last} steps"
    if curve != tuple((step, loss(x, step)) for step in range(1, last + 1)):
        return f"its curve is {curve}"
    if other is None or other.state != TrialState.COMPLETE:
        return None
    if other.value != loss(x, last):
        return f"Optuna has the value {other.value}"
    return None

"""Optuna's own loop, in this process: one trial after the other, every step reported."""

from __future__ import annotations

import time
from pathlib import Path

import optuna

from search.storage.database import Database
from tests.benchmarks.noop import DROPOUT, LR, WIDTHS, loss
from tests.benchmarks.timing import Timing


def run_optuna(folder: Path, *, trials: int, steps: int, tuned: bool) -> Timing:
    """Run a search of nothing.

    Parameters
    ----------
    folder
        Where SQLite may write.
    trials, steps
        How many, and of how many steps.
    tuned
        Whether SQLite is opened as winnow opens it (write-ahead log, relaxed flushes), else as
        Optuna does.
    """
    url = f"sqlite:///{folder / 'optuna.db'}"
    storage = Database(url).optuna if tuned else optuna.storages.RDBStorage(url)
    study = optuna.create_study(storage=storage, study_name="noop", direction="minimize")
    first: list[float] = []
    ends: list[float] = []

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", *LR, log=True)
        dropout = trial.suggest_float("dropout", *DROPOUT)
        width = trial.suggest_categorical("width", WIDTHS)
        value = 0.0
        for step in range(1, steps + 1):
            value = loss(lr, dropout, width, step)
            first.append(time.time())
            trial.report(value, step)
        return value

    def ended(_study: optuna.Study, _trial: optuna.trial.FrozenTrial) -> None:
        ends.append(time.time())

    study.optimize(objective, n_trials=trials, callbacks=[ended])
    return Timing(first[0], tuple(ends))

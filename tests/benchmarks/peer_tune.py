"""Ray Tune as it comes, with and without Optuna, actor reuse and loggers."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import ray
from ray import tune
from ray.tune.search.optuna import OptunaSearch

from tests.benchmarks.noop import DROPOUT, LR, WIDTHS, loss
from tests.benchmarks.timing import WORKERS, Timing


class Nothing(tune.Trainable):
    """A class trainable that can be reused: Tune's cheapest kind."""

    def setup(self, config: dict[str, Any]) -> None:
        """Begin a trial."""
        self._config, self._done = dict(config), 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial in the same process."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Do nothing, once."""
        self._done += 1
        steps = self._config["steps"]
        return {**_metrics(self._config, self._done), "done": self._done >= steps}

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:  # noqa: ARG002 - Tune's
        """Save nothing."""
        return {}

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Load nothing."""


def nothing(config: dict[str, Any]) -> None:
    """Do nothing, the usual way: a function that reports."""
    for step in range(1, config["steps"] + 1):
        tune.report(_metrics(config, step))


def _metrics(config: Mapping[str, Any], step: int) -> dict[str, float]:
    value = loss(config["lr"], config["dropout"], config["width"], step)
    return {"val_loss": value, "at": time.time()}


class Clock(tune.Callback):
    """Notes the first step, and when the driver has booked the end of each trial."""

    def __init__(self) -> None:
        self.first_step: float | None = None
        self.ends: list[float] = []

    def on_trial_result(
        self,
        iteration: int,  # noqa: ARG002 - Tune's signature
        trials: list[Any],  # noqa: ARG002 - Tune's signature
        trial: Any,  # noqa: ARG002 - Tune's signature
        result: dict[str, Any],
        **info: Any,  # noqa: ARG002 - Tune's signature
    ) -> None:
        """Note the first step."""
        if self.first_step is None:
            self.first_step = result["at"]

    def on_trial_complete(
        self,
        iteration: int,  # noqa: ARG002 - Tune's signature
        trials: list[Any],  # noqa: ARG002 - Tune's signature
        trial: Any,  # noqa: ARG002 - Tune's signature
        **info: Any,  # noqa: ARG002 - Tune's signature
    ) -> None:
        """Note the end of a trial."""
        self.ends.append(time.time())


def run_tune(
    folder: Path, *, trials: int, steps: int, reuse: bool, loggers: bool, stored: bool
) -> Timing:
    """Run a search of nothing.

    Parameters
    ----------
    folder
        Where Tune and SQLite may write.
    trials, steps
        How many, and of how many steps.
    reuse
        Whether worker processes are kept, with a trainable that allows it.
    loggers
        Whether Tune's default loggers write.
    stored
        Whether Optuna's TPE proposes and records in SQLite; else Tune draws at random and nothing
        is stored.
    """
    if not loggers:
        os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    ray.init(include_dashboard=False, log_to_driver=False)
    clock = Clock()
    tuner = tune.Tuner(
        Nothing if reuse else nothing,
        param_space=_space(steps),
        tune_config=tune.TuneConfig(
            metric="val_loss",
            mode="min",
            num_samples=trials,
            max_concurrent_trials=WORKERS,
            reuse_actors=reuse,
            search_alg=_optuna(folder) if stored else None,
        ),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0, callbacks=[clock]),
    )
    tuner.fit()
    ray.shutdown()
    return Timing(clock.first_step or 0.0, tuple(clock.ends))


def _space(steps: int) -> dict[str, Any]:
    return {
        "lr": tune.loguniform(*LR),
        "dropout": tune.uniform(*DROPOUT),
        "width": tune.choice(list(WIDTHS)),
        "steps": steps,
    }


def _optuna(folder: Path) -> OptunaSearch:
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / 'tune.db'}")
    return OptunaSearch(storage=storage, study_name="noop")  # it takes the space from Tune's

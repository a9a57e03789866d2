"""The search that is killed: ``python -m tests.benchmarks.crashing ENGINE FOLDER``.

A small search by a class that resumes from checkpoints. What a step reports follows from the
configuration and from the number of steps the model has made, so that a wrong resumption shows.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import optuna

from search import Float, Objective, Resources, Space, Study
from search.engine.stream import Limits, Stream
from search.loading import LoadedStudy
from search.protocol.searching import EngineName, Options, run_search

TRIALS = 24
MAX_STEPS = 9
STEP_S = 0.05


@dataclass(frozen=True)
class Config:
    """One number, by which a trial is known."""

    x: float = 0.5


class Model:
    """Counts its steps."""

    def __init__(self, config: Config, *, seed: int) -> None:
        del seed
        self._x, self._steps = config.x, 0

    def step(self) -> Mapping[str, float]:
        """Make one step, which takes a while."""
        time.sleep(STEP_S)
        self._steps += 1
        return {"val_loss": loss(self._x, self._steps)}

    def save(self, directory: Path) -> None:
        """Write the number of steps."""
        (directory / "steps.json").write_text(json.dumps(self._steps))

    def load(self, directory: Path) -> None:
        """Go on from where `save` was called."""
        self._steps = json.loads((directory / "steps.json").read_text())


def loss(x: float, steps: int) -> float:
    """Return what a model with this number reports after so many steps."""
    return x + 1 / steps


STUDY = Study(
    name="crashing",
    trainable=Model,
    space=Space(baseline=Config(), domains={"x": Float(0.0, 1.0)}),
    objective=Objective("val_loss", "minimize"),
    max_steps=MAX_STEPS,
    resources=Resources(cpus=1, gpus=0),
)


def storage(folder: Path) -> str:
    """Return the URL of the study database in a folder."""
    return f"sqlite:///{folder / 'crashing.db'}"


def ready_file(folder: Path, pid: int) -> Path:
    """Return the file that a driver makes once a worker has reported."""
    return folder / f"ready-{pid}"


def drive(engine: EngineName, folder: Path) -> None:
    """Search until `TRIALS` trials exist, or go on with it."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ready = ready_file(folder, os.getpid())

    def listen(stream: Stream) -> None:
        if any(live.attempt for trials in stream.series for live in trials.live.values()):
            ready.touch()

    run_search(
        LoadedStudy(STUDY, sys.modules[__name__], Path(__file__), {}),
        Options(storage(folder), engine=engine),
        trials=TRIALS,
        limits=Limits(),
        confirm=0,
        listener=listen,
    )


if __name__ == "__main__":
    from tests.benchmarks import crashing  # under its own name: workers unpickle from there

    crashing.drive("ray" if sys.argv[1] == "ray" else "local", Path(sys.argv[2]))

"""Guards in a worker: where a run ends, what travels with its batches, and what a rerun knows."""

# ruff: noqa: ARG001, ARG002 - arguments are those of an interface

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.engine.job import Batch, Job, Task
from search.engine.worker import Worker
from search.guards import Guard
from search.objective import Objective
from search.trainable import Predictions


@dataclass(frozen=True)
class Config:
    lr: float = 0.1


def make_worker(trainable: Any, folder: Path, *guards: Guard, **job: Any) -> Worker:
    goal = Objective("val_ap", "maximize")
    task = Task(trainable, Config(), (goal.metric,), guards=guards, goals=(goal,))
    return Worker(task, Job("toy/search", 0, {}, 7, 9, job.pop("halts", ()), str(folder), **job))


def run(worker: Worker) -> list[Batch]:
    found = [worker.advance()]
    while found[-1].end is None:
        found.append(worker.advance())
    return found


def said(batch: Batch) -> list[tuple[str, int]]:
    return [(flag.kind, flag.step) for flag in batch.flags]


def collapsing(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    for step in range(1, 10):
        yield {"val_ap": 0.1 * step, "loss": 0.0 if step == 4 else 1.0, "test_loss": 0.0}


def test_a_guard_ends_a_run_at_its_step(tmp_path: Path) -> None:
    (batch,) = run(make_worker(collapsing, tmp_path, Guard("collapse", action="stop")))
    assert batch.end == "diverged"
    assert [step.step for step in batch.steps] == [1, 2, 3, 4]
    assert [(flag.metric, flag.step, flag.stops) for flag in batch.flags] == [("loss", 4, True)]


def test_a_guard_that_flags_travels_with_the_batch_of_its_step(tmp_path: Path) -> None:
    batches = run(make_worker(collapsing, tmp_path, Guard("collapse"), halts=(2, 6)))
    assert [said(batch) for batch in batches] == [[], [("collapse", 4)], []]
    assert batches[-1].end == "complete"


@pytest.mark.parametrize("action", ["flag", "stop"])
def test_held_out_metrics_set_no_guard_off(tmp_path: Path, action: Any) -> None:
    def train(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
        for step in range(9):
            healthy = {"val_ap": 0.1 * step, "loss": 1.0}
            yield healthy | {"test_loss": math.nan, "test_mse": -1.0, "test_prediction_sd": 0.0}

    kinds = ("collapse", "non_finite", "negative", "constant")
    guards = [Guard(kind, action=action) for kind in kinds]  # type: ignore[arg-type]
    (batch,) = run(make_worker(train, tmp_path, *guards))
    assert (batch.end, batch.flags) == ("complete", ())


class Model:
    """Counts its steps; its objective peaks at step 2."""

    def __init__(self, config: Config, *, seed: int) -> None:
        self.steps = 0

    def step(self) -> Mapping[str, float]:
        self.steps += 1
        return {"val_ap": 1 / (1 + abs(self.steps - 2)), "grad_norm": 0.0}

    def save(self, directory: Path) -> None:
        (directory / "steps").write_text(str(self.steps))

    def load(self, directory: Path) -> None:
        assert [path.name for path in directory.glob("s*")] == ["steps"]
        self.steps = int((directory / "steps").read_text())


class Flat(Model):
    """Predicts the same of every row; asked as often as it says."""

    asked = 0

    def predict(self, split: str) -> Predictions:
        type(self).asked += 1
        return Predictions(np.tile([0.2, 0.8], (5, 1)), np.array([0, 1, 0, 1, 0]))


def test_a_lost_run_goes_on_with_what_its_guards_had_seen(tmp_path: Path) -> None:
    guards = Guard("no_improvement", steps=4), Guard("gradient_vanishing", steps=5)
    lost = make_worker(Model, tmp_path, *guards, halts=(1, 3))
    for _ in range(3):
        lost.advance()
    (batch,) = run(make_worker(Model, tmp_path, *guards, halts=(1, 3)))
    assert batch.start_step == 3
    assert said(batch) == [("gradient_vanishing", 5), ("no_improvement", 6)]


def test_constant_predictions_are_found_at_the_end_of_a_run_that_predicts(tmp_path: Path) -> None:
    Flat.asked = 0
    (batch,) = run(make_worker(Flat, tmp_path, Guard("constant", action="stop")))
    assert (batch.end, said(batch)) == ("diverged", [("constant", 9)])
    assert Flat.asked == 1
    run(make_worker(Flat, tmp_path / "none", Guard("collapse")))
    assert Flat.asked == 1  # nobody wants to know
    kept = str(tmp_path / "kept")
    (batch,) = run(make_worker(Flat, tmp_path / "two", Guard("constant"), predictions=kept))
    assert (batch.end, said(batch)) == ("complete", [("constant", 9)])
    assert Flat.asked == 3  # validation and test, once each


def test_without_guards_nothing_is_said(tmp_path: Path) -> None:
    (batch,) = run(make_worker(collapsing, tmp_path))
    assert (batch.end, batch.flags) == ("complete", ())

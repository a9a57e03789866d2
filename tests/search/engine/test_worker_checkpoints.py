"""A class trainable in a worker: when it is saved, and where a new worker takes it up."""

# ruff: noqa: ARG002 - arguments are those of an interface

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from search.engine.checkpoints import MANIFEST
from search.engine.job import Job
from search.engine.predictions import read_predictions
from search.engine.worker import Worker
from search.trainable import Predictions
from tests.search.engine.jobs import Config, make_job, make_task, metrics, numbers, run


class Counter:
    """A class trainable that tells what it does; every class of it on its own."""

    done = False
    made: list[Counter]
    stepped: list[int]
    closed: list[int]

    def __init_subclass__(cls) -> None:
        cls.made, cls.stepped, cls.closed = [], [], []

    def __init__(self, config: Config, *, seed: int) -> None:
        self.config, self.steps = config, 0
        type(self).made.append(self)

    def step(self) -> dict[str, float]:
        self.steps += 1
        type(self).stepped.append(self.steps)
        return metrics(0.1 * self.steps)

    def save(self, directory: Path) -> None:
        (directory / "steps").write_text(str(self.steps))

    def load(self, directory: Path) -> None:
        self.steps = int((directory / "steps").read_text())

    def close(self) -> None:
        type(self).closed.append(self.steps)


@pytest.fixture
def counter() -> type[Counter]:
    """Return a class of its own for every test."""

    class Counted(Counter):
        pass

    return Counted


def lost_after_step_3(trainable: type[Counter], folder: Path) -> Job:
    """Run a job whose worker leaves checkpoints of steps 1 and 3; return the job."""
    job = make_job(folder, halts=(1, 3))
    lost = Worker(make_task(trainable), job)
    for _ in range(3):
        lost.advance()
    return job


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in Path(folder).glob("*/step-*"))


def test_a_checkpoint_is_written_when_the_driver_lets_the_trial_go_on(
    tmp_path: Path, counter: type[Counter]
) -> None:
    worker = Worker(make_task(counter), make_job(tmp_path, halts=(1, 3)))
    first = worker.advance()
    assert numbers(first) == [1]
    assert checkpoints(tmp_path) == []  # the driver has not stored step 1 yet
    second = worker.advance()
    assert checkpoints(tmp_path) == ["step-00000001"]
    assert [c.step for c in second.checkpoints] == [1]
    third = worker.advance()
    assert checkpoints(tmp_path) == ["step-00000001", "step-00000003"]
    assert (third.end, numbers(third)) == ("complete", [4, 5, 6, 7, 8, 9])


def test_a_trial_that_is_stopped_writes_no_checkpoint(
    tmp_path: Path, counter: type[Counter]
) -> None:
    worker = Worker(make_task(counter), make_job(tmp_path, halts=(1, 3)))
    worker.advance()
    worker.close()
    assert checkpoints(tmp_path) == []
    assert counter.closed == [1]


def test_checkpoints_come_with_time_too(tmp_path: Path, counter: type[Counter]) -> None:
    task = make_task(counter, checkpoint_s=0.0)
    worker = Worker(task, make_job(tmp_path))
    worker.advance(limit_s=0.0)
    worker.advance(limit_s=0.0)
    assert checkpoints(tmp_path) == ["step-00000001"]


def test_a_new_worker_goes_on_from_the_newest_checkpoint(
    tmp_path: Path, counter: type[Counter]
) -> None:
    job = lost_after_step_3(counter, tmp_path)
    del counter.stepped[:]
    (batch,) = run(Worker(make_task(counter), job))
    assert batch.start_step == 3
    assert numbers(batch) == counter.stepped == [4, 5, 6, 7, 8, 9]


def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before(
    tmp_path: Path, counter: type[Counter]
) -> None:
    job = lost_after_step_3(counter, tmp_path)
    next(tmp_path.glob("*/step-00000003/steps")).write_text("4")
    del counter.stepped[:]
    batches = run(Worker(make_task(counter), job))
    assert batches[0].start_step == 1
    assert counter.stepped == [2, 3, 4, 5, 6, 7, 8, 9]


def test_no_intact_checkpoint_means_from_step_0(tmp_path: Path, counter: type[Counter]) -> None:
    job = lost_after_step_3(counter, tmp_path)
    for manifest in tmp_path.glob(f"*/*/{MANIFEST}"):
        manifest.write_text(manifest.read_text()[:-3])
    batches = run(Worker(make_task(counter), job))
    assert batches[0].start_step == 0
    assert [step for batch in batches for step in numbers(batch)] == list(range(1, 10))


def test_a_checkpoint_that_does_not_load_gives_way_and_goes(
    tmp_path: Path, counter: type[Counter]
) -> None:
    job = lost_after_step_3(counter, tmp_path)

    class Picky(Counter):
        def load(self, directory: Path) -> None:
            super().load(directory)
            if self.steps == 3:
                raise KeyError("optimizer")

    batch = Worker(make_task(Picky), job).advance()
    assert batch.start_step == 1
    assert Picky.closed == [3]  # what the failed load had built is freed
    # a later attempt must not jump to step 3, whose steps are being repeated
    assert checkpoints(tmp_path) == ["step-00000001"]


def test_a_full_disk_costs_a_checkpoint_and_not_the_trial(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(Counter):
        def save(self, directory: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    batches = run(Worker(make_task(Full), make_job(tmp_path, halts=(1, 3))))
    assert batches[-1].end == "complete"
    assert len(Full.stepped) == 9
    assert checkpoints(tmp_path) == []
    assert "No space left" in caplog.text
    assert "the run goes on without it" in caplog.text


def test_a_class_that_is_done_ends_early(tmp_path: Path) -> None:
    class Done(Counter):
        @property
        def done(self) -> bool:  # type: ignore[override]  # as a property it is read-only
            return self.steps >= 4

    (batch,) = run(Worker(make_task(Done), make_job(tmp_path)))
    assert (batch.end, numbers(batch)) == ("complete", [1, 2, 3, 4])


def test_a_class_that_was_done_when_it_was_lost_only_ends(tmp_path: Path) -> None:
    class Done(Counter):
        @property
        def done(self) -> bool:  # type: ignore[override]  # as a property it is read-only
            return self.steps >= 3

    job = make_job(tmp_path, halts=(3,))
    lost = Worker(make_task(Done), job)
    lost.advance()
    assert lost.advance().end == "complete"
    (batch,) = run(Worker(make_task(Done), job))
    assert (batch.start_step, batch.steps, batch.end) == (3, (), "complete")


def test_predictions_are_kept_where_they_are_wanted(tmp_path: Path) -> None:
    class Predicting(Counter):
        def predict(self, split: str) -> Predictions:
            return Predictions(np.array([0.1, 0.9]), np.array([0, 1]))

    kept = tmp_path / "kept"
    run(Worker(make_task(Predicting), make_job(tmp_path, predictions=str(kept))))
    assert read_predictions(kept, "test").scores.tolist() == [0.1, 0.9]


def test_a_checkpoint_is_written_out_of_turn_when_the_driver_leaves(
    tmp_path: Path, counter: type[Counter]
) -> None:
    job = make_job(tmp_path, halts=())
    worker = Worker(make_task(counter), job)
    worker.keep()
    assert checkpoints(tmp_path) == []  # there is nothing to keep yet
    first = worker.advance(0.0)
    worker.keep()
    worker.close()
    assert numbers(first) == [1]
    assert checkpoints(tmp_path) == ["step-00000001"]
    again = Worker(make_task(counter), job).advance(0.0)
    assert (again.start_step, numbers(again)) == (1, [2])


def test_a_save_that_raises_does_not_keep_the_driver(
    tmp_path: Path, counter: type[Counter], caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(counter):  # type: ignore[valid-type, misc]
        def save(self, directory: Path) -> None:
            raise ValueError("not now")

    worker = Worker(make_task(Refusing), make_job(tmp_path, halts=()))
    worker.advance(0.0)
    worker.keep()
    assert checkpoints(tmp_path) == []
    assert "a trainable raised while it was saved" in caplog.text

"""One job, batch by batch: what both engines do in a worker."""

# ruff: noqa: ARG001, ARG002 - arguments are those of an interface

import errno
import functools
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from search.engine.checkpoints import MANIFEST
from search.engine.job import Job, Task
from search.engine.predictions import read_predictions
from search.engine.worker import Worker, load_data
from search.trainable import Predictions


@dataclass(frozen=True)
class Config:
    lr: float = 0.1
    kind: str = "healthy"


def metrics(value=0.5, test=0.4):
    return {"val_ap": value, "test_ap": test}


def make_task(trainable, **other):
    return Task(trainable=trainable, baseline=Config(), objectives=("val_ap",), **other)


def make_job(folder, *, halts=(), max_steps=9, changes=None, predictions=None):
    return Job("toy/search", 0, changes or {}, 7, max_steps, halts, str(folder), predictions)


def run(worker, batches=50):
    """Advance to the end; return the batches."""
    found = []
    while not found or (found[-1].end is None and len(found) < batches):
        found.append(worker.advance())
    return found


def numbers(batch):
    return [step.step for step in batch.steps]


def healthy(config, *, seed):
    for step in range(9):
        yield metrics(config.lr * step + seed)


def test_batches_end_where_the_driver_decides(tmp_path):
    batches = run(Worker(make_task(healthy), make_job(tmp_path, halts=(1, 3))))
    assert [numbers(batch) for batch in batches] == [[1], [2, 3], [4, 5, 6, 7, 8, 9]]
    assert [batch.end for batch in batches] == [None, None, "complete"]
    assert len({batch.token for batch in batches}) == 1


def test_without_decisions_a_run_is_one_batch(tmp_path):
    (batch,) = run(Worker(make_task(healthy), make_job(tmp_path)))
    assert numbers(batch) == list(range(1, 10))


def test_a_decider_that_looks_at_every_step_gets_every_step(tmp_path):
    batches = run(Worker(make_task(healthy), make_job(tmp_path, halts=None)))
    assert [numbers(batch) for batch in batches] == [[step] for step in range(1, 10)]


def test_slow_steps_are_reported_as_time_passes(tmp_path):
    def slow(config, *, seed):
        for _ in range(6):
            time.sleep(0.06)
            yield metrics()

    worker = Worker(make_task(slow), make_job(tmp_path, max_steps=6))
    sizes, end = [], None
    while end is None:
        batch = worker.advance(limit_s=0.1)
        sizes.append(len(batch.steps))
        end = batch.end
    assert sum(sizes) == 6
    assert len(sizes) >= 3
    assert max(sizes) <= 2


def test_configuration_seed_and_length_reach_the_trainable(tmp_path):
    seen = {}

    def train(config, *, seed, max_steps, data):
        seen.update(config=config, seed=seed, max_steps=max_steps, data=data)
        yield metrics()

    task = make_task(train, loader=lambda path: f"data of {path.name}", data_path=tmp_path / "x")
    run(Worker(task, make_job(tmp_path, changes={"lr": 0.5}, max_steps=27)))
    assert seen == {
        "config": Config(lr=0.5),
        "seed": 7,
        "max_steps": 27,
        "data": "data of x",
    }


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_a_non_finite_objective_ends_the_run_at_once(tmp_path, bad):
    def train(config, *, seed):
        for step in range(9):
            yield metrics(bad if step == 3 else 0.5)

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert batch.end == "diverged"
    assert numbers(batch) == [1, 2, 3, 4]
    assert not math.isfinite(batch.steps[-1].metrics["val_ap"])


def test_a_non_finite_held_out_metric_stops_nothing(tmp_path):
    def train(config, *, seed):
        for _ in range(9):
            yield metrics(test=math.nan)

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert (batch.end, len(batch.steps)) == ("complete", 9)


def test_an_exception_comes_back_with_its_traceback_and_log(tmp_path):
    def train(config, *, seed):
        print("epoch 1")  # noqa: T201 - what a trainable does
        yield metrics()
        raise ZeroDivisionError("no batch")

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert batch.end == "raised"
    assert numbers(batch) == [1]
    assert "ZeroDivisionError: no batch" in batch.error
    assert "in train" in batch.error
    assert batch.log == "epoch 1"


def test_leaving_the_program_is_a_failure_of_the_trial(tmp_path):
    def train(config, *, seed):
        yield metrics()
        sys.exit(4)

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert batch.end == "raised"
    assert "SystemExit: 4" in batch.error


def test_ctrl_c_is_not(tmp_path):
    def train(config, *, seed):
        yield metrics()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Worker(make_task(train), make_job(tmp_path)))


def test_after_an_exception_the_next_call_is_another_attempt(tmp_path):
    calls = []

    def train(config, *, seed):
        calls.append(seed)
        yield metrics()
        if len(calls) == 1:
            raise RuntimeError

    worker = Worker(make_task(train), make_job(tmp_path))
    first, second = worker.advance(), worker.advance()
    assert (first.end, second.end) == ("raised", "complete")
    assert first.token != second.token
    assert calls == [7, 7]  # the same seed


def test_a_constructor_that_raises_is_an_attempt_too(tmp_path):
    class Model:
        def __init__(self, config, *, seed):
            raise MemoryError("too large")

        def step(self): ...

        def save(self, directory): ...

        def load(self, directory): ...

    (batch,) = run(Worker(make_task(Model), make_job(tmp_path)))
    assert (batch.end, batch.steps) == ("raised", ())
    assert "MemoryError: too large" in batch.error


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"vall_ap": 0.1}, "no metric 'val_ap' in this step; did you mean"),
        (0.1, "a step gives a mapping of metrics, got 0.1"),
        (None, "a step gives a mapping of metrics, got None"),
        ({"val_ap": "high"}, "metrics must be numbers"),
        ({"val_ap": 0.1, "note": [1]}, "metrics must be numbers"),
    ],
)
def test_wrong_metrics_are_refused_in_words(tmp_path, given, said):
    def train(config, *, seed):
        yield given

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert batch.end == "raised"
    assert said in batch.error


def test_nothing_at_all_is_refused(tmp_path):
    def train(config, *, seed):
        yield from ()

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert "ended before its first step" in batch.error


def test_a_generator_may_end_early(tmp_path):
    def train(config, *, seed):
        yield from [metrics()] * 4

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert (batch.end, len(batch.steps)) == ("complete", 4)


def test_a_generator_is_never_asked_beyond_the_full_length(tmp_path):
    asked = []

    def train(config, *, seed):
        for step in range(100):
            asked.append(step)
            yield metrics()

    run(Worker(make_task(train), make_job(tmp_path)))
    assert len(asked) == 9


def test_closing_runs_the_generators_finally(tmp_path):
    closed = []

    def train(config, *, seed):
        try:
            for _ in range(9):
                yield metrics()
        finally:
            closed.append(True)

    worker = Worker(make_task(train), make_job(tmp_path, halts=(1,)))
    worker.advance()
    assert not closed
    worker.close()
    assert closed
    worker.close()  # again is harmless


def test_an_exception_while_closing_is_logged_only(tmp_path, caplog):
    def train(config, *, seed):
        try:
            for _ in range(9):
                yield metrics()
        finally:
            raise OSError("already gone")

    worker = Worker(make_task(train), make_job(tmp_path, halts=(1,)))
    worker.advance()
    worker.close()
    assert "already gone" in caplog.text


class Counter:
    """A class trainable that tells what it does."""

    done = False

    def __init__(self, config, *, seed):
        self.config, self.steps = config, 0
        type(self).made.append(self)

    def step(self):
        self.steps += 1
        type(self).stepped.append(self.steps)
        return metrics(0.1 * self.steps)

    def save(self, directory):
        (directory / "steps").write_text(str(self.steps))

    def load(self, directory):
        self.steps = int((directory / "steps").read_text())

    def close(self):
        type(self).closed.append(self.steps)


@pytest.fixture
def counter():
    """A class of its own for every test."""
    return type("Counted", (Counter,), {"made": [], "stepped": [], "closed": []})


def checkpoints(folder):
    return sorted(path.name for path in Path(folder).glob("*/step-*"))


def test_a_checkpoint_is_written_when_the_driver_lets_the_trial_go_on(tmp_path, counter):
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


def test_a_trial_that_is_stopped_writes_no_checkpoint(tmp_path, counter):
    worker = Worker(make_task(counter), make_job(tmp_path, halts=(1, 3)))
    worker.advance()
    worker.close()
    assert checkpoints(tmp_path) == []
    assert counter.closed == [1]


def test_checkpoints_come_with_time_too(tmp_path, counter):
    task = make_task(counter, checkpoint_s=0.0)
    worker = Worker(task, make_job(tmp_path))
    worker.advance(limit_s=0.0)
    worker.advance(limit_s=0.0)
    assert checkpoints(tmp_path) == ["step-00000001"]


def test_a_new_worker_goes_on_from_the_newest_checkpoint(tmp_path, counter):
    job = make_job(tmp_path, halts=(1, 3))
    lost = Worker(make_task(counter), job)
    for _ in range(3):
        lost.advance()
    del counter.stepped[:]
    (batch,) = run(Worker(make_task(counter), job))
    assert batch.start_step == 3
    assert numbers(batch) == counter.stepped == [4, 5, 6, 7, 8, 9]


def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before(tmp_path, counter):
    job = make_job(tmp_path, halts=(1, 3))
    lost = Worker(make_task(counter), job)
    for _ in range(3):
        lost.advance()
    next(tmp_path.glob("*/step-00000003/steps")).write_text("4")
    del counter.stepped[:]
    batches = run(Worker(make_task(counter), job))
    assert batches[0].start_step == 1
    assert counter.stepped == [2, 3, 4, 5, 6, 7, 8, 9]


def test_no_intact_checkpoint_means_from_step_0(tmp_path, counter):
    job = make_job(tmp_path, halts=(1, 3))
    lost = Worker(make_task(counter), job)
    for _ in range(3):
        lost.advance()
    for manifest in tmp_path.glob(f"*/*/{MANIFEST}"):
        manifest.write_text(manifest.read_text()[:-3])
    batches = run(Worker(make_task(counter), job))
    assert batches[0].start_step == 0
    assert [step for batch in batches for step in numbers(batch)] == list(range(1, 10))


def test_a_checkpoint_that_does_not_load_gives_way_and_goes(tmp_path, counter):
    job = make_job(tmp_path, halts=(1, 3))
    lost = Worker(make_task(counter), job)
    for _ in range(3):
        lost.advance()

    class Picky(counter):
        made, stepped, closed = [], [], []

        def load(self, directory):
            super().load(directory)
            if self.steps == 3:
                raise KeyError("optimizer")

    batch = Worker(make_task(Picky), job).advance()
    assert batch.start_step == 1
    assert Picky.closed == [3]  # what the failed load had built is freed
    # a later attempt must not jump to step 3, whose steps are being repeated
    assert checkpoints(tmp_path) == ["step-00000001"]


def test_a_full_disk_costs_a_checkpoint_and_not_the_trial(tmp_path, counter, caplog):
    class Full(counter):
        made, stepped, closed = [], [], []

        def save(self, directory):
            raise OSError(errno.ENOSPC, "No space left on device")

    batches = run(Worker(make_task(Full), make_job(tmp_path, halts=(1, 3))))
    assert batches[-1].end == "complete"
    assert len(Full.stepped) == 9
    assert checkpoints(tmp_path) == []
    assert "No space left" in caplog.text
    assert "the run goes on without it" in caplog.text


def test_a_class_that_is_done_ends_early(tmp_path, counter):
    class Done(counter):
        made, stepped, closed = [], [], []
        done = property(lambda self: self.steps >= 4)

    (batch,) = run(Worker(make_task(Done), make_job(tmp_path)))
    assert (batch.end, numbers(batch)) == ("complete", [1, 2, 3, 4])


def test_a_class_that_was_done_when_it_was_lost_only_ends(tmp_path, counter):
    class Done(counter):
        made, stepped, closed = [], [], []
        done = property(lambda self: self.steps >= 3)

    job = make_job(tmp_path, halts=(3,))
    lost = Worker(make_task(Done), job)
    lost.advance()
    assert lost.advance().end == "complete"
    (batch,) = run(Worker(make_task(Done), job))
    assert (batch.start_step, batch.steps, batch.end) == (3, (), "complete")


def test_predictions_are_kept_where_they_are_wanted(tmp_path, counter):
    class Predicting(counter):
        made, stepped, closed = [], [], []

        def predict(self, split):
            return Predictions(np.array([0.1, 0.9]), np.array([0, 1]))

    kept = tmp_path / "kept"
    run(Worker(make_task(Predicting), make_job(tmp_path, predictions=str(kept))))
    assert read_predictions(kept, "test").scores.tolist() == [0.1, 0.9]


def test_data_is_loaded_once_for_each_loader_and_path(tmp_path):
    calls = []

    def loader(path, scale=1):
        calls.append((path, scale))
        return object()

    task = make_task(healthy, loader=loader, data_path=tmp_path / "one")
    assert load_data(task) is load_data(task)
    other = make_task(healthy, loader=functools.partial(loader, scale=2))
    assert load_data(other) is load_data(other)
    assert calls == [(tmp_path / "one", 1), (None, 2)]
    assert load_data(make_task(healthy)) is None


def test_a_batch_says_who_made_it(tmp_path):
    (batch,) = run(Worker(make_task(healthy, gpus=0.5), make_job(tmp_path)))
    assert batch.gpus == 0.5
    assert batch.versions["optuna"].startswith("5")
    assert batch.peak_memory > 10 * 2**20
    assert batch.started <= batch.steps[0].finished <= time.time()
    assert all(step.elapsed_s >= 0 for step in batch.steps)

"""One job, batch by batch: what both engines do in a worker."""

# ruff: noqa: ARG001, ARG002 - arguments are those of an interface

from __future__ import annotations

import functools
import math
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.engine.worker import Worker, load_data
from tests.search.engine.jobs import (
    Config,
    Steps,
    healthy,
    make_job,
    make_task,
    metrics,
    numbers,
    run,
)


def test_batches_end_where_the_driver_decides(tmp_path: Path) -> None:
    batches = run(Worker(make_task(healthy), make_job(tmp_path, halts=(1, 3))))
    assert [numbers(batch) for batch in batches] == [[1], [2, 3], [4, 5, 6, 7, 8, 9]]
    assert [batch.end for batch in batches] == [None, None, "complete"]
    assert len({batch.token for batch in batches}) == 1


def test_without_decisions_a_run_is_one_batch(tmp_path: Path) -> None:
    (batch,) = run(Worker(make_task(healthy), make_job(tmp_path)))
    assert numbers(batch) == list(range(1, 10))


def test_a_decider_that_looks_at_every_step_gets_every_step(tmp_path: Path) -> None:
    batches = run(Worker(make_task(healthy), make_job(tmp_path, halts=None)))
    assert [numbers(batch) for batch in batches] == [[step] for step in range(1, 10)]


def test_slow_steps_are_reported_as_time_passes(tmp_path: Path) -> None:
    def slow(config: Config, *, seed: int) -> Steps:
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


def test_configuration_seed_and_length_reach_the_trainable(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def train(
        config: Config, *, seed: int, max_steps: int, data: str, split_seed: int, replication: str
    ) -> Steps:
        seen.update(config=config, seed=seed, max_steps=max_steps, data=data)
        seen.update(split_seed=split_seed, replication=replication)
        yield metrics()

    task = make_task(train, loader=lambda path: f"data of {path.name}", data_path=tmp_path / "x")
    task = replace(task, split_seed=3, replication="resplit")
    run(Worker(task, make_job(tmp_path, changes={"lr": 0.5}, max_steps=27)))
    assert seen == {
        "config": Config(lr=0.5),
        "seed": 7,
        "max_steps": 27,
        "data": "data of x",
        "split_seed": 3,
        "replication": "resplit",
    }


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_a_non_finite_objective_ends_the_run_at_once(tmp_path: Path, bad: float) -> None:
    def train(config: Config, *, seed: int) -> Steps:
        for step in range(9):
            yield metrics(bad if step == 3 else 0.5)

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert batch.end == "diverged"
    assert numbers(batch) == [1, 2, 3, 4]
    assert not math.isfinite(batch.steps[-1].metrics["val_ap"])


def test_a_non_finite_held_out_metric_stops_nothing(tmp_path: Path) -> None:
    def train(config: Config, *, seed: int) -> Steps:
        for _ in range(9):
            yield metrics(test=math.nan)

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert (batch.end, len(batch.steps)) == ("complete", 9)


def test_an_exception_comes_back_with_its_traceback_and_log(tmp_path: Path) -> None:
    def train(config: Config, *, seed: int) -> Steps:
        print("epoch 1")  # noqa: T201 - what a trainable does
        yield metrics()
        raise ZeroDivisionError("no batch")

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert batch.end == "raised"
    assert numbers(batch) == [1]
    assert "ZeroDivisionError: no batch" in str(batch.error)
    assert "in train" in str(batch.error)
    assert batch.log == "epoch 1"


def test_leaving_the_program_is_a_failure_of_the_trial(tmp_path: Path) -> None:
    def train(config: Config, *, seed: int) -> Steps:
        yield metrics()
        sys.exit(4)

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert batch.end == "raised"
    assert "SystemExit: 4" in str(batch.error)


def test_ctrl_c_is_not(tmp_path: Path) -> None:
    def train(config: Config, *, seed: int) -> Steps:
        yield metrics()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Worker(make_task(train), make_job(tmp_path)))


def test_after_an_exception_the_next_call_is_another_attempt(tmp_path: Path) -> None:
    calls = []

    def train(config: Config, *, seed: int) -> Steps:
        calls.append(seed)
        yield metrics()
        if len(calls) == 1:
            raise RuntimeError

    worker = Worker(make_task(train), make_job(tmp_path))
    first, second = worker.advance(), worker.advance()
    assert (first.end, second.end) == ("raised", "complete")
    assert first.token != second.token
    assert calls == [7, 7]  # the same seed


def test_a_constructor_that_raises_is_an_attempt_too(tmp_path: Path) -> None:
    class Model:
        def __init__(self, config: Config, *, seed: int) -> None:
            raise MemoryError("too large")

        def step(self) -> None: ...

        def save(self, directory: Path) -> None: ...

        def load(self, directory: Path) -> None: ...

    (batch,) = run(Worker(make_task(Model), make_job(tmp_path)))
    assert (batch.end, batch.steps) == ("raised", ())
    assert "MemoryError: too large" in str(batch.error)


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
def test_wrong_metrics_are_refused_in_words(tmp_path: Path, given: Any, said: str) -> None:
    def train(config: Config, *, seed: int) -> Steps:
        yield given

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert batch.end == "raised"
    assert said in str(batch.error)


def test_nothing_at_all_is_refused(tmp_path: Path) -> None:
    def train(config: Config, *, seed: int) -> Steps:
        yield from ()

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert "ended before its first step" in str(batch.error)


def test_a_generator_may_end_early(tmp_path: Path) -> None:
    def train(config: Config, *, seed: int) -> Steps:
        yield from [metrics()] * 4

    (batch,) = run(Worker(make_task(train), make_job(tmp_path)))
    assert (batch.end, len(batch.steps)) == ("complete", 4)


def test_a_generator_is_never_asked_beyond_the_full_length(tmp_path: Path) -> None:
    asked = []

    def train(config: Config, *, seed: int) -> Steps:
        for step in range(100):
            asked.append(step)
            yield metrics()

    run(Worker(make_task(train), make_job(tmp_path)))
    assert len(asked) == 9


def test_closing_runs_the_generators_finally(tmp_path: Path) -> None:
    closed = []

    def train(config: Config, *, seed: int) -> Steps:
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


def test_an_exception_while_closing_is_logged_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def train(config: Config, *, seed: int) -> Steps:
        try:
            for _ in range(9):
                yield metrics()
        finally:
            raise OSError("already gone")

    worker = Worker(make_task(train), make_job(tmp_path, halts=(1,)))
    worker.advance()
    worker.close()
    assert "already gone" in caplog.text


def test_data_is_loaded_once_for_each_loader_and_path(tmp_path: Path) -> None:
    calls = []

    def loader(path: Path | None, scale: int = 1) -> object:
        calls.append((path, scale))
        return object()

    task = make_task(healthy, loader=loader, data_path=tmp_path / "one")
    assert load_data(task) is load_data(task)
    other = make_task(healthy, loader=functools.partial(loader, scale=2))
    assert load_data(other) is load_data(other)
    assert calls == [(tmp_path / "one", 1), (None, 2)]
    assert load_data(make_task(healthy)) is None


def test_a_batch_says_who_made_it(tmp_path: Path) -> None:
    (batch,) = run(Worker(make_task(healthy, gpus=0.5), make_job(tmp_path)))
    assert batch.gpus == 0.5
    assert batch.versions["optuna"].startswith("5")
    assert batch.peak_memory is not None
    assert batch.peak_memory > 10 * 2**20
    assert batch.started <= batch.steps[0].finished <= time.time()
    assert all(step.elapsed_s >= 0 for step in batch.steps)

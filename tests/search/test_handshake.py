# ruff: noqa: ARG001 - trainables name what the contract asks for, and need little of it
from __future__ import annotations

import contextlib
import functools
import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from search.engine.worker import Worker
from search.errors import TrainableError
from search.handshake import Pruned, Reporting, report, reporting
from search.protocol.code import code_digest, code_digests
from search.trainable import Contract, inspect_trainable
from tests.search.engine.jobs import Config, Steps, make_job, make_task, metrics, numbers, run

PARKED: list[str] = []  # a thread that nothing ends


@reporting
def train(config: Config, *, seed: int, max_steps: int = 9) -> str:
    """Report as `healthy` yields."""
    for step in range(max_steps):
        report(step + 1, **metrics(config.lr * step + seed))
    return "trained"


def left() -> list[str]:
    """Return the names of threads of runs that have not ended."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("winnow-") and "watchdog" not in name]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert [name for name in left() if name not in PARKED] == []


def test_a_function_that_reports_meets_the_contract_of_a_generator() -> None:
    assert inspect_trainable(train) == Contract("generator", frozenset({"max_steps"}), False)
    partial = functools.partial(train, max_steps=3)
    assert inspect_trainable(partial).kind == "generator"
    assert (train.__name__, train.__doc__) == ("train", "Report as `healthy` yields.")


def test_its_code_is_that_of_the_function() -> None:
    assert code_digest(train) == code_digest(train.func)
    assert __name__ in code_digests(train)


def test_called_by_itself_it_is_the_function() -> None:
    assert train(Config(), seed=1) == "trained"


def test_the_engine_gets_what_is_reported_when_it_asks(tmp_path: Path) -> None:
    batches = run(Worker(make_task(train), make_job(tmp_path, halts=(1, 3))))
    assert [numbers(batch) for batch in batches] == [[1], [2, 3], [4, 5, 6, 7, 8, 9]]
    assert batches[-1].end == "complete"
    values = [step.metrics["val_ap"] for batch in batches for step in batch.steps]
    np.testing.assert_allclose(values, [7 + 0.1 * step for step in range(9)])


def test_a_partial_of_it_runs_too(tmp_path: Path) -> None:
    @reporting
    def scaled(config: Config, scale: float, *, seed: int) -> None:
        report(1, **metrics(scale * seed))

    (batch,) = run(Worker(make_task(functools.partial(scaled, scale=3.0)), make_job(tmp_path)))
    assert [step.metrics["val_ap"] for step in batch.steps] == [21.0]


def test_function_and_engine_take_turns(tmp_path: Path) -> None:
    said: list[str] = []

    @reporting
    def talk(config: Config, *, seed: int) -> None:
        for step in (1, 2, 3):
            said.append(f"train {step}")
            report(step, **metrics())

    steps = talk.steps(Config(), seed=1)
    assert said == []
    for step in (1, 2, 3):
        next(steps)
        said.append(f"decide {step}")
        time.sleep(0.02)  # it must not go on by itself meanwhile
    assert list(steps) == []
    assert said == [f"{who} {step}" for step in (1, 2, 3) for who in ("train", "decide")]


def test_pruned_is_raised_where_it_reports_and_no_exception_clause_swallows_it() -> None:
    seen: list[str] = []

    @reporting
    def careful(config: Config, *, seed: int) -> None:
        try:
            for step in range(1, 100):
                try:
                    report(step, **metrics())
                except Exception:  # noqa: BLE001 - what users write
                    seen.append("swallowed")
        except Pruned as reason:
            seen.append(str(reason))
            raise
        finally:
            seen.append("cleared up")

    steps = careful.steps(Config(), seed=1)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert seen == ["no further step of 'careful' is wanted", "cleared up"]


def test_an_exception_comes_back_as_itself_with_its_lines(tmp_path: Path) -> None:
    @reporting
    def breaks(config: Config, *, seed: int) -> None:
        report(1, **metrics())
        raise KeyError("the very one")

    batch = run(Worker(make_task(breaks), make_job(tmp_path)))[-1]
    assert batch.end == "raised"
    assert batch.error is not None
    assert "KeyError: 'the very one'" in batch.error
    assert 'raise KeyError("the very one")' in batch.error  # the line in the user's file


def test_the_end_of_the_process_that_a_function_asks_for_is_an_error(tmp_path: Path) -> None:
    @reporting
    def leaves(config: Config, *, seed: int) -> None:
        report(1, **metrics())
        raise SystemExit(3)

    assert "SystemExit: 3" in str(run(Worker(make_task(leaves), make_job(tmp_path)))[-1].error)


def test_a_function_that_returns_early_has_ended_early(tmp_path: Path) -> None:
    @reporting
    def early(config: Config, *, seed: int) -> None:
        report(1, **metrics())
        report(2, **metrics())

    (batch,) = run(Worker(make_task(early), make_job(tmp_path)))
    assert (numbers(batch), batch.end) == ([1, 2], "complete")


def test_a_function_that_never_reports_is_told_so(tmp_path: Path) -> None:
    @reporting
    def silent(config: Config, *, seed: int) -> None:
        return

    (batch,) = run(Worker(make_task(silent), make_job(tmp_path)))
    assert "'silent' returned without a search.report(1, …)" in str(batch.error)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([0], r"report\(0, …\) came where step 1 was due; steps count from 1: report\(epoch \+ 1"),
        ([1, 3], r"report\(3, …\) came where step 2 was due$"),
        ([1, 1], r"report\(1, …\) came where step 2 was due$"),
        ([1.5], "a step is a whole number, got 1.5"),
        (["one"], "a step is a whole number, got 'one'"),
    ],
)
def test_steps_are_told_in_their_order(told: list[Any], words: str) -> None:
    @reporting
    def counts(config: Config, *, seed: int) -> None:
        for step in told:
            report(step, **metrics())

    with pytest.raises(TrainableError, match=words):
        list(counts.steps(Config(), seed=1))


def test_numpys_whole_numbers_are_steps() -> None:
    @reporting
    def counts(config: Config, *, seed: int) -> None:
        for step in np.arange(1, 3):
            report(step, **metrics())

    assert len(list(counts.steps(Config(), seed=1))) == 2


def test_outside_a_run_nothing_happens() -> None:
    report(17, val_ap=0.5)


def test_a_callback_in_another_thread_reaches_the_only_run() -> None:
    @reporting
    def delegates(config: Config, *, seed: int) -> None:
        for step in (1, 2):
            thread = threading.Thread(target=report, args=(step,), kwargs=metrics())
            thread.start()
            thread.join()

    assert len(list(delegates.steps(Config(), seed=1))) == 2


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_process_cannot_report() -> None:
    @reporting
    def forks(config: Config, *, seed: int) -> None:
        context = multiprocessing.get_context("fork")
        found = context.SimpleQueue()
        process = context.Process(target=_tell, args=(found,))
        process.start()
        words = found.get()
        process.join()
        report(1, **metrics(), told=float("called in a child process" in words))

    (step,) = list(forks.steps(Config(), seed=1))
    assert step["told"] == 1.0


def _tell(found: Any) -> None:
    try:
        report(1, **metrics())
    except TrainableError as error:
        found.put(str(error))
    else:
        found.put("")


def test_its_thread_computes_with_the_threads_of_the_engine() -> None:
    pytest.importorskip(
        "sklearn.ensemble"
    )  # OpenMP counts threads by thread: a new one must be told
    found: list[int] = []

    @reporting
    def asks(config: Config, *, seed: int) -> None:
        pools = [pool for pool in threadpool_info() if pool["user_api"] == "openmp"]
        found.extend(pool["num_threads"] for pool in pools)
        report(1, **metrics())

    with threadpool_limits(3):  # not what the environment says, which a new thread begins with
        list(asks.steps(Config(), seed=1))
    assert set(found) == {3}


def test_settings_of_numpy_reach_the_function() -> None:
    @reporting
    def divides(config: Config, *, seed: int) -> None:
        report(1, val_ap=float(np.divide(np.zeros(1), np.zeros(1))[0]))

    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        list(divides.steps(Config(), seed=1))


def test_ctrl_c_interrupts_a_step_that_is_under_way() -> None:
    seen = []

    @reporting
    def slow(config: Config, *, seed: int) -> None:
        try:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            while True:
                time.sleep(0.01)
        finally:
            seen.append("cleared up")

    with pytest.raises(KeyboardInterrupt):
        next(slow.steps(Config(), seed=1))
    assert seen == ["cleared up"]


def test_a_function_that_goes_on_regardless_is_parked_and_named(tmp_path: Path) -> None:
    @reporting
    def stubborn(config: Config, *, seed: int) -> None:
        step = 0
        while True:
            step += 1
            with contextlib.suppress(BaseException):
                report(step, **metrics())

    steps = stubborn.steps(Config(), seed=1)
    next(steps)
    with pytest.raises(TrainableError, match="'stubborn' did not end"):
        steps.close()  # type: ignore[attr-defined]
    assert list(train.steps(Config(), seed=1, max_steps=1))  # another run is not confused by it
    PARKED.extend(left())


def test_two_runs_after_each_other_are_two_runs(tmp_path: Path) -> None:
    for _ in range(2):
        steps = train.steps(Config(), seed=1)
        assert next(steps)["val_ap"] == 1.0
        steps.close()  # type: ignore[attr-defined]


def yields(config: Config, *, seed: int) -> Steps:
    yield metrics()


async def later(config: Config, *, seed: int) -> None:
    report(1, **metrics())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (yields, "'yields' yields; it needs no @search.reporting"),
        (later, "'later' is asynchronous; it must be a plain function"),
        (Config, "takes a function, got <class"),
        (3, "takes a function, got 3"),
    ],
)
def test_only_functions_that_do_not_yield_report(wrong: Any, words: str) -> None:
    with pytest.raises(TrainableError, match=words):
        reporting(wrong)


def test_it_can_travel() -> None:
    cloudpickle = pytest.importorskip("ray.cloudpickle")
    again = cloudpickle.loads(cloudpickle.dumps(train))
    assert isinstance(again, Reporting)
    assert len(list(again.steps(Config(), seed=1, max_steps=3))) == 3

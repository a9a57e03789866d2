"""Trainables that report their steps from wherever they are, instead of yielding them.

A loop that belongs to somebody else (a trainer with callbacks) cannot yield. A function under
`reporting` runs in a thread of its own and calls `report` after every step, which returns when the
engine asks for the next one: function and engine take turns, as with a generator. Nothing but
`report` tells the two apart; a lost worker's run restarts from step 0 likewise.
"""

from __future__ import annotations

import contextvars
import ctypes
import functools
import inspect
import operator
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from threadpoolctl import threadpool_info, threadpool_limits

from search.errors import TrainableError

CLOSE_S = 30.0  # what a function may take to clear up
SOON_S = 1.0  # until one that is amid a step is interrupted there
PATIENCE = 3  # how often a function may catch `Pruned` and report again


class Pruned(BaseException):
    """Raised by `report` when no further step is wanted: pruned, stopped, or of full length.

    ``except Exception`` does not catch it; ``finally`` blocks run. Whoever catches it ends soon.
    """


def report(step: int, /, **metrics: float) -> None:
    """Give a step's metrics to the study that runs this function; outside a study, do nothing.

    It may be called in any thread of the process, such as a callback's.

    Parameters
    ----------
    step
        1, 2, 3, …: no step is left out, and none is told twice.
    metrics
        By name; ``**{"val/ap": 0.5}`` where a name is no Python name.

    Raises
    ------
    Pruned
        If no further step is wanted.
    TrainableError
        If this is not the next step, or another process than the run's.

    Examples
    --------
    >>> report(1, val_ap=0.5)
    """
    run = _CURRENT.get() or next(iter(_ACTIVE), None)
    if run is not None:
        run.report(step, metrics)


def reporting(function: Callable[..., Any]) -> Reporting:
    """Make a trainable of a function that calls `report` after every step.

    Called by itself it is the function, unchanged: the same file runs without a study.

    Raises
    ------
    TrainableError
        If it is no plain function: one that yields needs none of this.

    Examples
    --------
    >>> @reporting
    ... def train(config, *, seed):
    ...     for step in range(1, 4):
    ...         report(step, val_ap=config * step)
    >>> [dict(metrics) for metrics in train.steps(0.5, seed=1)]
    [{'val_ap': 0.5}, {'val_ap': 1.0}, {'val_ap': 1.5}]
    """
    called = inspect.unwrap(function)
    if not callable(function) or inspect.isclass(called):
        raise TrainableError(f"@search.reporting takes a function, got {function!r}")
    if inspect.isgeneratorfunction(called):
        raise TrainableError(f"'{function.__name__}' yields; it needs no @search.reporting")
    if inspect.iscoroutinefunction(called):
        raise TrainableError(f"'{function.__name__}' is asynchronous; it must be a plain function")
    return Reporting(function)


class Reporting:
    """A function that reports; `steps` is the generator that an engine runs."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func  # partial's word, which the digest of a trainable's code looks for
        self.__name__: str = getattr(func, "__name__", type(func).__name__)
        self.__doc__ = func.__doc__
        self.__signature__ = inspect.signature(func)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the function itself: inside no study, `report` does nothing."""
        return self.func(*arguments, **keywords)

    def steps(self, *arguments: Any, **keywords: Any) -> Iterator[Mapping[str, float]]:
        """Yield what the function reports."""
        run = _Run(self.__name__, functools.partial(self.func, *arguments, **keywords))
        try:
            while (metrics := run.next()) is not None:
                yield metrics
        finally:
            run.close()


def as_generator(trainable: Any) -> Any:
    """Return what yields a trainable's steps, where that is not the trainable itself."""
    if isinstance(trainable, Reporting):
        return trainable.steps
    if isinstance(trainable, functools.partial) and isinstance(trainable.func, Reporting):
        return functools.partial(trainable.func.steps, *trainable.args, **trainable.keywords)
    return trainable


class _Run:
    """A function in its thread, and the turns that it takes with the engine's."""

    def __init__(self, name: str, function: Callable[[], Any]) -> None:
        self._name, self._function = name, function
        self._asked, self._told = threading.Semaphore(0), threading.Semaphore(0)
        self._lock = threading.Lock()  # callbacks may report from several threads
        self._thread: threading.Thread | None = None
        self._metrics: Mapping[str, float] | None = None
        self._error: BaseException | None = None
        self._step, self._refusals, self._modules = 0, 0, 0
        self._closing, self._parked = False, threading.Event()
        self._pid, self._threads = os.getpid(), 1

    def next(self) -> Mapping[str, float] | None:
        """Let the function go on to its next report; None once it has returned."""
        if self._thread is None:
            self._start()
        else:
            self._asked.release()
        self._told.acquire()
        metrics, self._metrics = self._metrics, None
        if metrics is not None:
            return metrics
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # its frames hold what the function held, on an accelerator perhaps
        if self._step == 0:
            raise TrainableError(f"'{self._name}' returned without a search.report(1, …)")
        return None

    def report(self, step: int, metrics: Mapping[str, float]) -> None:
        """Hand a step over, and wait until the next one is wanted."""
        if os.getpid() != self._pid:
            raise TrainableError(
                f"search.report({step}, …) was called in a child process, which cannot reach the "
                "study; report in the process that the trainable runs in"
            )
        with self._lock:
            self._refuse_if_closing()
            self._step = self._checked(step)
            self._metrics = dict(metrics)
            self._told.release()
            self._asked.acquire()
            self._refuse_if_closing()
        if threading.current_thread() is self._thread:
            self._limit_threads()

    def close(self) -> None:
        """End the function.

        Raises
        ------
        TrainableError
            If it does not end: what it holds is not free for the next trial.
        """
        self._closing = True
        if self._thread is not None and self._thread.is_alive():
            self._asked.release()
            if not self._has_ended(SOON_S):
                self._interrupt(self._thread)
                self._has_ended(CLOSE_S)
        if self in _ACTIVE:
            _ACTIVE.remove(self)
        if self._thread is not None and self._thread.is_alive():
            raise TrainableError(
                f"'{self._name}' did not end when search.report raised search.Pruned; what it "
                "holds is not free for the next trial"
            )

    def _start(self) -> None:
        self._threads = max((pool["num_threads"] for pool in threadpool_info()), default=1)
        self._thread = threading.Thread(
            target=contextvars.copy_context().run,  # such as NumPy's settings of errors
            args=(self._work,),
            name=f"winnow-{self._name}",
            daemon=True,  # a function that does not end must not keep its process
        )
        _ACTIVE.append(self)
        self._thread.start()

    def _work(self) -> None:
        _CURRENT.set(self)
        try:
            self._limit_threads()
            self._function()
        except Pruned:
            return
        except BaseException as error:  # noqa: BLE001 - the engine's thread raises it again
            self._error = error
        finally:
            self._told.release()

    def _limit_threads(self) -> None:
        """Have this thread compute as the engine's does: OpenMP's threads are each thread's own."""
        if len(sys.modules) != self._modules:
            threadpool_limits(self._threads)
            self._modules = len(sys.modules)

    def _checked(self, step: int) -> int:
        try:
            number = operator.index(step)
        except TypeError as error:
            raise TrainableError(f"a step is a whole number, got {step!r}") from error
        if number != self._step + 1:
            hint = "; steps count from 1: report(epoch + 1, …)" if number == 0 else ""
            raise TrainableError(
                f"search.report({number}, …) came where step {self._step + 1} was due{hint}"
            )
        return number

    def _refuse_if_closing(self) -> None:
        if not self._closing:
            return
        self._refusals += 1
        if self._refusals > PATIENCE:  # it trains on for nobody: it waits here for ever instead
            self._parked.set()
            threading.Event().wait()
        raise Pruned(f"no further step of '{self._name}' is wanted")

    def _has_ended(self, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while self._thread is not None and self._thread.is_alive() and not self._parked.is_set():
            if time.monotonic() >= deadline:
                return False
            self._thread.join(0.05)
        return True

    def _interrupt(self, thread: threading.Thread) -> None:
        """Raise `Pruned` amid a step, as Ctrl-C would, unless it clears up already."""
        if self._refusals == 0:
            ident, raised = ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Pruned)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, raised)


_CURRENT: contextvars.ContextVar[_Run | None] = contextvars.ContextVar("winnow_run", default=None)
_ACTIVE: list[_Run] = []  # a process runs one trial at a time

"""A worker: runs one job batch by batch. Both engines use it, so both mean the same.

A batch ends at a step after which the driver decides, at the end of the attempt, or after a
second: steps that take longer than that are reported one by one. The next batch is asked for when
the driver has stored the one before and lets the trial go on; a checkpoint that is due is written
then, so that none is ahead of the database, and none is written for a trial that is stopped.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import tempfile
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from search.configuration import override
from search.engine.checkpoints import AT_THE_END, write_checkpoint
from search.engine.diagnostics import diagnostics_json
from search.engine.hangs import Watchdog, watched
from search.engine.job import Batch, Job, Task
from search.engine.log_tail import LogTail
from search.engine.predictions import read_predictions, write_predictions
from search.engine.process import free_accelerator
from search.engine.run import ENDED, ClassRun, Run, start_run
from search.engine.watch import Watch
from search.environment import peak_memory, versions
from search.errors import CheckpointError, TrainableError, near_miss
from search.storage.places import Place, here, place
from search.storage.records import Checkpoint, End, Step
from search.trainable import Predictions, ProcessGroup, inspect_trainable

BATCH_S = 1.0
logger = logging.getLogger(__name__)
_DATA: dict[tuple[int, str], tuple[Any, Any]] = {}


@dataclass
class _Open:
    """The attempt under way, and what its next batch will hold."""

    token: str
    run: Run
    watch: Watch
    step: int
    started: float
    checkpointed: float
    steps: list[Step] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    diagnostics: str | None = None
    kept: Checkpoint | None = None


class Worker:
    """Runs one job; a raised exception comes back as a batch, and the next call tries again.

    Parameters
    ----------
    task
        What all jobs share.
    job
        The trial.
    begin
        Starts its run; by default in this process.
    """

    def __init__(
        self, task: Task, job: Job, begin: Callable[[Task, Job], Run] | None = None
    ) -> None:
        self._task, self._job, self._begin = task, job, begin or begin_run
        self._contract = inspect_trainable(task.trainable)
        self._gpus = task.gpus if job.gpus is None else job.gpus
        self._alone = job.alone or not 0 < self._gpus < 1
        self._open: _Open | None = None
        self._watchdog: Watchdog | None = None
        self._tail = LogTail()

    def advance(self, limit_s: float = BATCH_S) -> Batch:
        """Run until the driver has something to decide, or the time is up."""
        token, started = uuid.uuid4().hex, time.time()
        try:
            with self._tail.listening(), self._watched(token, started):
                now, end = self._go_on(token, started, limit_s)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - here a trial may fail
            trace = "".join(traceback.format_exception(error))
        else:
            return self._batch(now, end)
        # the exception is gone by now, and with it what its frames held on an accelerator
        return self._raised(trace, token, started)

    def _go_on(self, token: str, started: float, limit_s: float) -> tuple[_Open, End | None]:
        if self._open is None:
            self._open = self._start(token, started)
        elif self._checkpoint_is_due(self._open):
            self._checkpoint(self._open)
        end = self._steps(self._open, time.monotonic() + limit_s)
        if end == "complete":
            end = self._conclude(self._open)
        return self._open, end

    @contextmanager
    def _watched(self, token: str, started: float, folder: str | None = None) -> Iterator[None]:
        """End this process if the run hangs inside the block: see `search.engine.hangs`."""
        if self._task.step_limit_s is None:
            yield
            return
        if self._open is not None:
            token, started = self._open.token, self._open.started
        attempt = {
            "token": token,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": started,
            "start_step": self._open.run.start_step if self._open else 0,
            "gpus": self._gpus,
            "versions": versions(),
        }
        note = here(place(folder or self._job.folder))
        with watched(self._task.step_limit_s, note, attempt) as dog:
            self._watchdog = dog
            try:
                yield
            finally:
                self._watchdog = None

    def _beat(self) -> None:
        if self._watchdog is not None:
            self._watchdog.beat()

    def keep(self) -> None:
        """Write a checkpoint, due or not, of what the driver has stored: the driver leaves."""
        now = self._open
        if now is None or not now.run.saves or now.step == now.run.start_step:
            return
        try:
            with self._tail.listening(), self._watched(now.token, now.started):
                self._checkpoint(now)
        except (Exception, SystemExit):  # the run goes on later, from the checkpoint before
            logger.warning("a trainable raised while it was saved", exc_info=True)

    def close(self) -> None:
        """End the attempt; whatever a trainable raises while closing is logged, not raised."""
        if self._open is None:
            return
        token, started = self._open.token, self._open.started
        run, self._open = self._open.run, None
        try:
            # the trial may have ended, and its folder with it
            with self._tail.listening(), self._watched(token, started, tempfile.gettempdir()):
                run.close()
        except (Exception, SystemExit):  # the trial's outcome is known already
            logger.warning("a trainable raised while it was closed", exc_info=True)
        del run
        free_accelerator()

    def _start(self, token: str, started: float) -> _Open:
        task, job = self._task, self._job
        run = self._begin(task, job)
        self._beat()
        watch = Watch(task.guards, task.goals, job.max_steps, run.notes.get("watch"))
        return _Open(token, run, watch, run.start_step, started, time.monotonic())

    def _steps(self, now: _Open, deadline: float) -> End | None:
        while now.step < self._job.max_steps:
            before = time.monotonic()
            metrics = now.run.step()
            self._beat()
            if metrics is ENDED:
                if now.step == 0:
                    raise TrainableError("the trainable ended before its first step")
                return "complete"
            checked = _checked(metrics, self._task.objectives)
            now.step += 1
            now.steps.append(Step(now.step, checked, time.monotonic() - before, time.time()))
            if now.watch.observe(now.step, checked) is not None:
                return "diverged"
            if not all(math.isfinite(checked[name]) for name in self._task.objectives):
                return "diverged"
            halts = self._job.halts
            if now.step < self._job.max_steps and (
                halts is None or now.step in halts or time.monotonic() >= deadline
            ):
                return None
        return "complete"

    def _checkpoint_is_due(self, now: _Open) -> bool:
        """Return whether a checkpoint is due: at the driver's decisions, and every so often."""
        rung = self._job.halts is not None and now.step in self._job.halts
        late = time.monotonic() - now.checkpointed >= self._task.checkpoint_s
        return now.run.saves and (rung or late)

    def _checkpoint(self, now: _Open) -> None:
        folder = place(self._job.folder) / now.token
        try:
            notes = {"watch": now.watch.state()}
            now.checkpoints.append(write_checkpoint(now.run.save, folder, now.step, notes))
        except CheckpointError as error:
            # a full disk costs the steps since the last checkpoint, not the trial
            logger.warning("%s; the run goes on without it", error)
        now.checkpointed = time.monotonic()
        self._beat()

    def _conclude(self, now: _Open) -> End:
        """Ask a complete run what only its end can tell; a guard may still call it broken."""
        run, folder, spread = now.run, self._job.predictions, None
        if isinstance(run, ClassRun) and self._contract.predicts:
            written = folder is not None and _predictions_kept(run, place(folder))
            if now.watch.wants_spread:
                kept = read_predictions(place(str(folder)), "validation") if written else None
                spread = _spread(kept or run.predict("validation"))
        if now.watch.finish(now.step, spread) is not None:
            return "diverged"
        if self._job.diagnose and isinstance(run, ClassRun):
            now.diagnostics = _diagnosed(run)
        if self._task.keep_checkpoints and run.saves:
            self._keep_last(now)
        return "complete"

    def _keep_last(self, now: _Open) -> None:
        """Write the checkpoint that outlives its trial, apart: this end is not stored yet."""
        folder = place(self._job.folder) / now.token / AT_THE_END
        try:
            now.kept = write_checkpoint(now.run.save, folder, now.step)
        except CheckpointError as error:
            logger.warning("%s; none of this run is kept", error)
        self._beat()

    def _batch(self, now: _Open, end: End | None, error: str | None = None) -> Batch:
        batch = Batch(
            token=now.token,
            host=socket.gethostname(),
            pid=os.getpid(),
            started=now.started,
            start_step=now.run.start_step,
            steps=tuple(now.steps),
            checkpoints=tuple(now.checkpoints),
            flags=now.watch.news(),
            diagnostics=now.diagnostics,
            kept=now.kept,
            end=end,
            error=error,
            log=self._tail.text if end else None,
            peak_memory=peak_memory(),
            gpus=self._gpus,
            alone=self._alone,
            gpu_memory=self._task.memory(self._alone),
            versions=versions(),
        )
        now.steps.clear()
        now.checkpoints.clear()
        return batch

    def _raised(self, trace: str, token: str, started: float) -> Batch:
        if self._open is not None:
            batch = self._batch(self._open, "raised", trace)
            self.close()
            return batch
        batch = never_started(token, started, trace, self._tail.text, self._gpus)
        return replace(batch, alone=self._alone)


def never_started(
    token: str, started: float, error: str, log: str = "", gpus: float = 0.0
) -> Batch:
    """Return the batch of an attempt that raised before its first step."""
    return Batch(
        token=token,
        host=socket.gethostname(),
        pid=os.getpid(),
        started=started,
        start_step=0,
        end="raised",
        error=error,
        log=log,
        peak_memory=peak_memory(),
        gpus=gpus,
        versions=versions(),
    )


def begin_run(task: Task, job: Job, group: ProcessGroup | None = None) -> Run:
    """Start a job's run, or go on with it; in a group, this process's part of it."""
    contract = inspect_trainable(task.trainable)
    arguments = contract.arguments(
        seed=job.seed,
        max_steps=job.max_steps,
        data=load_data(task),
        split_seed=task.split_seed,
        replication=task.replication,
        group=group,
    )
    config = override(task.baseline, job.changes)
    return start_run(task.trainable, contract, config, arguments, place(job.folder))


def load_data(task: Task) -> Any:
    """Return what the study's loader returns; it is called once per process."""
    if task.loader is None:
        return None
    key = (id(task.loader), str(task.data_path))
    if key not in _DATA:
        # the loader is kept, so that no other object takes its identity
        _DATA[key] = (task.loader, task.loader(task.data_path))
    return _DATA[key][1]


def _predictions_kept(run: ClassRun, folder: Place) -> bool:
    """Write a run's predictions; a full disk costs what is made from them, not the run."""
    try:
        write_predictions(run.predict, folder)
    except OSError:
        logger.warning("the predictions of this run are not kept", exc_info=True)
        return False
    return True


def _diagnosed(run: ClassRun) -> str | None:
    try:
        found = run.diagnose()
        return None if found is None else diagnostics_json(found)
    except Exception:
        # a finished run is not lost to its pictures; the attempt's log says why there are none
        logger.warning("there are no diagnostics of this run", exc_info=True)
        return None


def _spread(predictions: Predictions) -> float:
    """Return the standard deviation of the scores over rows; of several classes, the largest."""
    return float(np.max(np.std(predictions.scores, axis=0)))


def _checked(metrics: Mapping[str, Any], objectives: tuple[str, ...]) -> dict[str, float]:
    """Return a step's metrics as plain numbers.

    Raises
    ------
    TrainableError
        If they are no mapping of names to numbers, or lack an objective.
    """
    if not isinstance(metrics, Mapping):
        raise TrainableError(f"a step gives a mapping of metrics, got {metrics!r}")
    for name in objectives:
        if name not in metrics:
            raise TrainableError(f"no metric '{name}' in this step{near_miss(name, metrics)}")
    try:
        return {str(name): float(value) for name, value in metrics.items()}
    except (TypeError, ValueError) as error:
        wrong = {name: type(value).__name__ for name, value in metrics.items()}
        raise TrainableError(f"metrics must be numbers ({error}); got {wrong}") from error

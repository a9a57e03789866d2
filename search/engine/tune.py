"""The Ray engine: Ray Tune serves the stream. The only module that imports ray.tune.

Tune starts, moves and restarts workers; everything else is ours. A searcher hands it the stream's
jobs, a scheduler hands the stream what workers report, and an adapter runs a job batch by batch.
Neither holds state that a rerun would need: the database is the only truth, so Tune's snapshots
are never read, and lie in a temporary folder.
"""

from __future__ import annotations

import gc
import logging
import shutil
import tempfile
import time
import traceback
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from pickle import PicklingError
from typing import Any

from ray import cloudpickle, tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from search.engine.bridge import GPU_MEMORY, MAX_LOST, Bridge, Losses, to_bytes
from search.engine.cluster import cluster_resources, node_resources
from search.engine.group import Peers
from search.engine.job import Task
from search.engine.placement import Placement, check_room
from search.engine.process import environment, prepare_process, signals_kept
from search.engine.stream import Stream
from search.engine.worker import Worker, load_data, never_started
from search.errors import EngineError
from search.resources import Resources

NO_MEMORY = "running low on memory"  # what Ray says of a worker that it killed for its memory
QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_WARN_THRESHOLD_S": "60",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "86400",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_RESULT_BUFFER_LENGTH": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}
logger = logging.getLogger(__name__)


class TrialActor(tune.Trainable):
    """Runs jobs in a worker process; kept for the next trial, so imports are paid once."""

    def setup(self, config: dict[str, Any], **cargo: Any) -> None:
        """Make the process ready; the first job begins with the first step."""
        self._threads = prepare_process(**cargo["process"])
        self._task, self._job = cargo["task"], config["job"]
        self._shared = cargo.get("shared")
        self._worker: Worker | None = None
        self._group: Peers | None = None
        if (need := config["need"]).processes > 1:
            self._group = Peers(need, cargo["process"], cargo["task"])

    def step(self) -> dict[str, Any]:
        """Run one batch."""
        started = time.time()
        try:
            if self._worker is None:
                self._worker = self._begin()
        except Exception as error:  # noqa: BLE001 - what cannot be imported here may raise anything
            trace = "".join(traceback.format_exception(error))
            return {"batch": never_started(uuid.uuid4().hex, started, trace)}
        return {"batch": self._worker.advance()}

    def _begin(self) -> Worker:
        """Read the task once, and the job; both may need modules that are missing here."""
        if isinstance(self._task, bytes):
            self._task = cloudpickle.loads(self._task)
            if self._shared is not None:
                self._task = replace(self._task, loader=self._shared)
        begin = self._group.begin if self._group else None
        return Worker(self._task, cloudpickle.loads(self._job), begin)

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> tune.PlacementGroupFactory:
        """Return what this trial asks for: not all ask for the same."""
        return tune.PlacementGroupFactory(config["need"].bundles, strategy="PACK")

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Close the job before, and let the next one begin in the same process."""
        self.cleanup()
        self._job, self._worker = new_config["job"], None
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:  # noqa: ARG002 - Tune's
        """Write one of the engine's own: Tune asks for one only when it pauses a trial."""
        if self._worker is not None:
            self._worker.keep()
        return {}

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Load nothing: a worker finds its newest intact checkpoint itself."""

    def cleanup(self) -> None:
        """Close the job under way."""
        if self._worker is not None:
            self._worker.close()

    def stop(self) -> None:
        """Close the job under way, and end the processes that belong to this one."""
        super().stop()  # type: ignore[no-untyped-call]  # Ray's
        if self._group is not None:
            self._group.end()


@dataclass(frozen=True)
class SharedData:
    """In place of a loader: what the driver's call of it has returned."""

    data: Any

    def __call__(self, path: Path | None) -> Any:  # noqa: ARG002 - a loader's
        """Return the data."""
        return self.data


class StreamSearcher(Searcher):
    """Hands Tune the stream's jobs."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge

    def suggest(self, trial_id: str) -> Any:
        """Return the next job; None while the stream waits; FINISHED at its end."""
        return self._bridge.guard(lambda: self._next(trial_id), Searcher.FINISHED)

    def _next(self, trial_id: str) -> Any:
        bridge = self._bridge
        if bridge.full:
            return None
        job = bridge.stream.next()
        if isinstance(job, str):
            return None if job == "wait" else Searcher.FINISHED
        return bridge.begin(trial_id, job)

    def on_trial_complete(
        self,
        trial_id: str,
        result: Mapping[str, Any] | None = None,  # noqa: ARG002 - Tune's signature
        error: bool = False,  # noqa: FBT001, FBT002 - Tune's signature
    ) -> None:
        """Give up a trial that lost more workers than it may; others ended in the scheduler.

        Tune also gives a trial up whose worker died while it cleared up after the one before: that
        one is begun again.
        """
        bridge, key = self._bridge, self._bridge.keys.pop(trial_id, None)
        if not error or key is None or bridge.stream.leaving:
            return
        bridge.waiting.discard(key)
        losses = bridge.losses.get(key, Losses())
        reason = bridge.guard(lambda: bridge.stream.hopeless(key), None)
        if reason is None and losses.count > losses.allowed:
            reason = f"lost {losses.count} workers: {losses.reason}"
        if reason is None:
            bridge.guard(lambda: bridge.stream.again(key), None)
        else:
            bridge.guard(lambda: bridge.stream.lost(key, reason), None)

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the database is the only truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing: the database is the only truth."""


class StreamScheduler(FIFOScheduler):
    """Hands the stream what workers report; the stream decides who goes on."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Ray's
        self._bridge = bridge

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:  # noqa: ARG002 - Tune's signature
        """Store a batch; continue or stop the trial."""
        bridge, key = self._bridge, self._bridge.keys[trial.trial_id]
        bridge.learn(key, result["batch"])
        if bridge.guard(lambda: bridge.stream.observe(key, result["batch"]), otherwise=False):
            leaves = bridge.stream.leaving
            return TrialScheduler.PAUSE if leaves else TrialScheduler.CONTINUE
        bridge.keys.pop(trial.trial_id, None)
        return TrialScheduler.STOP

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:  # noqa: ARG002 - Tune's
        """Note that a worker has died; what would happen again is tried only once more."""
        bridge, key = self._bridge, self._bridge.keys.get(trial.trial_id)
        if key is None or bridge.stream.leaving:
            return
        losses = bridge.losses.setdefault(key, Losses())
        losses.count += trial.status != Trial.PENDING  # then Tune tells of the same death twice
        losses.reason, certain = _reason(trial)
        if certain:
            trial.max_failures = losses.allowed = 1
        if bridge.guard(lambda: bridge.stream.worker_lost(key, losses.reason), otherwise=False):
            losses.reason = "it hung"
            trial.max_failures = 0  # its next loss is judged by us, whatever Tune has counted
        logger.warning("trial %d of %s lost its worker: %s", key[1], key[0], losses.reason)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return who is next; nobody once the driver leaves: then only those at work are heard."""
        if not self._bridge.stream.leaving:
            return super().choose_trial_to_run(tune_controller)
        at_work = [trial.status == Trial.RUNNING for trial in tune_controller.get_trials()]
        self._bridge.left = not any(at_work)
        return None


class StreamStopper(tune.Stopper):
    """Ends everything once the stream has: at a limit, after an error, or as the driver leaves."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002 - Tune's
        """Return False: the scheduler stops trials."""
        return False

    def stop_all(self) -> bool:
        """Return whether Tune is to stop now, however long the steps under way may still take."""
        bridge = self._bridge
        return bridge.error is not None or bridge.left or bridge.stream.limit_reached()


def run_ray(
    stream: Stream, task: Task, resources: Resources, *, workers: int | None = None
) -> None:
    """Serve a stream with Ray Tune; Ray must be initialised.

    Parameters
    ----------
    stream
        Where jobs come from, and results go to.
    task
        What all jobs share; it travels to each worker once.
    resources
        What one trial occupies.
    workers
        Trials at a time; None: as many as the cluster has room for.

    Raises
    ------
    EngineError
        If Tune ends before the stream does.
    """
    gpus = cluster_resources().get("GPU", 0.0)
    placement = Placement(resources, gpus, stream.remembered(GPU_MEMORY))
    check_room(placement.need(), node_resources())
    bridge = Bridge(stream, placement, workers)
    with _quiet(), _scratch() as scratch, _young_garbage():
        _tuner(bridge, task, scratch).fit()
    if bridge.error is not None:
        raise bridge.error
    stream.finish()
    if stream.running and not stream.leaving:
        raise EngineError(f"Ray Tune has ended while {stream.running} trials were under way")


def _tuner(bridge: Bridge, task: Task, scratch: str) -> tune.Tuner:
    process = {"threads": task.threads, "variables": task.variables, "folders": task.folders}
    plain = replace(task, variables={}, folders=())
    cargo = {"process": process, "task": to_bytes(plain)}
    actor = _with_data(task, cargo) or tune.with_parameters(TrialActor, **cargo)
    return tune.Tuner(
        actor,
        tune_config=tune.TuneConfig(
            search_alg=StreamSearcher(bridge),
            scheduler=StreamScheduler(bridge),
            num_samples=-1,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name="winnow",
            storage_path=scratch,
            stop=StreamStopper(bridge),
            failure_config=tune.FailureConfig(max_failures=MAX_LOST),
            # checkpoints are our own: Tune would ask each actor for one at the end of its trial
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
        ),
    )


def _with_data(task: Task, cargo: Mapping[str, Any]) -> Any:
    """Return the actor with the data beside it, once per node; None where it is not shared."""
    if not task.share_data or task.loader is None:
        return None
    try:
        return tune.with_parameters(TrialActor, **cargo, shared=SharedData(load_data(task)))
    except (TypeError, AttributeError, PicklingError) as error:
        logger.warning("the data cannot be shared, every worker loads its own: %s", error)
        return None


@contextmanager
def _young_garbage() -> Iterator[None]:
    """Spare the collector what was there before: a tenth of a short trial's time is spent on it."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _scratch() -> Iterator[str]:
    """Lend Tune a folder; one of its threads may still write into it while it is deleted."""
    folder = tempfile.mkdtemp(prefix="winnow-tune-")
    try:
        yield folder
    finally:
        for _ in range(20):
            shutil.rmtree(folder, ignore_errors=True)
            if not Path(folder).exists():
                break
            time.sleep(0.1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Tune's words off the terminal, and its hands off signals; undone afterwards."""
    tune_logger = logging.getLogger("ray.tune")
    level = tune_logger.level
    tune_logger.setLevel(logging.CRITICAL)
    try:
        with environment(QUIET), signals_kept():
            yield
    finally:
        tune_logger.setLevel(level)


def _reason(trial: Any) -> tuple[str, bool]:
    """Return why a worker was lost, and whether the next one would be lost for the same reason."""
    # the driver's own copy of all its failures: Trial.get_error() reads one that is synced later
    told = Path(trial.error_file).read_text(encoding="utf-8") if trial.error_file else ""
    if NO_MEMORY in told.rpartition("Failure #")[2]:
        return "the node ran out of memory", True
    return "its process died", False

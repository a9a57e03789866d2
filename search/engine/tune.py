"""The Ray engine: Ray Tune serves the stream. The only module that imports ray.tune.

Tune starts, moves and restarts workers; everything else is ours. A searcher hands it the stream's
jobs, a scheduler hands the stream what workers report, and an adapter runs a job batch by batch.
Neither holds state that a rerun would need: the database is the only truth, so Tune's snapshots
are never read, and lie in a temporary folder.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from search.engine.cluster import cluster_resources
from search.engine.job import Batch, Job, Key, Task
from search.engine.stream import Stream
from search.engine.worker import Worker
from search.study import Resources

MAX_LOST = 3  # workers that one trial may lose
QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_WARN_THRESHOLD_S": "60",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_RESULT_BUFFER_LENGTH": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}


class TrialActor(tune.Trainable):
    """Runs jobs in a worker process; kept for the next trial, so imports are paid once."""

    def setup(self, config: dict[str, Any], **shared: Task) -> None:
        """Begin the worker's first job."""
        self._task = shared["task"]
        self._worker = Worker(self._task, config["job"])

    def step(self) -> dict[str, Any]:
        """Run one batch."""
        return {"batch": self._worker.advance()}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin the next job in the same process, after the one before has been closed."""
        self._worker.close()
        self._worker = Worker(self._task, new_config["job"])
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:  # noqa: ARG002 - Tune's
        """Save nothing: checkpoints are the engine's own, with checksums."""
        return {}

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Load nothing: a worker finds its newest intact checkpoint itself."""

    def cleanup(self) -> None:
        """Close the job under way."""
        self._worker.close()


class StreamSearcher(Searcher):
    """Hands Tune the stream's jobs."""

    def __init__(self, stream: Stream, limit: int) -> None:
        super().__init__()
        self._stream, self._limit = stream, limit
        self.keys: dict[str, Key] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Pickle nothing: Tune writes its tuner to disk, and the database's URL may be secret."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        """Return the next job; None while the stream waits; FINISHED at its end."""
        if len(self.keys) >= self._limit:
            return None
        job = self._stream.next()
        if isinstance(job, str):
            return None if job == "wait" else Searcher.FINISHED
        self.keys[trial_id] = job.key
        return {"job": job}

    def on_trial_complete(
        self,
        trial_id: str,
        result: Mapping[str, Any] | None = None,  # noqa: ARG002 - Tune's signature
        error: bool = False,  # noqa: FBT001, FBT002 - Tune's signature
    ) -> None:
        """Give up a trial that lost more workers than it may; others ended in the scheduler."""
        key = self.keys.pop(trial_id, None)
        if error and key is not None:
            self._stream.lost(key, f"its worker died {MAX_LOST + 1} times")

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the database is the only truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing: the database is the only truth."""


class StreamScheduler(FIFOScheduler):
    """Hands the stream what workers report; the stream decides who goes on."""

    def __init__(self, stream: Stream, searcher: StreamSearcher) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Ray's
        self._stream, self._searcher = stream, searcher

    def __getstate__(self) -> dict[str, Any]:
        """Pickle nothing: see `StreamSearcher`."""
        return {}

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:  # noqa: ARG002 - Tune's signature
        """Store a batch; continue or stop the trial."""
        batch: Batch = result["batch"]
        job: Job = trial.config["job"]
        if self._stream.observe(job.key, batch):
            return TrialScheduler.CONTINUE
        self._searcher.keys.pop(trial.trial_id, None)
        return TrialScheduler.STOP


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
    """
    os.environ.update(QUIET)
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    need = trial_resources(resources)
    limit = min(workers or 10**6, room(need))
    with tempfile.TemporaryDirectory(prefix="winnow-tune-") as scratch:
        searcher = StreamSearcher(stream, limit)
        actor = tune.with_resources(tune.with_parameters(TrialActor, task=task), need)
        tuner = tune.Tuner(
            actor,
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=StreamScheduler(stream, searcher),
                num_samples=-1,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name="winnow",
                storage_path=scratch,
                failure_config=tune.FailureConfig(max_failures=MAX_LOST),
                verbose=0,
            ),
        )
        tuner.fit()
    stream.stop_all()


def trial_resources(resources: Resources) -> dict[str, float]:
    """Return what Ray is asked for: a GPU is used where the cluster has one."""
    gpus = resources.gpus
    if gpus is None:
        gpus = 1.0 if cluster_resources().get("GPU", 0) else 0.0
    return {"CPU": resources.cpus, "GPU": gpus} if gpus else {"CPU": resources.cpus}


def room(need: Mapping[str, float]) -> int:
    """Return how many trials fit into the cluster at once; at least one."""
    have = cluster_resources()
    return max(1, min(int(have.get(name, 0) / amount + 1e-6) for name, amount in need.items()))

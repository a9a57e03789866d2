"""What a driver gives a worker, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.engine.process import GpuMemory, gpu_memory
from search.guards import Guard
from search.objective import Objective
from search.storage.records import Checkpoint, End, RunFlag, Step

Key = tuple[str, int]


@dataclass(frozen=True)
class Job:
    """One trial to run, or to go on with.

    Parameters
    ----------
    study, number
        The trial.
    changes
        The fields that differ from the baseline, by dotted path.
    seed
        Drives everything random in the run.
    max_steps
        The full length.
    halts
        Steps after which the driver decides whether the trial goes on; None: after every step.
    folder
        Where its checkpoints lie, a folder per attempt.
    predictions
        Where a completed run's predictions are kept; None: they are not.
    diagnose
        Whether a completed run is asked for what explains it.
    alone
        Whether nobody else is to use its accelerator: it ran out of memory beside others.
    gpus
        GPUs that it holds, where trials differ in that; the engine fills it in.
    """

    study: str
    number: int
    changes: Mapping[str, Any]
    seed: int
    max_steps: int
    halts: tuple[int, ...] | None
    folder: str
    predictions: str | None = None
    diagnose: bool = False
    alone: bool = False
    gpus: float | None = None

    @property
    def key(self) -> Key:
        """The trial."""
        return self.study, self.number


@dataclass(frozen=True)
class Task:
    """What all jobs of one command share; it travels to a worker once.

    Parameters
    ----------
    trainable
        A generator function or a class.
    baseline
        The configuration that a job's changes apply to.
    objectives
        Metrics that every step must report; a non-finite one ends the trial.
    loader, data_path
        ``loader(data_path)`` is called once per worker, if there is a loader.
    share_data
        Whether the driver calls it instead, where workers are other processes.
    checkpoint_s
        Seconds between checkpoints, beside those at rungs.
    threads
        Threads that native libraries may compute with.
    folders
        Folders that the study's neighbours are imported from.
    variables
        Environment variables that the study file has set.
    gpus
        GPUs that a trial holds, unless its job says otherwise; the engine fills it in.
    guards, goals
        What runs are watched for, and the objectives with their directions.
    split_seed, replication
        The study's, for trainables that name them.
    step_limit_s
        Seconds after which a step counts as hung; None: never.
    memory
        Tells what a run has taken of its accelerator's memory; given whether it is alone there.
    keep_checkpoints
        Whether a run that is complete writes a last checkpoint, for its trial to keep.
    """

    trainable: Any
    baseline: Any
    objectives: tuple[str, ...]
    loader: Callable[..., Any] | None = None
    data_path: Path | None = None
    checkpoint_s: float = 30.0
    threads: int = 1
    folders: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    gpus: float = 0.0
    guards: tuple[Guard, ...] = ()
    goals: tuple[Objective, ...] = ()
    split_seed: int = 0
    replication: str = "fresh"
    share_data: bool = False
    step_limit_s: float | None = None
    memory: Callable[[bool], GpuMemory | None] = gpu_memory
    keep_checkpoints: bool = False


@dataclass(frozen=True)
class Batch:
    """What a worker did since its last batch.

    `token` names the attempt; `flags` is what guards said; `end` is None while the attempt goes on.
    `kept` is a checkpoint of a complete run's end, for its trial to keep. `peak_memory` is the
    largest resident size of the worker so far, in bytes, where the system tells it. `alone` says
    that no other trial used its accelerator; `gpu_memory` what it took of that.
    """

    token: str
    host: str
    pid: int
    started: float
    start_step: int
    steps: tuple[Step, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    flags: tuple[RunFlag, ...] = ()
    diagnostics: str | None = None
    kept: Checkpoint | None = None
    end: End | None = None
    error: str | None = None
    log: str | None = None
    peak_memory: int | None = None
    gpus: float = 0.0
    alone: bool = False
    gpu_memory: GpuMemory | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

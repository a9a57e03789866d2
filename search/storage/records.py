"""What the study database holds, as frozen records: what was asked, and what came back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from search.configuration import digest
from search.study import Objective

Outcome = Literal["complete", "pruned", "diverged", "failed", "stopped"]
"""How a trial ended. ``stopped``: a limit of the whole search ended it. A guard that stops a run
declares it broken: it is ``diverged``, and the reason begins with "guard: "."""

End = Literal["complete", "pruned", "diverged", "raised", "stopped", "lost", "interrupted"]
"""How an attempt ended. ``lost``: its worker died; ``interrupted``: its driver did."""


@dataclass(frozen=True)
class Asked:
    """A trial as it was asked for.

    Parameters
    ----------
    arm
        The techniques that are on, by name, joined by " + "; "baseline" for none.
    seed
        Drives everything random in the run.
    configuration
        Every field by dotted path.
    changes
        The fields that differ from the baseline.
    params, distributions
        Optuna's parameters, where a sampler asked for them; kept in Optuna's tables, so empty in
        what the reader returns.
    max_steps
        The full length.
    bracket
        Hyperband-style bracket; 0 elsewhere.
    code, data
        Digests of the trainable's source and of the data: runs made by others are never compared.
    """

    arm: str
    seed: int
    configuration: Mapping[str, Any]
    changes: Mapping[str, Any]
    max_steps: int
    params: Mapping[str, Any] = field(default_factory=dict)
    distributions: Mapping[str, Any] = field(default_factory=dict)
    bracket: int = 0
    code: str = ""
    data: str = ""

    @property
    def key(self) -> str:
        """What makes two runs the same: configuration, length, seed, code and data."""
        configuration = dict(self.configuration)
        return digest([configuration, self.max_steps, self.seed, self.code, self.data])


@dataclass(frozen=True)
class Step:
    """One step of a run: its metrics, and what it took.

    `finished` is in seconds since the epoch.
    """

    step: int
    metrics: Mapping[str, float]
    elapsed_s: float
    finished: float


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was written whole."""

    step: int
    path: str
    sha256: str
    size: int
    written: float


@dataclass(frozen=True)
class RunFlag:
    """What a guard said of a run.

    Parameters
    ----------
    kind
        The guard's, or "not_reported": the metric that it names was never there.
    metric
        What it watched.
    step, value
        When it spoke first, and the value that it saw; None where there is none.
    words
        For people, with value, limit and step.
    stops
        Whether it stopped the run.
    """

    kind: str
    metric: str
    step: int
    value: float | None
    words: str
    stops: bool = False


@dataclass(frozen=True)
class Attempt:
    """One attempt at a trial: where it ran, from which step, how it ended.

    `peak_memory` is the largest resident size of its process so far, in bytes.
    """

    number: int
    token: str
    host: str
    pid: int
    start_step: int
    started: float
    gpus: float
    versions: Mapping[str, str] = field(default_factory=dict)
    ended: float | None = None
    end: End | None = None
    error: str | None = None
    log: str | None = None
    peak_memory: int | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds it took; nan while it runs."""
        return math.nan if self.ended is None else self.ended - self.started


@dataclass(frozen=True)
class Result:
    """How a trial ended.

    `values` are the objectives' values at `step`; empty when there is no finite one.
    """

    outcome: Outcome
    values: tuple[float, ...] = ()
    step: int | None = None
    reason: str | None = None
    finished: float = 0.0


@dataclass(frozen=True)
class TrialRecord:
    """A trial with all that is stored about it; `result` is None until it has ended.

    `steps` holds every step once; `superseded` those that a later attempt repeated, oldest first;
    `flags` what guards said.
    """

    number: int
    asked: Asked
    created: float
    result: Result | None
    attempts: tuple[Attempt, ...]
    steps: tuple[Step, ...]
    checkpoints: tuple[Checkpoint, ...] = ()
    superseded: tuple[Step, ...] = ()
    flags: tuple[RunFlag, ...] = ()

    @property
    def outcome(self) -> str:
        """The outcome, or ``running``."""
        return self.result.outcome if self.result else "running"

    @property
    def elapsed_s(self) -> float:
        """Seconds of all its ended attempts."""
        return sum(a.elapsed_s for a in self.attempts if a.ended is not None)

    @property
    def gpu_s(self) -> float:
        """GPU-seconds of all its ended attempts."""
        return sum(a.gpus * a.elapsed_s for a in self.attempts if a.ended is not None)

    def curve(self, metric: str) -> tuple[tuple[int, float], ...]:
        """Return (step, value) for every step that reported `metric`."""
        return tuple((s.step, s.metrics[metric]) for s in self.steps if metric in s.metrics)


@dataclass(frozen=True)
class SeriesRecord:
    """A series of trials (an Optuna study): what was asked, and its trials by number.

    `owner` ran it first, `tags` label it, and `archived` is since when (in seconds since the
    epoch) it is put away.
    """

    study: str
    name: str
    kind: str
    created: float
    specification: Mapping[str, Any]
    trials: tuple[TrialRecord, ...]
    owner: str | None = None
    tags: tuple[str, ...] = ()
    archived: float | None = None

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives, as registered."""
        return tuple(
            Objective(goal["metric"], goal["direction"])
            for goal in self.specification["objectives"]
        )

    @property
    def best(self) -> TrialRecord | None:
        """The completed trial with the best value of the first objective, or None."""
        done = [t for t in self.trials if t.result and t.result.outcome == "complete"]
        scored = [t for t in done if t.result and t.result.values]
        sign = self.objectives[0].sign
        return max(scored, key=lambda t: sign * _value(t), default=None)


def _value(trial: TrialRecord) -> float:
    return trial.result.values[0] if trial.result else math.nan

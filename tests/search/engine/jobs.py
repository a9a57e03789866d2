"""Jobs of toys, and the batches that a worker makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.engine.job import Batch, Job, Task
from search.engine.worker import Worker

Steps = Iterator[dict[str, float]]


@dataclass(frozen=True)
class Config:
    """A configuration."""

    lr: float = 0.1
    kind: str = "healthy"


def metrics(value: float = 0.5, test: float = 0.4) -> dict[str, float]:
    """Return the metrics of a step."""
    return {"val_ap": value, "test_ap": test}


def healthy(config: Config, *, seed: int) -> Steps:
    """Yield nine steps."""
    for step in range(9):
        yield metrics(config.lr * step + seed)


def make_task(trainable: Any, **other: Any) -> Task:
    """Return what the jobs of a series share."""
    return Task(trainable=trainable, baseline=Config(), objectives=("val_ap",), **other)


def make_job(
    folder: Path,
    *,
    halts: tuple[int, ...] | None = (),
    max_steps: int = 9,
    changes: dict[str, Any] | None = None,
    predictions: str | None = None,
) -> Job:
    """Return a job whose seed is 7."""
    return Job("toy/search", 0, changes or {}, 7, max_steps, halts, str(folder), predictions)


def run(worker: Worker, batches: int = 50) -> list[Batch]:
    """Advance to the end; return the batches."""
    found: list[Batch] = []
    while not found or (found[-1].end is None and len(found) < batches):
        found.append(worker.advance())
    return found


def numbers(batch: Batch) -> list[int]:
    """Return the numbers of a batch's steps."""
    return [step.step for step in batch.steps]

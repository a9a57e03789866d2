"""Data that all workers of a machine share."""

# ruff: noqa: ARG001 - arguments are those of an interface

from __future__ import annotations

import dataclasses
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search import Resources
from search.engine.job import Task
from search.engine.stream import Stream
from tests.search.engine.conftest import Scene, asked


@dataclasses.dataclass(frozen=True)
class Config:
    lr: float = 0.1


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What a loader returns: an array in something of the study's own."""

    values: Any
    made_by: int


def load(path: Path | None) -> Loaded:
    return Loaded(np.arange(200_000.0), os.getpid())


def load_something_open(path: Path | None) -> Loaded:
    return Loaded(np.arange(10.0), os.getpid()) if path is None else _unpicklable()


def _unpicklable() -> Any:
    found = Loaded(np.arange(10.0), os.getpid())
    object.__setattr__(found, "lock", threading.Lock())
    return found


def train(config: Config, *, seed: int, data: Loaded) -> Iterator[dict[str, float]]:
    for _ in range(2):
        yield {
            "val_ap": float(data.values[-1]),
            "loader": float(data.made_by),
            "me": float(os.getpid()),
            "writable": float(data.values.flags.writeable),
        }


def serve(scene: Scene, address: str, loader: Any, **other: Any) -> list[dict[str, float]]:
    """Run four trials, two at a time; return what each reported last."""
    from search.engine.cluster import ray_session
    from search.engine.tune import run_ray

    runs = [dataclasses.replace(asked(seed), max_steps=2) for seed in range(4)]
    task = Task(train, Config(), ("val_ap",), loader=loader, **other)
    with ray_session(address=address, module=sys.modules[__name__]):
        run_ray(Stream([scene.open(*runs, halting=())]), task, Resources(gpus=0), workers=2)
    return [dict(trial.steps[-1].metrics) for trial in scene.record.trials]


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("shared", [False, True])
def test_shared_data_are_loaded_by_the_driver_alone(
    scene: Scene, gpu_cluster: str, shared: bool
) -> None:
    told = serve(scene, gpu_cluster, load, share_data=shared)
    assert [found["val_ap"] for found in told] == [199_999.0] * 4
    assert [found["writable"] for found in told] == [0.0 if shared else 1.0] * 4
    loaders = {found["loader"] for found in told}
    assert loaders == ({float(os.getpid())} if shared else {found["me"] for found in told})


@pytest.mark.slow
@pytest.mark.ray
def test_what_cannot_be_pickled_is_loaded_by_every_worker(
    scene: Scene, gpu_cluster: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "data"
    path.touch()
    told = serve(scene, gpu_cluster, load_something_open, share_data=True, data_path=path)
    assert {found["loader"] for found in told} == {found["me"] for found in told}
    assert "the data cannot be shared" in caplog.text

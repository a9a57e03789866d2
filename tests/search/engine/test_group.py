"""A trial of several processes: in lockstep, and none can hang the others."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from search import Resources
from search.engine.job import Task
from search.engine.stream import Stream
from search.engine.worker import Worker
from search.storage.records import TrialRecord
from search.trainable import ProcessGroup
from tests.search.engine.conftest import Scene, asked
from tests.search.engine.jobs import make_job, run
from trainables.gen5_prime.config import Gen5Config, StopConfig
from trainables.gen5_prime.generated import generate
from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.network import ModelConfig
from trainables.gen5_prime.stamps import Splits
from trainables.gen5_prime.trainable import Gen5Prime
from trainables.gen5_prime.training import OptimConfig

TWO = Resources(cpus=1, gpus=0, processes=2)
FEW = GeneratorConfig(
    n_train=24,
    n_validation=12,
    n_test=12,
    n_shift=12,
    n_bricks=3,
    n_held_out_bricks=2,
    bad_bricks=1,
)
GEN5 = Gen5Config(
    model=ModelConfig(width=2, norm="group"),
    optim=OptimConfig(batch_size=7),  # parts of 4 and 3 rows, and of 2 and 1 at the end
    stop=StopConfig(epochs=2),
)


@dataclasses.dataclass(frozen=True)
class Config:
    lr: float = 0.1
    kind: str = "healthy"


class Counter:
    """Counts; where it fails, the other process would wait for ever."""

    def __init__(
        self, config: Config, *, seed: int, data: Path, group: ProcessGroup | None = None
    ) -> None:
        assert group is not None
        self.config, self.data, self.group, self.count = config, data, group, 0
        (data / f"{seed} {group.rank} of {group.size} in {os.getpid()}").touch()

    def step(self) -> Mapping[str, float]:
        if self.config.kind != "healthy" and self.count == 4:
            self.fail()
        self.count += 1
        return {"val_ap": float(self.count), "rank": float(self.group.rank)}

    def fail(self) -> None:
        if (self.data / "failed").exists():
            return
        if self.group.rank == 0:
            threading.Event().wait()
        (self.data / "failed").touch()
        if self.config.kind == "dies":
            os._exit(1)
        raise ValueError("in the second process")

    def save(self, directory: Path) -> None:
        assert self.group.rank == 0
        (directory / "count").write_text(str(self.count))

    def load(self, directory: Path) -> None:
        self.count = int((directory / "count").read_text())


def data(path: Path | None) -> Splits:  # noqa: ARG001 - a loader's
    return generate(FEW, seed=0)


def serve(scene: Scene, address: str, task: Task, *changes: dict[str, Any]) -> list[TrialRecord]:
    from search.engine.cluster import ray_session
    from search.engine.tune import run_ray

    runs = [dataclasses.replace(asked(7, **change), max_steps=6) for change in changes]
    trials = scene.open(*runs, halting=(3,))
    with ray_session(address=address, module=sys.modules[__name__]):
        run_ray(Stream([trials]), task, TWO, workers=1)
    return list(scene.record.trials)


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("kind", ["raises", "dies"])
def test_a_process_that_fails_ends_the_others_and_the_run_goes_on(
    scene: Scene, gpu_cluster: str, tmp_path: Path, kind: str
) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    task = Task(Counter, Config(), ("val_ap",), loader=Path, data_path=seen)
    first, second = serve(scene, gpu_cluster, task, {"lr": 0.2}, {"lr": 0.3, "kind": kind})
    assert (first.outcome, second.outcome) == ("complete", "complete")
    assert [step.metrics["val_ap"] for step in second.steps] == [1, 2, 3, 4, 5, 6]
    assert {step.metrics["rank"] for step in (*first.steps, *second.steps)} == {0.0}
    failed, again = second.attempts
    assert (failed.end, again.end, again.start_step) == ("raised", "complete", 3)
    said = "in the second process" if kind == "raises" else "died"
    assert said in str(failed.error)
    made = [path.name for path in seen.glob("* of 2 in *")]
    # the first trial's processes were kept for the second one, the others are its second attempt's
    assert {name.split()[1] for name in made} == {"0", "1"}
    assert len(made) == 4


@pytest.mark.slow
@pytest.mark.ray
def test_two_processes_have_the_numbers_of_one(
    scene: Scene, gpu_cluster: str, tmp_path: Path
) -> None:
    task = Task(Gen5Prime, GEN5, ("val_auroc",), loader=data)
    (alone,) = [run(Worker(task, make_job(tmp_path, max_steps=2)))[-1:]]
    steps = {step.step: step.metrics for batch in alone for step in batch.steps}
    (together,) = gen5(scene, gpu_cluster, task)
    assert together.outcome == "complete"
    found = together.steps[-1].metrics
    assert found == pytest.approx(dict(steps[2]), rel=2e-3, abs=2e-4)
    assert found["train_loss"] == pytest.approx(steps[2]["train_loss"], rel=1e-5)


def gen5(scene: Scene, address: str, task: Task) -> list[TrialRecord]:
    from search.engine.cluster import ray_session
    from search.engine.tune import run_ray
    from search.study import Objective

    goal = Objective("val_auroc", "maximize")
    runs = [dataclasses.replace(asked(7), max_steps=2, changes={})]
    trials = scene.open(*runs, halting=(), objectives=(goal,))
    with ray_session(address=address, module=sys.modules[__name__]):
        run_ray(Stream([trials]), task, TWO, workers=1)
    return list(scene.record.trials)

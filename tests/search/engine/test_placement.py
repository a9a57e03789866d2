"""GPUs, which are none: shares from what trials took, and who ran out of memory beside others."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import Objective, Resources
from search.engine.bridge import GPU_MEMORY, Bridge
from search.engine.job import Task
from search.engine.placement import Need, Placement, room
from search.engine.process import GpuMemory, threads_of
from search.engine.stream import Stream
from search.engine.trials import Trials
from search.storage.records import Asked
from tests.search.engine.conftest import Scene, asked, batch, steps

GIB = 2**30
LENGTH = 4


def took(gib, last=3, **other):
    memory = GpuMemory(int(gib * GIB), 16 * GIB)
    return batch(*steps(1, last), gpu_memory=memory, gpus=other.pop("gpus", 1.0), **other)


@pytest.mark.parametrize(
    ("resources", "need"),
    [
        (Resources(), Need(1.0, 1.0)),
        (Resources(2, gpus=0.25), Need(2, 0.25)),
        (Resources(2, gpus=0), Need(2, 0)),
        (Resources(gpus="auto"), Need(1.0, 1.0)),
    ],
)
def test_what_the_first_trial_asks_for(resources, need):
    assert Placement(resources, 4.0).need() == need
    whole = need if need.gpus == 0 else dataclasses.replace(need, each_gpus=1.0)
    assert Placement(resources, 4.0).need(alone=True) == whole


@pytest.mark.parametrize(
    ("gib", "fit"), [(3.3, 4), (3.4, 3), (1.0, 13), (6.7, 1), (20.0, 1), (0.001, 10_000)]
)
def test_as_many_fit_on_a_gpu_as_its_memory_has_room_for(gib, fit):
    placement = Placement(Resources(gpus="auto"), 4.0)
    placement.learn(took(gib))
    assert placement.per_gpu == fit
    share = placement.need().gpus
    assert fit * share <= 1 < (fit + 1) * share + 2e-4 * fit
    assert share * 10_000 == pytest.approx(round(share * 10_000))  # what Ray can count


def test_the_first_step_says_nothing_unless_it_was_the_last():
    placement = Placement(Resources(gpus="auto"), 4.0)
    placement.learn(took(2.0, last=1))
    assert placement.per_gpu == 1
    placement.learn(took(2.0, last=1, end="complete"))
    assert placement.per_gpu == 6


def test_the_largest_trial_counts():
    placement = Placement(Resources(gpus="auto"), 4.0)
    for gib in (1.0, 4.0, 2.0):
        placement.learn(took(gib))
    assert placement.per_gpu == 3


def test_one_fewer_fits_after_a_trial_ran_out_of_memory_beside_others():
    placement = Placement(Resources(gpus="auto"), 4.0)
    placement.learn(took(3.0))
    assert placement.per_gpu == 4
    placement.ran_out(0.25)
    placement.ran_out(0.25)  # another of the four: the same lesson
    assert placement.per_gpu == 3
    placement.learn(took(3.1))
    assert placement.per_gpu == 3
    placement.ran_out(0.3333)
    placement.ran_out(0.5)
    assert placement.per_gpu == 1


def test_the_next_command_begins_with_what_was_measured():
    placement = Placement(Resources(gpus="auto"), 4.0)
    assert placement.learned == {}
    placement.learn(took(3.0))
    placement.ran_out(0.25)
    again = Placement(Resources(gpus="auto"), 4.0, [placement.learned])
    assert (again.per_gpu, again.learned) == (3, placement.learned)
    again.learn(took(1.0))
    assert again.per_gpu == 3  # the largest counts
    again.learn(took(6.0))
    assert again.per_gpu == 2


def test_other_gpus_than_last_time_have_room_for_others():
    known = [
        {"peak": 3 * GIB, "total": 80 * GIB, "limit": 20},
        {"peak": 9, "total": 9, "limit": 20},
    ]
    placement = Placement(Resources(gpus="auto"), 4.0, known)
    assert placement.per_gpu == 20
    placement.learn(took(1.0, last=1))  # of 16 GiB
    assert placement.per_gpu == 4
    assert Placement(Resources(gpus=0.5), 4.0, known).need().gpus == 0.5
    assert Placement(Resources(gpus="auto"), 0.0, known).need().gpus == 0


def test_what_was_measured_is_kept_with_the_study(scene):
    first = Stream([scene.open(asked(0), asked(1))])
    bridge = Bridge(first, Placement(Resources(gpus="auto"), 4.0), None)
    assert first.remembered(GPU_MEMORY) == []
    job = first.next()
    bridge.learn(job.key, took(3.0))
    again = Stream([scene.open(asked(0), asked(1))])
    placement = Placement(Resources(gpus="auto"), 4.0, again.remembered(GPU_MEMORY))
    assert placement.per_gpu == 4


def test_a_share_that_was_asked_for_is_kept():
    placement = Placement(Resources(gpus=0.5), 4.0)
    placement.learn(took(1.0))
    placement.ran_out(0.5)
    assert placement.need().gpus == 0.5


def test_without_gpus_nothing_is_shared():
    placement = Placement(Resources(gpus="auto"), 0.0)
    placement.learn(took(1.0))
    assert placement.need() == Need(1.0, 0.0)


@given(
    cpus=st.floats(1.0, 16.0),
    cores=st.lists(st.integers(16, 200), min_size=1, max_size=4),
)
def test_concurrent_trials_have_no_more_threads_than_there_are_cores(cpus, cores):
    """Of whole cores: below one, a thread has less than a core to itself, as asked."""
    at_once = room(Placement(Resources(cpus), 0.0).need(), [{"CPU": float(n)} for n in cores])
    assert at_once * threads_of(Resources(cpus)) <= sum(cores)


# -- on a cluster whose GPUs are none -----------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Config:
    lr: float = 0.1
    peak_gib: float = 1.5
    greedy: str = "no"


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


def tell(folder: Path, **facts: Any) -> None:
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps(facts) + "\n")


class Toy:
    """Holds memory that is none, on GPUs that are none."""

    peak = 0

    def __init__(self, config: Config, *, seed: int, data: Path) -> None:
        self.config, self.data, self.count, self.seed = config, data, 0, seed
        type(self).peak = int(config.peak_gib * GIB)
        self.gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        tell(data, event="began", seed=seed, at=time.time(), gpus=self.gpus)

    def step(self) -> dict[str, float]:
        time.sleep(0.15)
        self.count += 1
        if self.count == 1:
            (self.data / f"on {self.gpus} {self.seed}").touch()
        if self.count == 2 and self.config.greedy == "always":
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        if self.count == 3 and self.config.greedy == "beside others" and self.crowded():
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return {"val_ap": float(self.count)}

    def crowded(self) -> bool:
        """Whether others are on its GPU; the first time they are said to be."""
        first = self.data / "first"
        if not first.exists():
            first.touch()
            return True
        return len(list(self.data.glob(f"on {self.gpus} *"))) > 1

    def save(self, directory: Path) -> None:
        (directory / "count").write_text(str(self.count))

    def load(self, directory: Path) -> None:
        self.count = int((directory / "count").read_text())

    def close(self) -> None:
        (self.data / f"on {self.gpus} {self.seed}").unlink(missing_ok=True)
        tell(self.data, event="ended", seed=self.seed, at=time.time(), gpus=self.gpus)


def fake_memory(alone: bool) -> GpuMemory:  # noqa: ARG001 - as the real one
    """Tell what the toy under way in this process says that it holds, of 4 GiB."""
    return GpuMemory(Toy.peak, 4 * GIB)


def serve(
    scene: Scene, runs: list[Asked], resources: Resources, address: str, workers: int | None = None
) -> list[dict[str, Any]]:
    """Run some trials on the cluster; return what they saw."""
    from search.engine.cluster import ray_session
    from search.engine.tune import run_ray

    seen = scene.folder.parent / "seen"
    seen.mkdir(parents=True)
    (seen / "events.jsonl").touch()
    trials: Trials = scene.open(*runs, halting=(), objectives=(Objective("val_ap", "maximize"),))
    module = sys.modules[Toy.__module__]
    task = Task(
        Toy, Config(), ("val_ap",), loader=Path, data_path=seen, memory=fake_memory, threads=1
    )
    with ray_session(address=address, module=module):
        run_ray(Stream([trials]), task, resources, workers=workers)
    return [json.loads(line) for line in (seen / "events.jsonl").read_text().splitlines()]


def run(seed: int, **changes: Any) -> Asked:
    return dataclasses.replace(asked(seed, **changes), max_steps=LENGTH)


def most_on_one_gpu(events: list[dict[str, Any]]) -> int:
    """The largest number of trials that one GPU had at a moment."""
    most = 0
    for gpu in {event["gpus"] for event in events}:
        here = sorted((e["at"], e["event"]) for e in events if e["gpus"] == gpu)
        counts = itertools.accumulate(1 if event == "began" else -1 for _, event in here)
        most = max(most, *counts)
    return most


@pytest.mark.slow
@pytest.mark.ray
def test_trials_share_gpus_once_their_memory_is_known(scene: Scene, gpu_cluster: str) -> None:
    runs = [run(seed, lr=0.1 + seed) for seed in range(12)]
    resources = Resources(cpus=0.25, gpus="auto")
    events = serve(scene, runs, resources, gpu_cluster)
    trials = scene.record.trials
    assert [trial.outcome for trial in trials] == ["complete"] * 12
    shares = [trial.attempts[0].gpus for trial in trials]
    assert shares[0] == 1.0
    assert set(shares[5:]) == {0.5}  # 4 / (1.2 × 1.5) GiB
    assert shares == sorted(shares, reverse=True)
    assert most_on_one_gpu(events) <= 2


@pytest.mark.slow
@pytest.mark.ray
def test_who_ran_out_of_memory_beside_others_is_run_alone(scene: Scene, gpu_cluster: str) -> None:
    runs = [run(seed, lr=0.1 + seed) for seed in range(8)]
    runs[2] = run(2, lr=3.0, greedy="beside others")
    runs[5] = run(5, lr=6.0, greedy="always")
    resources = Resources(cpus=0.25, gpus=0.25)
    serve(scene, runs, resources, gpu_cluster)
    beside, always = scene.record.trials[2], scene.record.trials[5]
    others = [t for t in scene.record.trials if t.number not in (2, 5)]
    assert {trial.outcome for trial in others} == {"complete"}
    assert beside.outcome == "complete"
    assert [(a.end, a.gpus) for a in beside.attempts] == [("raised", 0.25), ("complete", 1.0)]
    assert always.outcome == "failed"
    assert always.result is not None
    assert "out of memory: " in str(always.result.reason)
    assert "Tried to allocate 20.00 GiB" in str(always.result.reason)
    assert [(a.end, a.gpus) for a in always.attempts] == [("raised", 0.25), ("raised", 1.0)]

"""A trial of several processes: the same class in every one of them, in lockstep.

The worker that Tune knows trains nothing itself. It has every process of the trial make the same
calls, and none of them can hang the others: as soon as one raises, all are ended. They are kept for
the next trial, like Tune's own workers.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ray

from search.engine.bridge import to_bytes
from search.engine.job import Job, Task
from search.engine.placement import Need
from search.engine.process import free_accelerator, prepare_process
from search.engine.run import ENDED, ClassRun
from search.engine.worker import begin_run
from search.errors import TrainableError
from search.trainable import Predictions, ProcessGroup, Split

CLOSING_S = 30.0  # for all processes of a trial to close what they have open


class Peer:
    """One process of a trial; an actor of Ray's."""

    def __init__(self, process: Mapping[str, Any]) -> None:
        self._threads = prepare_process(**process)
        self._task: Task | None = None
        self._run: Any = None

    def meeting_point(self) -> tuple[str, int]:
        """Return an address of this machine, and a port of it that is free."""
        with socket.socket() as free:
            free.bind(("", 0))
            address = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]  # Ray's
            return str(address), int(free.getsockname()[1])

    def begin(self, task: bytes, job: bytes, group: ProcessGroup) -> tuple[int, dict[str, Any]]:
        """Start the run, or go on with it; return from which step, and with which notes."""
        if self._task is None:
            self._task = ray.cloudpickle.loads(task)
        self._run = begin_run(self._task, ray.cloudpickle.loads(job), group)
        return self._run.start_step, dict(self._run.notes)

    def step(self) -> tuple[bool, Any]:
        """Train one step; return whether the run had ended before it, and the metrics."""
        metrics = self._run.step()
        return metrics is ENDED, None if metrics is ENDED else metrics

    def predict(self, split: Split) -> Predictions:
        """Return what the model says about a split."""
        found: Predictions = self._run.predict(split)
        return found

    def diagnose(self) -> Any:
        """Return what explains the run."""
        return self._run.diagnose()

    def save(self, directory: Path) -> None:
        """Write what resuming needs."""
        self._run.save(directory)

    def close(self) -> None:
        """Free what the next trial needs."""
        run, self._run = self._run, None
        if run is not None:
            run.close()
        del run
        free_accelerator()


class Peers:
    """The processes that a worker has for its trials.

    Parameters
    ----------
    need
        What one trial asks for; Ray places the processes where Tune has reserved it.
    process
        What a process is made ready with.
    task
        What all jobs share, as bytes.
    """

    def __init__(self, need: Need, process: Mapping[str, Any], task: bytes) -> None:
        self._need, self._process, self._task = need, process, task
        self._actors: list[Any] = []

    def begin(self, task: Task, job: Job) -> GroupRun:  # noqa: ARG002 - a worker's way to begin
        """Start a run in all processes, or go on with it."""
        if not self._actors:
            peer = ray.remote(Peer).options(num_cpus=self._need.cpus, num_gpus=self._need.each_gpus)
            self._actors = [peer.remote(self._process) for _ in range(self._need.processes)]
        address, port = self._ask("meeting_point", ranks=1)[0]
        size, job_bytes = len(self._actors), to_bytes(job)
        groups = [ProcessGroup(rank, size, address, port) for rank in range(size)]
        begun = self._answers(
            [
                actor.begin.remote(self._task, job_bytes, group)
                for actor, group in zip(self._actors, groups, strict=True)
            ]
        )
        steps = [step for step, _ in begun]
        if len(set(steps)) > 1:
            self.end()
            raise TrainableError(f"processes of one trial go on from different steps: {steps}")
        return GroupRun(self._ask, self._close, *begun[0])

    def end(self) -> None:
        """End all processes, whatever they are doing."""
        for actor in self._actors:
            ray.kill(actor)
        self._actors = []

    def _ask(self, method: str, *arguments: Any, ranks: int | None = None) -> list[Any]:
        """Return what the first `ranks` processes answer, or all of them, by rank."""
        asked = self._actors[:ranks]
        return self._answers([getattr(actor, method).remote(*arguments) for actor in asked])

    def _answers(self, references: list[Any], timeout_s: float | None = None) -> list[Any]:
        """Return all answers; end all processes as soon as one of them raises, or is gone."""
        waiting = list(references)
        try:
            while waiting:
                ready, waiting = ray.wait(waiting, timeout=timeout_s)
                if not ready:
                    raise TrainableError(  # noqa: TRY301 - its handler ends the processes
                        f"no answer from a trial's process in {timeout_s:g} s"
                    )
                ray.get(ready)
        except BaseException:
            self.end()
            raise
        return list(ray.get(references))

    def _close(self) -> None:
        self._answers([actor.close.remote() for actor in self._actors], CLOSING_S)


class GroupRun(ClassRun):
    """A run of several processes: metrics, predictions and checkpoints are the first one's."""

    def __init__(
        self,
        ask: Callable[..., list[Any]],
        close: Callable[[], None],
        start_step: int,
        notes: Mapping[str, Any],
    ) -> None:
        self._ask, self._close = ask, close
        self.start_step, self.notes = start_step, notes

    def step(self) -> Any:
        """Train one step in all processes."""
        ended, metrics = self._ask("step")[0]
        return ENDED if ended else metrics

    def predict(self, split: Split) -> Predictions:
        """Return what the first process's model says about a split."""
        found: Predictions = self._ask("predict", split, ranks=1)[0]
        return found

    def diagnose(self) -> Any:
        """Return what explains the run, as the first process has it."""
        return self._ask("diagnose", ranks=1)[0]

    def save(self, directory: Path) -> None:
        """Let the first process's model write its files."""
        self._ask("save", directory, ranks=1)

    def close(self) -> None:
        """Let all models free what they hold."""
        self._close()

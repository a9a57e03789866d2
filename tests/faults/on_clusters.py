"""Faults of workers, nodes, drivers and jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from typing import ClassVar

import psutil

from tests.clusters import Node
from tests.faults.cluster import below
from tests.faults.fault import LIMIT_S, Fault, finished
from tests.faults.storm import Driver

LEAVES_S = 180.0  # a driver without a head, on a busy machine; about 80 on a quiet one


class WorkerKilled(Fault):
    """Two workers, at different instants."""

    title = "kill -9 of a worker, twice"

    def happen(self) -> None:
        driver = self.storm.start()
        for _ in range(2):
            self.until(driver, 25)
            self.storm.kill_newest_worker()
        self.end(driver)
        assert self.storm.killed == ["worker"] * 2


class NodeLost(Fault):
    """All processes of a node at once, while trials run on it."""

    title = "kill -9 of a worker node"
    nodes, trials, workers, pace_s = 2, 16, 7, 0.4

    def happen(self) -> None:
        driver = self.storm.start()
        node = self.busy_node(driver)
        self.take_away(node)
        self.storm.killed.append("node")
        self.end(driver)

    def take_away(self, node: Node) -> None:
        """Cut the node's power."""
        node.kill()

    def busy_node(self, driver: Driver) -> Node:
        """Wait until a node other than the head has trained some steps; return it."""
        found: list[Node] = []

        def ready(_: float) -> bool:
            (node,) = self.cluster.nodes
            mine = below(node.process.pid)
            steps = [e for e in self.storm.events if e["pid"] in mine and e["event"] == "step"]
            if len(steps) >= 4:
                found.append(node)
            return bool(found)

        assert not self.storm.wait(driver, ready), "the node was never used"
        return found[0]


class NodeRemoved(NodeLost):
    """A node that is asked to leave."""

    title = "a node is removed in mid-run"

    def take_away(self, node: Node) -> None:
        """Scale the cluster down."""
        self.cluster.remove(node)


class NodeJoins(Fault):
    """A node that comes late, and is used."""

    title = "a node joins late"
    trials, workers, pace_s, may_repeat = 24, 0, 0.4, 0

    def happen(self) -> None:
        driver = self.storm.start()
        self.until(driver, 10)
        hold = self.storm.data / "hold"  # until the new node works: on a busy machine it is slow
        hold.touch()
        node = self.cluster.join()
        used: set[int] = set()

        def look(_: float) -> bool:
            used.update(below(node.process.pid) & {e["pid"] for e in self.storm.events})
            return bool(used)

        assert not self.storm.wait(driver, look), "the new node was not used"
        hold.unlink()
        self.end(driver)
        events = [e for e in self.storm.events if e["event"] == "step" and e["pid"] in used]
        self.note = f"{len(events)} steps or more on the new node"


class DriverKilled(Fault):
    """Three times; the same command follows at once."""

    title = "kill -9 of the driver, three times"

    def happen(self) -> None:
        for _ in range(3):
            assert self.storm.kill_driver(after_events=20)
        self.finish()


class HeadLost(Fault):
    """The head's power is cut; it is started again, and so is the command."""

    title = "head node lost, and started again"
    nodes = 2

    def happen(self) -> None:
        driver = self.storm.start()
        self.until(driver, 20)
        self.cluster.lose_head()
        lost = time.monotonic()
        status = driver.wait(LEAVES_S)
        took = time.monotonic() - lost
        self.note = f"the driver left after {took:.0f} s with status {status}"
        self.storm.killed.append("head")
        assert status != 0
        assert "does not answer" in self.said
        assert "the same command goes on" in self.said
        self.cluster.bring_head_back()
        self.finish()


class JobSupervisorKilled(Fault):
    """The search as a Ray job, whose supervisor dies; the job is submitted again."""

    title = "kill -9 of the job's supervisor"

    def happen(self) -> None:
        first = self.submit()
        self.wait_for_events(20)
        (supervisor,) = self.cluster.processes("ray::JobSupervisor")
        supervisor.kill()
        self.storm.killed.append("supervisor")
        died = time.monotonic()
        assert self.result(first) == "FAILED"
        while self.drivers():
            assert time.monotonic() - died < LIMIT_S, "the driver of a dead job lives on"
            time.sleep(0.2)
        self.note = f"its driver was gone after {time.monotonic() - died:.0f} s"
        assert self.result(self.submit()) == "SUCCEEDED"

    def submit(self) -> str:
        """Submit the search as a job; return its id."""
        name = f"storm-{uuid.uuid4().hex[:8]}"
        variables = {k: v for k, v in self.storm.environment.items() if k.startswith("WINNOW")}
        self.jobs(
            *("submit", "--no-wait", "--submission-id", name),
            *("--runtime-env-json", json.dumps({"env_vars": variables}), "--"),
            *self.storm.command[:-1],
        )
        return name

    def result(self, name: str) -> str:
        """Return how a job ended."""
        begun = time.monotonic()
        while True:
            said = self.jobs("status", name)
            for word in ("SUCCEEDED", "FAILED", "STOPPED"):
                if word in said.upper():
                    return word
            assert time.monotonic() - begun < LIMIT_S, said
            time.sleep(1.0)

    def jobs(self, verb: str, *words: str) -> str:
        """Run ``ray job``; return what it says."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "job", verb]
        done = subprocess.run(
            [*command, "--address", self.cluster.address, *words],
            env=self.cluster_environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0 or verb == "status", done.stderr
        return done.stdout + done.stderr

    def cluster_environment(self) -> dict[str, str]:
        """Return the environment of a client of the cluster."""
        return {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | dict(
            self.cluster.client_environment
        )

    def wait_for_events(self, count: int) -> None:
        """Wait until so many events were witnessed."""
        begun = time.monotonic()
        while len(self.storm.events) < count:
            assert time.monotonic() - begun < LIMIT_S
            time.sleep(0.05)

    def drivers(self) -> list[psutil.Process]:
        """Return the drivers under way."""
        return self.cluster.processes(" ".join(self.storm.command[:2]))


class Straggler(Fault):
    """One trial that is 20 times as slow as the others, and held back until they are done.

    If one of them waited for it, the search would never end.
    """

    title = "a straggler, 20 times as slow or slower"
    workers, pace_s, may_repeat = 3, 0.1, 0
    environment: ClassVar[dict[str, str]] = {"WINNOW_TEST_STRAGGLER": "20"}

    def happen(self) -> None:
        hold = self.storm.data / "hold-first"
        hold.touch()
        driver = self.storm.start()
        self.until(driver, 1)
        others = self.trials - 1
        assert not self.storm.wait(driver, lambda _: finished(self.storm) == others, LIMIT_S)
        hold.unlink()
        self.end(driver)


class Hang(Fault):
    """One trial waits for ever, once."""

    title = "a trial that hangs once"
    workers, pace_s, may_repeat = 3, 0.1, 4
    environment: ClassVar[dict[str, str]] = {
        "WINNOW_TEST_HANG_AT": "2",
        "WINNOW_TEST_STEP_LIMIT": "5",
    }

    def happen(self) -> None:
        self.end(self.storm.start())
        assert (self.storm.data / "hung").exists(), "nothing hung"
        self.note = "ended after 5 s without a step, and tried again once"


CLUSTER_FAULTS = (
    WorkerKilled,
    NodeLost,
    NodeRemoved,
    NodeJoins,
    DriverKilled,
    HeadLost,
    JobSupervisorKilled,
    Straggler,
    Hang,
)

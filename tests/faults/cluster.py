"""A cluster on loopback whose nodes have four GPUs each, which are none, and may be lost."""

from __future__ import annotations

import contextlib
import signal
import subprocess

import psutil

from tests.clusters import HOST, LoopbackCluster, Node

PER_NODE = 4  # CPUs, and GPUs
LEAVE_S = 60.0


class FaultCluster(LoopbackCluster):
    """A head and nodes, which can be taken away and brought back."""

    def __init__(self, nodes: int = 1) -> None:
        super().__init__(cpus=PER_NODE)
        try:
            for _ in range(nodes - 1):
                self.join()
        except BaseException:
            self.close()
            raise

    def _start(self, name: str, command: list[str]) -> Node:
        return super()._start(name, [*command, "--num-gpus", str(PER_NODE)])

    def join(self) -> Node:
        """Add a node."""
        return self.add_node(cpus=PER_NODE)

    def node_of(self, pid: int) -> Node | None:
        """Return the living node that a worker process runs on; None once it is gone."""
        for node in (self.head, *self.nodes):
            if node.alive and pid in below(node.process.pid):
                return node
        return None

    def remove(self, node: Node) -> None:
        """Ask a node to leave, as whoever scales a cluster down does."""
        node.process.send_signal(signal.SIGTERM)
        try:
            node.process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            node.kill()

    def lose_head(self) -> None:
        """Cut the head's power; the nodes that have lost it are of no use any more."""
        self.head.kill()

    def bring_head_back(self) -> None:
        """Start the head again where it was, without any memory of before."""
        for node in self.nodes:
            node.kill()
        self.nodes.clear()
        command = [
            *("--head", "--port", str(self._port), "--num-cpus", str(PER_NODE)),
            *("--include-dashboard", "true", "--dashboard-host", HOST),
            *("--dashboard-port", str(self._dashboard)),
            *("--temp-dir", str(self.folder / "ray")),
        ]
        self.head = self._start("head", command)
        self._wait(self.head, self._serves_jobs)

    def processes(self, title: str) -> list[psutil.Process]:
        """Return the processes of this cluster whose title begins so."""
        found = []
        for node in (self.head, *self.nodes):
            for pid in below(node.process.pid):
                with contextlib.suppress(psutil.NoSuchProcess):  # it may end just now
                    process = psutil.Process(pid)
                    if " ".join(process.cmdline()).startswith(title):
                        found.append(process)
        return found


def below(pid: int) -> set[int]:
    """Return the processes below one."""
    try:
        return {child.pid for child in psutil.Process(pid).children(recursive=True)}
    except psutil.NoSuchProcess:
        return set()

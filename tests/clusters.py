"""Ray clusters on loopback, started by the tests that need one: a head with its dashboard, nodes.

Every cluster has a folder, ports and an authentication token of its own, so that several may run on
one machine, and only what was started here is ended: `ray stop` would end everybody's. The token is
always asked for: parts of Ray listen beyond loopback whatever address they are given.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own

START_S = 90.0  # nodes start slowly on a busy machine
STARTS = 3
STOP_S = 10.0
HOST = "127.0.0.1"


class NoCluster(Exception):  # noqa: N818 - a reason, not an error
    """Why no cluster could be started here."""


@dataclass(frozen=True)
class Node:
    """A started node: the process that keeps it, which ends when its raylet does."""

    process: subprocess.Popen[bytes]
    name: str

    @property
    def alive(self) -> bool:
        """Whether the node's keeper still runs."""
        return self.process.poll() is None

    @property
    def pids(self) -> set[int]:
        """The node's processes, its workers among them."""
        return {process.pid for process in _family(self.process.pid)}

    def kill(self) -> None:
        """End the node as a power cut would: every process of it at once, by SIGKILL."""
        _kill(_family(self.process.pid))
        self.process.wait()


class LoopbackCluster:
    """A head with its dashboard on loopback, and nodes beside it.

    Parameters
    ----------
    cpus
        Of the head.

    Raises
    ------
    NoCluster
        If it does not start.
    """

    def __init__(self, *, cpus: int = 2) -> None:
        # sockets lie below it, and their paths may not be longer than some 100 characters
        self.folder = Path(tempfile.mkdtemp(prefix="wr-", dir="/tmp"))
        self.token = secrets.token_hex(16)
        self.token_file = self.folder / "auth_token"
        self.token_file.write_text(self.token, encoding="utf-8")
        self.token_file.chmod(0o600)
        self.nodes: list[Node] = []
        try:
            self.head = self._start_head(cpus)
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """The URL of the dashboard, where jobs are submitted."""
        return f"http://{HOST}:{self._dashboard}"

    @property
    def gcs_address(self) -> str:
        """Where nodes and drivers join."""
        return f"{HOST}:{self._port}"

    @property
    def client_environment(self) -> dict[str, str]:
        """The variables by which a client of the cluster knows its token."""
        return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token_file)}

    def add_node(self, *, cpus: int = 2, name: str = "") -> Node:
        """Start another node."""
        name = name or f"node{len(self.nodes) + 1}"
        command = ["--address", self.gcs_address, "--num-cpus", str(cpus)]
        for left in reversed(range(STARTS)):
            before = self._node_count()
            node = self._start(name, command)
            with contextlib.suppress(NoCluster):
                self._wait(node, partial(self._more_than, before))
                self.nodes.append(node)
                return node
            node.kill()
            if not left:
                break
        raise NoCluster(self._log(name))

    def close(self) -> None:
        """End every process that was started here, and remove the folder."""
        started = [node for node in (*self.nodes, getattr(self, "head", None)) if node is not None]
        _kill([process for node in started for process in _family(node.process.pid)])
        for node in started:
            node.process.wait()
        _kill(_strays(self.folder))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_head(self, cpus: int) -> Node:
        for _ in range(STARTS):
            self._port, self._dashboard, client = free_ports(3)
            command = [
                *("--head", "--port", str(self._port), "--num-cpus", str(cpus)),
                *("--include-dashboard", "true", "--dashboard-host", HOST),
                *("--dashboard-port", str(self._dashboard)),
                *("--ray-client-server-port", str(client)),
            ]
            node = self._start("head", command)
            try:
                self._wait(node, self._serves_jobs)
            except NoCluster as reason:
                failure = reason
                node.kill()
            else:
                return node
        raise failure

    def _start(self, name: str, command: list[str]) -> Node:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
        environment |= self.client_environment | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "RAY_enable_open_telemetry": "0",
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        agents = [str(port) for port in free_ports(2)]
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    *_dying_with_us(),
                    *(sys.executable, "-m", "ray.scripts.scripts", "start", "--block"),
                    *("--node-ip-address", HOST, "--disable-usage-stats"),
                    *("--object-store-memory", str(100 * 2**20)),
                    *("--dashboard-agent-listen-port", agents[0]),
                    *("--metrics-export-port", agents[1]),
                    # apart, as on machines apart: nodes would delete each other's uploaded trees
                    *("--temp-dir", str(self.folder / name)),
                    *command,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        return Node(process, name)

    def _wait(self, node: Node, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not ready():
            if not node.alive or time.monotonic() > deadline:
                raise NoCluster(self._log(node.name))
            time.sleep(0.2)

    def _log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def _serves_jobs(self) -> bool:
        return self._get("/api/jobs/") is not None

    def _more_than(self, before: int) -> bool:
        return self._node_count() > before

    def _node_count(self) -> int:
        found = self._get("/nodes?view=summary")
        return 0 if found is None else found.count(b'"state": "ALIVE"')

    def _get(self, path: str) -> bytes | None:
        request = urllib.request.Request(
            f"{self.address}{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                found: bytes = answer.read()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None
        return found


@contextlib.contextmanager
def loopback_cluster(*, nodes: int = 1, cpus: int = 2) -> Iterator[LoopbackCluster]:
    """Yield a cluster of some nodes, and end it afterwards."""
    cluster = LoopbackCluster(cpus=cpus)
    try:
        for _ in range(nodes - 1):
            cluster.add_node(cpus=cpus)
        yield cluster
    finally:
        cluster.close()


def free_ports(count: int) -> list[int]:
    """Return some ports of loopback that nobody listens on, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _dying_with_us() -> list[str]:
    """Return a prefix that ends a node in order when the tests are killed, where there is one."""
    program = shutil.which("setpriv") if sys.platform == "linux" else None
    return [program, "--pdeathsig", "TERM"] if program else []


def _family(pid: int) -> list[psutil.Process]:
    """Return a process and everything below it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _strays(folder: Path) -> Iterator[psutil.Process]:
    """Yield processes whose command line names this cluster's own folder, and orphans of it."""
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or ()):
            yield process


def _kill(processes: Iterable[psutil.Process]) -> None:
    found = list(processes)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(found, timeout=STOP_S)

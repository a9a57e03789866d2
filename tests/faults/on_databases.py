"""Faults of what a study is stored in: the database, the way to it, the checkpoints' disk."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from tests.faults.fault import Fault
from tests.faults.proxy import PausingProxy
from tests.postgres import Postgres

AWAY_S = 30.0
DISK = "512k"


class OnPostgres(Fault):
    """A search whose database is a server of its own, behind a proxy that can be cut."""

    trials, pace_s = 16, 0.3

    def prepare(self, stack: ExitStack) -> None:
        """Start the server, too."""
        super().prepare(stack)
        self.storms.clear()
        self.server = Postgres()
        stack.callback(self.server.close)
        self.server.run("CREATE DATABASE storm")
        self.storm = self.new_storm("one", self.server.url("storm"))


class DatabaseKilled(OnPostgres):
    """Every process of the server at once; it is started again after some seconds."""

    title = "kill -9 of PostgreSQL, twice"

    def happen(self) -> None:
        driver = self.storm.start()
        for _ in range(2):
            self.until(driver, 30)
            kill_server(self.server)
            time.sleep(5.0)
            self.server.restart()
        self.end(driver)


class DatabaseRestarted(OnPostgres):
    """Two studies at once in a database whose server is shut down for a while in mid-study."""

    title = "two studies at once, PostgreSQL restarted"
    workers, trials = 2, 10

    def happen(self) -> None:
        other = self.new_storm("two", self.storm.url)
        other.rename("gale")
        drivers = self.storm.start(), other.start()
        self.until(drivers[0], 20)
        self.until(drivers[1], 1, other)
        self.server.stop()
        time.sleep(10.0)
        self.server.start()
        for driver in drivers:
            self.end(driver)


class ConnectionLost(OnPostgres):
    """The server cannot be reached for half a minute: connections are cut, new ones refused."""

    title = "connection to PostgreSQL refused for 30 s"
    silent = False

    def happen(self) -> None:
        with PausingProxy(self.server.port) as proxy:
            self.storm.command[3] = self.server.url("storm", port=proxy.port)
            driver = self.storm.start()
            self.until(driver, 30)
            proxy.pause(silent=self.silent)
            time.sleep(AWAY_S)
            proxy.go_on()
            self.end(driver)


class ConnectionSilent(ConnectionLost):
    """The same, but nobody says so: nothing arrives any more, and nothing is closed."""

    title = "connection to PostgreSQL silent for 30 s"
    silent = True


class DiskFull(Fault):
    """No room for checkpoints from some time on; a worker is killed meanwhile, too."""

    title = "disk full at the checkpoint store, and kill -9 of a worker"
    repeats = False  # what could not be written is not gone on from

    def prepare(self, stack: ExitStack) -> None:
        """Mount a small disk for the artifacts."""
        super().prepare(stack)
        self.disk = self.storm.folder / "artifacts"
        self.disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(self.disk)]
        subprocess.run(mount, check=True, capture_output=True)
        stack.callback(subprocess.run, ["umount", "--lazy", str(self.disk)], check=False)

    def happen(self) -> None:
        driver = self.storm.start()
        self.until(driver, 25)
        self.fill()
        full = time.time()
        self.until(driver, 25)
        self.storm.kill_newest_worker()
        self.fill()
        self.end(driver)
        after = [e for e in self.storm.events if e["event"] == "step" and e["at"] > full]
        free = shutil.disk_usage(self.disk).free
        self.note = f"{len(after)} steps were trained on a full disk ({free} bytes free)"

    def fill(self) -> None:
        """Leave no room at all."""
        with (self.disk / "filler").open("ab", buffering=0) as file, suppress(OSError):
            while file.write(bytes(512)):
                pass


def kill_server(server: Postgres) -> None:
    """End every process of a server by SIGKILL, at once."""
    ((folder,),) = server.run("SHOW data_directory")
    postmaster = psutil.Process(
        int((Path(str(folder)) / "postmaster.pid").read_text().splitlines()[0])
    )
    killed = [postmaster, *postmaster.children(recursive=True)]
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=20)


DATABASE_FAULTS = (DatabaseKilled, DatabaseRestarted, ConnectionLost, ConnectionSilent, DiskFull)

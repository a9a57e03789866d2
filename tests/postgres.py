"""A real PostgreSQL server on loopback, started by the tests that need one."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL

USER = "winnow"
PASSWORD = "s3cret:pä@ss/{w}%rd"  # everything that a URL must quote
START_S = 60.0


class NoPostgres(Exception):  # noqa: N818 - a reason to skip, not an error
    """Why no server can be started here."""


class Postgres:
    """A server with its own folder, port and password.

    Parameters
    ----------
    address
        Where it listens besides loopback: one of this machine's own.

    Raises
    ------
    NoPostgres
        If its programs are missing, or this user may not run them.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._programs = _programs()
        self._user = _user()
        self._folder = Path(tempfile.mkdtemp(prefix="winnow-postgres-"))
        self._data = self._folder / "data"
        self._log = self._folder / "log.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    def url(self, database: str, *, password: str = PASSWORD, port: int | None = None) -> str:
        """Return the URL of a database."""
        url = URL.create(
            "postgresql+psycopg", USER, password, "127.0.0.1", port or self.port, database
        )
        return url.render_as_string(hide_password=False)

    def start(self) -> None:
        """Start the server and wait until it answers; it ends with the thread that started it."""
        settings = {
            "listen_addresses": ",".join(filter(None, ("127.0.0.1", self._address))),
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "60",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_dying_with_us(), str(self._programs / "postgres"), "-D", self._data, *options],
                stdout=log,
                stderr=log,
                **self._identity(),
            )
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.run("SELECT 1")
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise NoPostgres(f"{error}\n{self._log.read_text()[-2000:]}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self, *, crash: bool = False) -> None:
        """Stop the server: cleanly, or as a crash would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
        try:
            self._process.wait(timeout=START_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def restart(self, *, crash: bool = False) -> None:
        """Stop the server and start it again: every session ends."""
        self.stop(crash=crash)
        self.start()

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as administrator, outside of any transaction."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=PASSWORD,
            dbname="postgres",
            autocommit=True,
            connect_timeout=10,
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Yield the URL of a new database, and drop it afterwards."""
        name = f"w{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _initialise(self) -> None:
        secret = self._folder / "password.txt"
        secret.write_text(PASSWORD, encoding="utf-8")
        if self._user is not None:
            for path in (self._folder, secret):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        done = subprocess.run(
            [
                self._programs / "initdb",
                *("-D", self._data),
                *("-U", USER),
                "--auth=scram-sha-256",
                f"--pwfile={secret}",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
            capture_output=True,
            text=True,
            check=False,
            **self._identity(),
        )
        if done.returncode:
            raise NoPostgres(f"initdb: {done.stderr.strip()}")
        if self._address is not None:
            with (self._data / "pg_hba.conf").open("a", encoding="utf-8") as rules:
                rules.write("host all all samenet scram-sha-256\n")

    def _identity(self) -> dict[str, Any]:
        if self._user is None:
            return {"cwd": self._folder}
        return {
            "cwd": self._folder,
            "user": self._user.pw_uid,
            "group": self._user.pw_gid,
            "extra_groups": [],
        }


def _programs() -> Path:
    """Return the folder of the newest server's programs."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int("".join(filter(str.isdigit, path.parts[-3])) or 0),
    )
    on_path = shutil.which("postgres")
    if not found and on_path is None:
        raise NoPostgres("PostgreSQL's server programs are not installed")
    folder = found[-1].parent if found else Path(str(on_path)).parent
    if not (folder / "initdb").exists():
        raise NoPostgres(f"{folder} has no initdb")
    return folder


def _user() -> pwd.struct_passwd | None:
    """Return whom to run the server as: it refuses root. None: as whoever we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise NoPostgres("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


def _dying_with_us() -> list[str]:
    """Return a prefix that ends the server even when the tests are killed, where there is one."""
    program = shutil.which("setpriv") if sys.platform == "linux" else None
    return [program, "--pdeathsig", "INT"] if program else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

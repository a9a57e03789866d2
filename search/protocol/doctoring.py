"""Is this machine fit to run studies? What is wrong, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from search.engine.process import visible_gpus
from search.environment import exposed_token, token_file
from search.errors import OptionError, WinnowError
from search.protocol.searching import Options, artifacts_beside
from search.storage.database import Database
from search.storage.places import Remote, check_reachable
from search.storage.url import parse_storage, redact, sqlite_path

DISTRIBUTION = "winnow"
FEW_GIB = 2.0  # of disk: checkpoints of a small study, and no more
RAY_S = 120.0
GPU_S = 20.0
PORTS = {8080: "winnow dashboard", 8265: "Ray's dashboard"}
START = (
    "import ray; ray.init(address='local', num_cpus=1, include_dashboard=False); "
    "assert ray.get(ray.remote(lambda: 7).remote()) == 7; ray.shutdown()"
)
CUDA = "import torch; print(torch.cuda.device_count() if torch.cuda.is_available() else 0)"
Health = Literal["good", "notice", "bad"]


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at.

    Parameters
    ----------
    what
        Its name.
    health
        "notice" hinders nothing.
    words
        What was found, and for what is not good, what to do.
    """

    what: str
    health: Health
    words: str


def diagnose(options: Options, *, ray: bool = True) -> Iterator[Diagnosis]:
    """Yield what is found on this machine.

    Parameters
    ----------
    options
        Storage and artifacts are looked at.
    ray
        Whether a Ray session is started and ended.
    """
    looks: list[Callable[[], Diagnosis]] = [_python, _packages]
    looks += [_ray] if ray else []
    looks += [_gpu, _token, lambda: _database(options), lambda: _disk(options)]
    for look in looks:
        yield look()
    yield from (_port(number, owner) for number, owner in PORTS.items())


def _python() -> Diagnosis:
    wanted = importlib.metadata.metadata(DISTRIBUTION)["Requires-Python"]
    found = platform.python_version()
    if wanted and not SpecifierSet(wanted).contains(found, prereleases=True):
        words = f"{found} is not {wanted}: make the environment with another Python"
        return Diagnosis("Python", "bad", words)
    return Diagnosis("Python", "good", f"{found} ({sys.executable})")


def _packages() -> Diagnosis:
    """Compare what is installed with the ranges that the distribution declares."""
    problems: list[str] = []
    n = 0
    for text in importlib.metadata.requires(DISTRIBUTION) or ():
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        n += 1
        try:
            found = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            problems.append(f"{wanted.name} is {found}, not {wanted.specifier}")
    if problems:
        cure = "pip install --constraint constraints.txt --editable ."
        return Diagnosis("packages", "bad", f"{'; '.join(problems)}: {cure}")
    return Diagnosis("packages", "good", f"{n} within the ranges of pyproject.toml")


def _ray() -> Diagnosis:
    """Start a session of its own in another process, so that none of it stays here."""
    try:
        importlib.metadata.version("ray")
    except importlib.metadata.PackageNotFoundError:
        words = "not installed: the local engine runs one trial at a time (--engine local)"
        return Diagnosis("Ray", "notice", words)
    try:
        done = _python_says(START, RAY_S)
    except subprocess.TimeoutExpired:
        words = f"did not start within {RAY_S:.0f} s: is the machine busy? --engine local runs"
        return Diagnosis("Ray", "bad", words)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["without a word"])[-1]
        cure = "look into /tmp/ray/session_latest/logs, or use --engine local"
        return Diagnosis("Ray", "bad", f"does not start ({last}): {cure}")
    version = importlib.metadata.version("ray")
    return Diagnosis("Ray", "good", f"{version} starts, runs a task and stops")


def _gpu() -> Diagnosis:
    program = shutil.which("nvidia-smi")
    if program is None and not visible_gpus():
        return Diagnosis("GPU", "good", "none here: CPUs are used")  # importing torch takes long
    try:
        cuda = _python_says(CUDA, RAY_S)
        seen = int(cuda.stdout) if cuda.returncode == 0 else None
        if program is None:
            words = f"torch sees {seen or 'none'}; nvidia-smi is not on the PATH"
            return Diagnosis("GPU", "good" if seen else "notice", words)
        listed = _output([program, "--query-gpu=name,memory.total", "--format=csv,noheader"], GPU_S)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return Diagnosis("GPU", "notice", f"cannot be told ({error}); CPUs are used")
    names = [line.strip() for line in listed.stdout.splitlines() if line.strip()]
    if listed.returncode or not names:
        words = "nvidia-smi finds none: mend the driver if there should be one; CPUs are used"
        return Diagnosis("GPU", "notice", words)
    if seen == 0:
        words = (
            f"{'; '.join(names)}, and torch sees none: install a torch built for CUDA, or unset "
            "CUDA_VISIBLE_DEVICES"
        )
        return Diagnosis("GPU", "bad", words)
    torch = "torch is not installed" if seen is None else f"torch sees {seen}"
    return Diagnosis("GPU", "good", f"{'; '.join(names)}; {torch}")


def _token() -> Diagnosis:
    if exposed := exposed_token():
        return Diagnosis("token", "notice", exposed)
    path = token_file(os.environ)
    words = f"{path} is its owner's alone" if path.is_file() else "none here; a cluster needs one"
    return Diagnosis("token", "good", words)


def _database(options: Options) -> Diagnosis:
    """Open the study database, and write into it as a driver would; no file is left behind."""
    shown = redact(options.storage)
    try:
        path = sqlite_path(parse_storage(options.storage))
        if path is not None and not path.is_file():
            return _new_file(path)
        database = Database(options.storage, create=path is None)
        try:
            return Diagnosis("database", "good", f"{shown}: schema {database.schema}, can be used")
        finally:
            database.close()
    except WinnowError as error:
        cure = "check host, user and password (PGPASSWORD), or name another --storage"
        return Diagnosis("database", "bad", f"{error}: {cure}")


def _new_file(path: Path) -> Diagnosis:
    folder = path.absolute().parent
    if problem := _unwritable(folder):
        words = f"{path} cannot be made ({problem}): name another --storage"
        return Diagnosis("database", "bad", words)
    return Diagnosis("database", "good", f"{path} does not exist yet, and can be made")


def _disk(options: Options) -> Diagnosis:
    found = artifacts_beside(parse_storage(options.storage), options)
    if isinstance(found, Remote):
        return _store(found)
    folder = _existing(found)
    if problem := _unwritable(folder):
        words = f"{folder} cannot be written ({problem}): name another folder with --artifacts"
        return Diagnosis("artifacts", "bad", words)
    free = shutil.disk_usage(folder).free / 2**30
    words = f"{free:.1f} GiB free at {folder}"
    if free < FEW_GIB:
        cure = "a full disk costs checkpoints; make room, or name another --artifacts"
        return Diagnosis("artifacts", "bad", f"{words}: {cure}")
    return Diagnosis("artifacts", "good", words)


def _store(remote: Remote) -> Diagnosis:
    try:
        check_reachable(remote)
    except OptionError as error:
        return Diagnosis("artifacts", "bad", str(error))
    return Diagnosis("artifacts", "good", f"{remote} can be written")


def _port(number: int, owner: str) -> Diagnosis:
    """Try to listen where a dashboard would."""
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind(("127.0.0.1", number))
        except OSError:
            words = f"in use: {owner} runs already, or needs another one (--port)"
            return Diagnosis(f"port {number}", "notice", words)
    return Diagnosis(f"port {number}", "good", f"free for {owner}")


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(found for found in (folder, *folder.parents) if found.is_dir())


def _unwritable(folder: Path) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"winnow")
    except OSError as error:
        return re.sub(r"^\[Errno \d+\] ", "", str(error))
    return None


def _python_says(program: str, seconds: float) -> subprocess.CompletedProcess[str]:
    return _output([sys.executable, "-c", program], seconds)


def _output(command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        cwd=tempfile.gettempdir(),
    )

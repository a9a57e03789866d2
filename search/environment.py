"""What a run was made with: package versions, git commit, machine."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

STATUS = Path("/proc/self/status")  # Linux's
COMMIT = "WINNOW_GIT_COMMIT"  # in a job: the commit of the tree that was uploaded
SECRETS = "WINNOW_SECRETS"  # in a job: names of the variables that its trials get too
TOKEN_PATH = "RAY_AUTH_TOKEN_PATH"
PACKAGES = (
    "winnow",
    "optuna",
    "ray",
    "torch",
    "lightgbm",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide a run's numbers."""
    return dict(_versions())


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_commit(folder: Path) -> str | None:
    """Return the commit a folder is at, with "+" when files differ from it; None outside git.

    A job's folder has no git; whoever submitted it says what it was made from.
    """
    try:
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return os.environ.get(COMMIT) or None
    return f"{commit}+" if changed else commit


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()


def trials_secrets() -> dict[str, str]:
    """Return the variables that were sealed for a job's trials, its driver having opened them."""
    names = os.environ.get(SECRETS, "").split(",")
    return {name: os.environ[name] for name in names if name in os.environ}


def token_file(variables: Mapping[str, str]) -> Path:
    """Return the file that Ray takes a cluster's token from."""
    named = variables.get(TOKEN_PATH, "")
    return Path(named).expanduser() if named else Path.home() / ".ray" / "auth_token"


def exposed_token() -> str | None:
    """Return what to do where others than its owner may read the token's file; None: nothing."""
    path = token_file(os.environ)
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    if os.name == "nt" or not mode & 0o077:
        return None
    return (
        f"{path} can be read by others on this machine, and whoever has a cluster's token may run "
        f"anything there: chmod 600 {path}"
    )


def peak_memory() -> int | None:
    """Return the largest resident size of this process so far, in bytes; None where unknown."""
    if STATUS.is_file():  # Linux's getrusage begins with the size of the process that started this
        fields = dict(line.partition(":")[::2] for line in STATUS.read_text().splitlines())
        return 1024 * int(fields["VmHWM"].split()[0])
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def machine() -> dict[str, Any]:
    """Return the host's name, its CPU count and its memory."""
    found: dict[str, Any] = {"host": socket.gethostname(), "cpus": os.cpu_count()}
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        found["memory_gib"] = round(pages / 2**30, 1)
    return found

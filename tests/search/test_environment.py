from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from search.environment import (
    COMMIT,
    exposed_token,
    git_commit,
    machine,
    peak_memory,
    trials_secrets,
    versions,
)


def test_versions_are_those_that_are_installed() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["optuna"] == version("optuna")
    assert found["winnow"] == version("winnow")
    found.clear()
    assert versions()["numpy"] == version("numpy")  # what is returned is a copy


def git(folder: Path, *arguments: str) -> None:
    """Run git without the machine's own settings."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        env=environment,
    )


def test_a_commit_is_marked_when_files_differ_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert git_commit(tmp_path) is None
    git(tmp_path, "init", "--quiet")
    assert git_commit(tmp_path) is None  # no commit yet
    (tmp_path / "study.py").write_text("STUDY = 1\n")
    git(tmp_path, "add", "study.py")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    commit = git_commit(tmp_path)
    assert commit is not None
    assert len(commit) == 12
    (tmp_path / "untracked.db").write_text("")
    assert git_commit(tmp_path) == commit
    (tmp_path / "study.py").write_text("STUDY = 2\n")
    assert git_commit(tmp_path) == f"{commit}+"
    assert git_commit(tmp_path / "nowhere") is None


def test_the_machine_is_described() -> None:
    found = machine()
    assert found["host"] == socket.gethostname()
    assert found["cpus"] == os.cpu_count()
    assert found.get("memory_gib", 1) > 0


def test_the_peak_of_a_process_is_not_the_size_of_the_one_that_started_it():
    held = np.ones(2**26)  # 512 MiB
    code = "from search.environment import peak_memory; print(peak_memory())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 10 * 2**20 < int(done.stdout) < held.nbytes < peak_memory()


def test_a_jobs_folder_is_at_the_commit_that_was_submitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(COMMIT, "0123456789ab+")
    assert git_commit(tmp_path) == "0123456789ab+"
    monkeypatch.setenv(COMMIT, "")
    assert git_commit(tmp_path) is None


def test_without_a_job_no_secret_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WINNOW_SECRETS", raising=False)
    assert trials_secrets() == {}


@pytest.mark.skipif(os.name == "nt", reason="files have no mode")
@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644])
def test_a_token_that_others_may_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    file = tmp_path / "token"
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(file))
    assert exposed_token() is None  # there is none
    file.write_text("token")
    file.chmod(mode)
    assert f"chmod 600 {file}" in str(exposed_token())
    file.chmod(0o600)
    assert exposed_token() is None

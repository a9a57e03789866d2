"""Somebody else's study: the terminal says so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.slow  # two processes of the command line
def test_the_terminal_says_whose_study_goes_on(winnow, study_file, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    command = ("search", study_file, "--trials", "1", "--confirm", "0", "--engine", "local")
    assert winnow(*command).status == 0
    done = subprocess.run(
        [sys.executable, "-m", "search.cli", *map(str, command)],
        env={**os.environ, "LOGNAME": "bob"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("was begun by ada") == 1

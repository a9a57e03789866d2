"""A researcher's week by the command line: a typo, a kill, a mended and an added technique."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

OPTIONS = ("--looks", "3", "--tuning", "none", "--engine", "local")
ADDED = """        Technique("Less momentum", on={"momentum": 0.3}, effort=Effort.LOW),
    ],
    objective"""


def winnow(folder: Path, *words: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "search.cli", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def ended(folder: Path) -> dict[str, int]:
    """Return how many measured runs have ended, by arm."""
    file = folder / "winnow.db"
    if not file.exists():
        return {}
    query = (
        "SELECT arm, count(*) FROM winnow_trials WHERE study = 'week/replicate' "
        "AND outcome IS NOT NULL GROUP BY arm"
    )
    try:
        with sqlite3.connect(file, timeout=30) as connection:
            return dict(connection.execute(query).fetchall())
    except sqlite3.OperationalError:  # there are no tables yet
        return {}


def run_and_kill(folder: Path, after: int) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-m", "search.cli", "run", "week.py", *OPTIONS],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while sum(ended(folder).values()) < after:
        assert driver.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    driver.send_signal(signal.SIGKILL)
    driver.wait()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_week(tmp_path):
    winnow(tmp_path, "init", "week")
    file = tmp_path / "week.py"

    # Monday: a knob that is never read, found before anything is paid for
    rewrite(file, "config.weight, 1.0", "3.0, 1.0")
    said = winnow(tmp_path, "check", "week.py", status=2)
    assert "weight is never read in a whole run: a typo" in " ".join(said.split())
    rewrite(file, "3.0, 1.0)", "config.weight, 1.0)")
    assert "failed" not in winnow(tmp_path, "check", "week.py")

    # Tuesday: kill -9 amid the study; the same command finishes it
    rewrite(file, "    for _epoch in range(max_steps):\n", "    for _epoch in range(max_steps):\n"
            "        __import__('time').sleep(0.05)\n")  # fmt: skip
    run_and_kill(tmp_path, after=2)
    winnow(tmp_path, "run", "week.py", *OPTIONS)
    assert ended(tmp_path) == {"baseline": 3, "Momentum": 3, "Class weights": 3}

    # Wednesday: one technique is set otherwise; only its runs are new
    rewrite(file, 'on={"momentum": 0.9}', 'on={"momentum": 0.5}')
    winnow(tmp_path, "run", "week.py", *OPTIONS)
    assert ended(tmp_path) == {"baseline": 3, "Momentum": 6, "Class weights": 3}

    # Thursday: another one is added; only its runs are new
    rewrite(file, "    ],\n    objective", ADDED)
    said = winnow(tmp_path, "run", "week.py", *OPTIONS)
    assert ended(tmp_path) == {"baseline": 3, "Momentum": 6, "Class weights": 3, "Less momentum": 3}
    assert "K 2 → 3" in " ".join(said.split())
    winnow(tmp_path, "run", "week.py", *OPTIONS)
    assert sum(ended(tmp_path).values()) == 15  # a finished study does nothing

    # Friday: a colleague's question, and the paper
    said = winnow(tmp_path, "compare", "week", "week:Less momentum", "--format", "json")
    (setting,) = json.loads(said)["configuration"]
    assert (setting["name"], setting["second"]) == ("momentum", 0.3)
    winnow(tmp_path, "report", "week", "--format", "latex", "--output", "table.tex")
    table = (tmp_path / "table.tex").read_text()
    assert "\\begin{table" in table or "\\begin{tabular" in table
    for name in ("Momentum", "Class weights", "Less momentum"):
        assert name in table

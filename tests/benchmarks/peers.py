"""The peers by name, each in a process of its own: ``python -m tests.benchmarks.peers NAME …``.

A fresh process per repetition keeps one peer's warm imports, environment variables and Ray
session away from the next.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import optuna

from tests.benchmarks.timing import Timing

MARK = "TIMING "  # before the line that the parent reads
LIMIT_S = 600


def _winnow(**how: Any) -> Timing:
    from tests.benchmarks.peer_winnow import run_winnow

    return run_winnow(**how)


def _tune(**how: Any) -> Timing:
    from tests.benchmarks.peer_tune import run_tune

    return run_tune(**how)


def _optuna(**how: Any) -> Timing:
    from tests.benchmarks.peer_optuna import run_optuna

    return run_optuna(**how)


PEERS: Mapping[str, Callable[..., Timing]] = {
    "winnow-ray": partial(_winnow, engine="ray"),
    "winnow-ray-each-step": partial(_winnow, engine="ray", decide_often=True),
    "winnow-local": partial(_winnow, engine="local"),
    "tune-stock": partial(_tune, reuse=False, loggers=True, stored=True),
    "tune-reuse-sqlite": partial(_tune, reuse=True, loggers=False, stored=True),
    "tune-reuse-bare": partial(_tune, reuse=True, loggers=False, stored=False),
    "optuna-wal": partial(_optuna, tuned=True),
    "optuna-default": partial(_optuna, tuned=False),
}


def measure(peer: str, *, trials: int, steps: int) -> Timing:
    """Run a peer in a fresh process.

    Raises
    ------
    RuntimeError
        If the process fails, with the end of what it said.
    """
    command = [sys.executable, "-m", "tests.benchmarks.peers", peer, str(trials), str(steps)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S, env=environment, check=False
    )
    found = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not found:
        raise RuntimeError(
            f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        )
    read = json.loads(found[-1].removeprefix(MARK))
    return Timing(read["first_step"], tuple(read["ends"]))


def main() -> None:
    """Run one peer here, and print its timing."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers")
    parser.add_argument("peer", choices=sorted(PEERS))
    parser.add_argument("trials", type=int)
    parser.add_argument("steps", type=int)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        timing = PEERS[given.peer](folder=Path(folder), trials=given.trials, steps=given.steps)
    print(MARK + json.dumps(asdict(timing)), flush=True)


if __name__ == "__main__":
    main()

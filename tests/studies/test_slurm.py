"""Slurm's script, with stand-ins for Slurm's own commands: what it starts really runs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "studies" / "clusters"


def test_the_slurm_script_is_sound_shell():
    script = FOLDER / "slurm.sh"
    subprocess.run(["bash", "-n", script], check=True)
    if program := shutil.which("shellcheck"):
        done = subprocess.run([program, script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    directives = re.findall(r"^#SBATCH (\S+)$", script.read_text(), flags=re.MULTILINE)
    assert {"--signal=B:USR1@120", "--requeue", "--open-mode=append"} <= set(directives)


def test_the_slurm_script_says_what_it_needs(tmp_path):
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    script = ["bash", str(FOLDER / "slurm.sh")]
    done = subprocess.run(script, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: sbatch slurm.sh run" in done.stderr
    done = subprocess.run(
        [*script, "run", "study.py"], env=bare, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "WINNOW_STORAGE" in done.stderr


# Slurm's commands as far as the script uses them, for a job whose two nodes are this machine.
SRUN = """#!/bin/bash
count=1
while [[ $1 == --* ]]; do
    case $1 in --nodes=*) count=${1#*=} ;; esac
    shift
done
pids=()
for ((i = 0; i < count; i++)); do
    "$@" &
    pids+=($!)
    echo $! >>"$SLURM_DOUBLE/steps"
done
trap 'kill -KILL "${pids[@]}"' TERM
wait
"""
SCONTROL = """#!/bin/bash
case $1 in
show) printf 'n1\\nn2\\n' ;;
requeue) echo "$2" >>"$SLURM_DOUBLE/requeued" ;;
esac
"""
SCANCEL = """#!/bin/bash
[ "$1" = --signal=TERM ] || exit 1
while read -r pid; do kill -TERM "$pid"; done <"$SLURM_DOUBLE/steps"
"""
STUDY = '''
"""Does A help?"""
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from search import Objective, Resources, Space, Study, Technique


@dataclass(frozen=True)
class Config:
    a: float = 0.0


class Model:
    def __init__(self, config, *, seed):
        self.config, self.seed, self.at = config, seed, 0

    def step(self):
        self.at += 1
        with Path(os.environ["WINNOW_TEST_STEPS"]).open("a") as file:
            file.write(f"{self.config.a} {self.seed} {self.at}\\n")
        time.sleep(0.5)
        score = self.at + self.config.a + 0.01 * (self.seed % 7)
        return {"val": score, "test_val": score}

    def save(self, directory):
        (directory / "at.json").write_text(json.dumps(self.at))

    def load(self, directory):
        self.at = json.loads((directory / "at.json").read_text())


STUDY = Study(
    name="toy",
    trainable=Model,
    space=Space(baseline=Config()),
    techniques=[Technique("A", on={"a": 1.0})],
    objective=Objective("val", "maximize"),
    smallest_gain=0.2,
    max_steps=80,
    resources=Resources(cpus=1.0),
)
'''
WAIT_S = 400.0


def job_number() -> int:
    """Return a number from which the script makes ports that nobody listens on."""
    number = os.getpid()
    while not all(is_free(20000 + number % 5000 * 2 + further) for further in (0, 1)):
        number += 1
    return number


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class Job:
    """A batch job of two nodes, both of them this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps = folder / "steps.txt"
        self.steps.touch()
        self.storage = f"sqlite:///{folder / 'toy.db'}"
        (folder / "study.py").write_text(STUDY)
        programs = folder / "bin"
        programs.mkdir()
        for name, text in (("srun", SRUN), ("scontrol", SCONTROL), ("scancel", SCANCEL)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        path = [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "WINNOW_"))}
        self.environment = kept | {
            "PATH": os.pathsep.join(path),
            "RAY_enable_open_telemetry": "0",
            "SLURM_CPUS_PER_TASK": "1",
            "SLURM_DOUBLE": str(folder),
            "SLURM_JOB_NODELIST": "n[1-2]",
            "WINNOW_FOLDER": str(folder),
            "WINNOW_HEAD_IP": "127.0.0.1",
            "WINNOW_STORAGE": self.storage,
            "WINNOW_TEST_STEPS": str(self.steps),
        }

    def start(self) -> subprocess.Popen[str]:
        """Start the script as Slurm does, under a number that leads to free ports."""
        (self.folder / "steps").unlink(missing_ok=True)
        number = {"SLURM_JOB_ID": str(job_number())}
        return subprocess.Popen(
            [
                "bash",
                str(FOLDER / "slurm.sh"),
                "run",
                "study.py",
                "--looks",
                "3",
                "--tuning",
                "none",
            ],
            cwd=self.folder,
            env=self.environment | number,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def made(self) -> list[tuple[str, str, int]]:
        """Return every step that was made: arm, seed, step."""
        lines = [line.split() for line in self.steps.read_text().splitlines()]
        return [(arm, seed, int(step)) for arm, seed, step in lines]

    def until(self, process: subprocess.Popen[str], *, steps: int = 0, furthest: int = 0) -> None:
        """Wait until so many steps were made, and one run has come so far."""
        deadline = time.monotonic() + WAIT_S
        while len(made := self.made()) < steps or max((m[2] for m in made), default=0) < furthest:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, made[-1:]
            time.sleep(0.2)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def end(process: subprocess.Popen[str], below: list[psutil.Process]) -> tuple[int, str]:
    """Return a job's exit status and log, once everything that it started has ended."""
    try:
        log = process.communicate(timeout=WAIT_S)[0]
        _, alive = psutil.wait_procs(below, timeout=30)
        assert not alive, [found.cmdline() for found in alive]
    finally:
        for found in below:
            if found.is_running():
                found.kill()
        process.kill()
    return process.returncode, log


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="Slurm runs on Linux")
def test_a_walltime_queues_the_job_again_and_the_next_one_ends_the_study(tmp_path):
    job = Job(tmp_path)
    first = job.start()
    job.until(first, furthest=70)  # checkpoints are 30 s apart, and a step takes half a second
    below = family(first)
    tokens = list(tmp_path.glob(".winnow-slurm-*/auth_token"))
    assert [oct(token.stat().st_mode & 0o777) for token in tokens] == ["0o600"]
    first.send_signal(signal.SIGUSR1)  # as --signal=B:USR1@120 does, to this process alone
    status, log = end(first, below)
    assert status == 3, log
    assert "2 nodes at 127.0.0.1" in log
    assert "nothing is lost" in log
    number = re.findall(r"queueing job (\d+) again", log)
    assert (tmp_path / "requeued").read_text().split() == number
    assert not list(tmp_path.glob(".winnow-slurm-*"))
    before = job.made()

    second = job.start()
    job.until(second, steps=len(before) + 1)
    status, log = end(second, family(second))
    assert status == 0, log
    assert (tmp_path / "requeued").read_text().split() == number
    runs = {made[:2] for made in job.made()}
    assert len(runs) == 6  # two arms on three seeds
    for run in runs:
        assert {made[2] for made in job.made() if made[:2] == run} == set(range(1, 81))
    assert any(made[2] > 40 for made in job.made()[len(before) :][:2])  # from its checkpoint
    assert (tmp_path / "toy-report.html").is_file()


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="Slurm runs on Linux")
def test_a_cancelled_job_stops_and_is_not_queued_again(tmp_path):
    job = Job(tmp_path)
    process = job.start()
    job.until(process, steps=3)
    below = family(process)
    process.terminate()
    status, log = end(process, below)
    assert status == 3, log
    assert "nothing is lost" in log
    assert not (tmp_path / "requeued").exists()

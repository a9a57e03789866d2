"""Mirrors: every finished run once, outages cost nothing, what was missed comes later."""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from search.errors import OptionError
from search.mirrors.mirroring import Mirroring, parse_mirror
from search.mirrors.mlflow_server import call
from search.storage.database import Database
from search.storage.reader import read_series

LOCAL = ("--engine", "local")
RUN = ("--looks", "3", "--tuning", "none", "--no-stack", *LOCAL)


def event_files() -> list[Path]:
    return sorted(Path("tb").rglob("events.out.tfevents.*"))


def test_tensorboard_gets_every_run_once_by_arm_and_seed(winnow, study_file):
    answer = winnow("run", study_file, *RUN, "--mirror", "tensorboard:tb")
    assert answer.status == 0, answer.err
    folders = [path.parent.relative_to("tb") for path in event_files()]
    database = Database("sqlite:///winnow.db")
    wanted = [
        Path("toy", kind, trial.asked.arm, f"seed-{trial.asked.seed}-trial-{trial.number}")
        for kind in ("aa", "replicate")
        for trial in read_series(database, f"toy/{kind}").trials
    ]
    database.close()
    assert sorted(folders) == sorted(wanted)
    written = {path: path.stat().st_mtime_ns for path in event_files()}
    winnow("run", study_file, *RUN, "--mirror", "tensorboard:tb")
    assert {path: path.stat().st_mtime_ns for path in event_files()} == written


def test_an_outage_stops_nothing_and_the_next_command_makes_up_for_it(winnow, study_file, caplog):
    Path("tb").write_text("a file, where a folder is to be")
    with caplog.at_level(logging.WARNING):
        answer = winnow("search", study_file, "--trials", 3, "--confirm", 0, *LOCAL,
                        "--mirror", "tensorboard:tb")  # fmt: skip
    assert answer.status == 0, answer.err
    said = [r.getMessage() for r in caplog.records if "does not take runs" in r.getMessage()]
    assert len(said) == 1
    Path("tb").unlink()
    winnow(
        "search", study_file, "--trials", 3, "--confirm", 0, *LOCAL, "--mirror", "tensorboard:tb"
    )
    assert len(event_files()) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tensorbord:x", "did you mean 'tensorboard'"),
        ("mlflow", "--mirror takes mlflow:"),
        ("tensorboard:", "--mirror takes mlflow:"),
        ("mlflow:file:///geheim", "mlflow:http://HOST:PORT"),
        ("mlflow:http://ada:geheim@host", "MLFLOW_TRACKING_PASSWORD"),
        ("wand", "did you mean 'wandb'"),
        ("mlflow:http://host:geheim", "mlflow:http://HOST:PORT"),
    ],
)
def test_wrong_mirrors_are_refused_unrepeated(text, words):
    with pytest.raises(OptionError) as found:
        parse_mirror(text)
    assert words in str(found.value)
    assert "geheim" not in str(found.value)


class Slow:
    """A tracker that never answers in time."""

    shown, troubles = "slow", (OSError,)

    def known(self, _study):
        time.sleep(60)
        return set()

    def copy(self, *_run):
        raise OSError


def test_a_mirror_that_never_answers_does_not_keep_the_command_from_its_end(
    winnow, study_file, caplog
):
    winnow("search", study_file, "--trials", 1, "--confirm", 0, *LOCAL)
    mirroring = Mirroring("sqlite:///winnow.db", "toy", [Slow()])
    began = time.monotonic()
    mirroring.close(patience_s=0.5)
    assert time.monotonic() - began < 20
    assert "the mirrors lack runs" in caplog.text


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    """A real tracking server: of this environment, or the one that WINNOW_MLFLOW names."""
    program = os.environ.get("WINNOW_MLFLOW") or shutil.which("mlflow")
    if program is None:
        pytest.skip("no MLflow on this machine: name its program in WINNOW_MLFLOW")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [program, "server", "--port", str(port), "--workers", "1",
               "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
               "--default-artifact-root", str(folder)]  # fmt: skip
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def _wait(url, log):
    until = time.monotonic() + 240
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.5)
    pytest.fail(log.read_text())


@pytest.mark.slow  # its server takes half a minute to start
def test_a_real_mlflow_server_gets_every_run_with_its_curves(winnow, study_file, mlflow):
    for _ in range(2):  # the second time, it has them all
        answer = winnow("run", study_file, *RUN, "--mirror", f"mlflow:{mlflow}")
        assert answer.status == 0, answer.err
    assert "does not take" not in answer.err
    experiment = call(mlflow, "experiments/get-by-name", query={"experiment_name": "toy"})
    ids = [experiment["experiment"]["experiment_id"]]
    runs = call(mlflow, "runs/search", {"experiment_ids": ids, "max_results": 100})["runs"]
    database = Database("sqlite:///winnow.db")
    trials = [
        t for kind in ("aa", "replicate") for t in read_series(database, f"toy/{kind}").trials
    ]
    database.close()
    assert len(runs) == len(trials)
    for run in runs:
        tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
        (trial,) = [
            t for t in read_again(tags["winnow.series"]) if str(t.number) == tags["winnow.trial"]
        ]
        assert (tags["winnow.arm"], tags["winnow.seed"]) == (trial.asked.arm, str(trial.asked.seed))
        assert run["info"]["status"] == "FINISHED"
        asked = {"run_id": run["info"]["run_id"], "metric_key": "val_ap"}
        history = call(mlflow, "metrics/get-history", query=asked)
        got = {m["step"]: m["value"] for m in history["metrics"]}
        assert got == pytest.approx({s.step: s.metrics["val_ap"] for s in trial.steps})
        params = {p["key"]: p["value"] for p in run["data"]["params"]}
        assert params["lr"] == str(trial.asked.configuration["lr"])


def read_again(series):
    database = Database("sqlite:///winnow.db")
    try:
        return read_series(database, series).trials
    finally:
        database.close()


def wandb_runs() -> dict[str, Path]:
    return {path.name.rpartition("-")[2]: path for path in Path("wandb").glob("offline-run-*")}


@pytest.mark.slow  # its service takes a second to start, and every run a fifth
def test_wandb_gets_every_run_offline_and_once(study_file):
    """By the command itself: the package leaves threads and a service in its process."""
    command = [
        sys.executable,
        "-m",
        "search.cli",
        "run",
        str(study_file),
        *RUN,
        "--mirror",
        "wandb",
    ]
    for _ in range(2):  # the second time, it has them all
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "does not take" not in done.stderr
    database = Database("sqlite:///winnow.db")
    trials = [
        (f"toy/{kind}", trial)
        for kind in ("aa", "replicate")
        for trial in read_series(database, f"toy/{kind}").trials
    ]
    database.close()
    runs = wandb_runs()
    assert len(runs) == len(trials) == 7
    listed = subprocess.run(
        [str(Path(sys.executable).with_name("wandb")), "sync", "--dry-run"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert all(name in listed.stdout + listed.stderr for name in runs)
    for series, trial in trials:
        marks = [
            path.name for path in Path("wandb/winnow-runs").iterdir()
            if path.read_text().startswith(f"{series}#{trial.number}@")
        ]  # fmt: skip
        written = (runs[marks[0]] / f"run-{marks[0]}.wandb").read_bytes()
        for word in ("val_ap", "test_ap", trial.asked.arm, f"{trial.asked.arm}, seed"):
            assert word.encode() in written
        last = trial.steps[-1].metrics["val_ap"]
        assert repr(last).encode() in written


@pytest.mark.slow  # as above
def test_wandb_that_cannot_write_stops_nothing(study_file):
    Path("wandb").write_text("a file, where a folder is to be")
    command = [
        sys.executable,
        "-m",
        "search.cli",
        "run",
        str(study_file),
        *RUN,
        "--mirror",
        "wandb",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("does not take runs") == 1
    Path("wandb").unlink()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert len(wandb_runs()) == 7


def test_wandb_without_its_package_says_what_to_install(monkeypatch, tmp_path):
    (tmp_path / "wandb").mkdir()  # as an earlier command leaves it
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    importlib.invalidate_caches()
    with pytest.raises(OptionError, match=r"pip install winnow\[wandb\]"):
        parse_mirror("wandb")

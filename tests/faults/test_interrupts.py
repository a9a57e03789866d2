"""Ctrl-C and SIGTERM: the real command line leaves within seconds, and says how to go on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest

from search.engine.stream import Limits
from search.loading import load_study
from search.protocol.searching import Options, run_search
from search.storage.database import Database
from search.storage.places import children, place
from search.storage.reader import read_series
from tests.buckets import BUCKET

FOREIGN = Path(__file__).parents[1] / "contracts" / "foreign"
SECONDS = 30.0  # of a busy machine; a quiet one needs one or two


def start(folder, *arguments, pace="60"):
    """Start the command line in a session of its own, as a terminal does."""
    winnow = Path(sys.executable).with_name("winnow")
    command = [str(word) for word in (winnow, *arguments)]
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ
        | {"WINNOW_TEST_PACE": pace, "WINNOW_GRACE_S": "0.2" if pace == "60" else "20"},
    )


def wait_for_a_step(folder, limit_s=120):
    """Wait until a trial is in the middle of a step that would take a minute."""
    begun = time.monotonic()
    while not (folder / "data" / "events.jsonl").exists():
        assert time.monotonic() - begun < limit_s
        time.sleep(0.02)
    time.sleep(0.3)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(FOREIGN, tmp_path / "elsewhere")
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("number", "engine"),
    [
        pytest.param(signal.SIGINT, "ray", id="Ctrl-C-ray", marks=pytest.mark.ray),
        pytest.param(signal.SIGTERM, "local", id="SIGTERM-local"),
        pytest.param(signal.SIGINT, "local", id="Ctrl-C-local", marks=pytest.mark.slow),
        pytest.param(
            signal.SIGTERM, "ray", id="SIGTERM-ray", marks=[pytest.mark.ray, pytest.mark.slow]
        ),
    ],
)
def test_a_search_is_left_in_the_middle_of_a_long_step(folder, engine, number):
    arguments = [
        *("search", "elsewhere/storm_study.py", "--trials", "2", "--engine", engine),
        *("--data", "data", "--confirm", "0"),
    ]
    driver = start(folder, *arguments)
    try:
        wait_for_a_step(folder)
        asked = time.monotonic()
        # Ctrl-C reaches every process of the terminal's foreground group
        (os.killpg if number == signal.SIGINT else os.kill)(driver.pid, number)
        out, err = driver.communicate(timeout=SECONDS)
        took = time.monotonic() - asked
    finally:
        driver.kill()
    assert driver.returncode == 3
    assert took < SECONDS
    assert "stopped; nothing is lost" in err
    assert f"winnow {' '.join(arguments)}" in err
    assert "Traceback" not in out + err
    database = Database(f"sqlite:///{folder / 'winnow.db'}")
    trials = read_series(database, "storm/search").trials
    database.close()
    assert trials[0].result is None
    assert {a.end for trial in trials for a in trial.attempts} <= {"interrupted"}
    # the database is the only truth: either engine goes on with what the other began
    other = "ray" if engine == "local" and number == signal.SIGINT else "local"
    finished = start_quickly(folder, [*arguments, "--engine", other])
    assert finished.returncode == 0, finished.stderr
    assert "2/2 trials" in finished.stdout


def start_quickly(folder, arguments, **environment):
    """Run the same command again, with short steps."""
    winnow = Path(sys.executable).with_name("winnow")
    command = [str(word) for word in (winnow, *arguments)]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"WINNOW_TEST_PACE": "0.001"} | environment,
        check=False,
    )


def trained(folder):
    """Return every step that was trained, as often as it was."""
    lines = (folder / "elsewhere" / "steps.jsonl").read_text().splitlines()
    return sorted((found["lr"], found["step"]) for found in map(json.loads, lines))


@pytest.mark.parametrize(
    ("engine", "trials", "bucket"),
    [
        pytest.param("local", 1, False, id="local"),
        pytest.param("ray", 2, False, id="ray", marks=[pytest.mark.ray, pytest.mark.slow]),
        pytest.param("ray", 2, True, id="ray-s3", marks=[pytest.mark.ray, pytest.mark.slow]),
    ],
)
def test_a_stopped_run_loses_no_step(folder, engine, trials, bucket, monkeypatch, request):
    """It has no rung, and its next checkpoint would be due after 30 s."""
    artifacts = folder / "artifacts"
    if bucket:
        for name, value in request.getfixturevalue("s3").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        artifacts = f"s3://{BUCKET}/{uuid.uuid4().hex}"
    file = folder / "elsewhere" / "leaving_study.py"
    arguments = ["search", file.relative_to(folder), "--trials", trials, "--confirm", 0]
    arguments += ["--artifacts", artifacts]
    driver = start(folder, *arguments, "--engine", engine, pace="0.15")
    try:
        begun = time.monotonic()
        while (
            not (file.parent / "steps.jsonl").exists()
            or len(set(trained(folder))) < 2
            or ([step for _, step in trained(folder)].count(8 if trials > 1 else 2) < trials)
        ):  # under Ray, a trial that has not reported yet may not have been begun at all
            assert time.monotonic() - begun < 120
            time.sleep(0.02)
        driver.send_signal(signal.SIGTERM)
        _, err = driver.communicate(timeout=SECONDS)
    finally:
        driver.kill()
    assert driver.returncode == 3, err
    assert "stopped; nothing is lost" in err
    before = trained(folder)
    assert trials <= len(before) < 20 * trials
    assert (folder / "artifacts").exists() != bucket
    monkeypatch.chdir(folder)
    monkeypatch.setenv("WINNOW_TEST_PACE", "0")
    outcome = run_search(
        load_study(file),
        Options(f"sqlite:///{folder / 'winnow.db'}", Path(artifacts), engine="local"),
        trials=trials,
        limits=Limits(),
        confirm=0,
    )
    assert outcome.outcomes == {"complete": trials}
    after = trained(folder)
    assert len(after) == len(set(after)) == 20 * trials
    assert set(before) < set(after)
    (series,) = children(place(artifacts) / "leaving" / "search")
    assert list(children(series)) == []  # trials that have ended leave nothing


@pytest.mark.ray
def test_nothing_of_rays_reaches_the_terminal(folder):
    """Not even when a worker is killed."""
    arguments = ["search", "elsewhere/kinds_study.py", "--trials", "3", "--data", "data"]
    code = (folder / "elsewhere" / "kinds_study.py").read_text()
    changed = code.replace("STUDY = make(LOCAL)", 'STUDY = make(("healthy", KINDS[-2], KINDS[2]))')
    (folder / "elsewhere" / "kinds_study.py").write_text(changed)
    arguments += ["--confirm", "0", "--workers", "1"]
    with tempfile.TemporaryDirectory(prefix="w-") as temporary:  # short: Ray's sockets lie in it
        done = start_quickly(folder, arguments, TMPDIR=temporary)
        left = list(Path(temporary).glob("winnow-*"))
    assert done.returncode == 0, done.stderr
    said = (done.stdout + done.stderr).lower()
    for word in ("raylet", "ray::", "tune", "warning", "deprecat", "traceback", "info"):
        assert word not in said, said
    assert "lost its worker: its process died" in done.stderr
    assert not left

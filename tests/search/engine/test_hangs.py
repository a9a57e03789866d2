"""Runs that hang are ended by their own process, and where they hung is known."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from search.engine.hangs import hang_reason, take_hangs, watched
from search.storage.records import TrialRecord
from tests.search.engine.places import EnginePlace

WHO = {"token": "one", "host": "here", "pid": 1, "started": 5.0, "start_step": 2}
STUCK = """
import re, sys, time
from pathlib import Path
from search.engine.hangs import watched
def stuck():
    {stuck}
with watched(0.3, Path(sys.argv[1]), {who}):
    stuck()
"""


def end_of(stuck: str, folder: Path) -> subprocess.CompletedProcess[str]:
    code = STUCK.format(stuck=stuck, who=WHO)
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_process_that_waits_for_ever_ends_and_says_where(tmp_path: Path) -> None:
    done = end_of("time.sleep(1e6)", tmp_path)
    assert done.returncode == 3
    assert f"winnow: no step within 0.3 s in {tmp_path}" in done.stderr
    (hang,) = take_hangs(tmp_path)
    assert hang.attempt == WHO
    assert hang_reason(hang.error) == "no step within 0.3 s"
    assert "in stuck" in hang.error
    assert take_hangs(tmp_path) == []


def test_native_code_that_keeps_the_interpreter_to_itself_is_no_refuge(tmp_path: Path) -> None:
    done = end_of("re.match('(a+)+$', 'a' * 60 + 'b')", tmp_path)
    assert done.returncode == 1
    (hang,) = take_hangs(tmp_path)
    assert "in stuck" in hang.error


def test_who_is_slow_but_alive_is_left_alone(tmp_path: Path) -> None:
    with watched(0.5, tmp_path, WHO) as watchdog:
        assert watchdog is not None
        for _ in range(8):
            time.sleep(0.1)
            watchdog.beat()
    assert list(tmp_path.iterdir()) == []


def test_without_a_limit_nobody_watches(tmp_path: Path) -> None:
    with watched(None, tmp_path / "none", WHO) as watchdog:
        assert watchdog is None
    assert not (tmp_path / "none").exists()


def test_a_note_of_a_process_that_was_killed_tells_of_no_hang(tmp_path: Path) -> None:
    (tmp_path / "hang-one").write_text('{"attempt": {}, "error": "no step within 1 s"}\n')
    assert take_hangs(tmp_path) == []


def check(place: EnginePlace) -> None:
    """Of what hung once, nothing is lost; what hangs again is counted, with its stack."""
    found = place.found("hanging/search")
    healthy, once, always = found.series.trials
    assert (healthy.outcome, once.outcome, always.outcome) == ("complete", "complete", "failed")
    assert always.result is not None
    assert always.result.reason == "no step within 0.4 s"
    assert len(always.attempts) == 2
    assert always.steps == ()
    assert place.steps("hanging/search", "hangs once") == [1, 2, 3, 4, 4, 5, 6]
    assert once.attempts[1].start_step == 3
    for attempt in (once.attempts[0], *always.attempts):
        assert attempt.end == "lost"
        assert str(attempt.error).startswith("no step within 0.4 s\n")
        assert "in wait_for_ever" in str(attempt.error)
    assert [step.step for step in once.steps] == [1, 2, 3, 4, 5, 6]
    assert elapsed(always) == pytest.approx(0.4, abs=5.0)
    assert not list(place.folder.glob("study.db-artifacts/**/hang-*"))


def elapsed(trial: TrialRecord) -> float:
    return max(attempt.elapsed_s for attempt in trial.attempts)


@pytest.mark.slow
@pytest.mark.ray
def test_on_ray_a_run_that_hangs_is_tried_again_once(tmp_path: Path, gpu_cluster: str) -> None:
    place = EnginePlace(tmp_path / "place", "ray", gpu_cluster)
    place.search(place.load("hanging"), trials=3, workers=1)
    check(place)


@pytest.mark.slow
def test_on_the_local_engine_the_same_command_again_goes_on(tmp_path: Path) -> None:
    place = EnginePlace(tmp_path / "place", "local")
    study = place.folder / "elsewhere" / "hanging_study.py"
    command = [sys.executable, "-m", "search.cli", "search", study, "--storage", place.url]
    command += ["--engine", "local", "--data", place.seen, "--trials", "3", "--confirm", "0"]
    ends = []
    while not ends or (ends[-1] == 3 and len(ends) < 6):
        done = subprocess.run(
            [str(w) for w in command], capture_output=True, text=True, check=False
        )
        ends.append(done.returncode)
    assert ends == [3, 3, 3, 0], done.stderr
    check(place)

"""A cluster's exporter says over HTTP how far a study is."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.ray, pytest.mark.slow]
TRIALS = 4


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """What was scraped, by metric and labels."""
    pytest.importorskip("ray")
    folder = tmp_path_factory.mktemp("metrics")
    environment = {k: v for k, v in os.environ.items() if k != "RAY_enable_open_telemetry"}
    environment["RAY_raylet_start_wait_time_s"] = "200"  # the machine may be busy
    command = [sys.executable, "-m", "tests.contracts.publishing", str(folder), str(TRIALS)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=250, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = {}
    for line in done.stdout.splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)\{(.*)\} (\S+)", line).groups()
            told = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            found[name, told.get("study"), told.get("state"), told.get("le")] = float(value)
    return found


def test_trials_are_counted_by_study_and_state(exported):
    states = {
        state: value
        for (name, study, state, _), value in exported.items()
        if name == "ray_winnow_trials" and study == "toy/search"
    }
    assert states["running"] == 0
    assert sum(states.values()) == TRIALS
    assert states["complete"] >= 1


def test_the_best_value_and_the_gpu_hours_are_there(exported):
    assert 0.1 < exported["ray_winnow_best_value", "toy/search", None, None] < 1
    assert exported["ray_winnow_gpu_hours", "toy/search", None, None] == 0


def test_decisions_are_counted_by_how_long_they_took(exported):
    counts = {
        float(bound.replace("+Inf", "inf")): value
        for (name, _, _, bound), value in exported.items()
        if name == "ray_winnow_decision_seconds_bucket"
    }
    assert max(counts) == float("inf")
    assert counts[float("inf")] >= TRIALS, "every trial is decided on at least once"
    assert sorted(counts.values()) == [counts[bound] for bound in sorted(counts)]

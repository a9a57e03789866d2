"""A study as files that other tools read."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

LOCAL = ("--engine", "local")


@pytest.fixture
def study(winnow, study_file):
    text = study_file.read_text()
    broken = "    if config.lr > 3e-2:\n        raise ValueError('too steep')\n    limit = 1"
    study_file.write_text(text.replace("    limit = 1", broken, 1))
    winnow("search", study_file, "--trials", 8, "--confirm", 1, *LOCAL)
    return "toy"


def test_every_trial_is_a_line_with_what_was_asked_and_what_came_back(winnow, study):
    answer = winnow("export", study, "--output", "deep/results")
    assert answer.status == 0, answer.err
    assert "Written: deep/results/trials.csv" in answer.out
    trials = pd.read_csv("deep/results/trials.csv")
    steps = pd.read_csv("deep/results/steps.csv")
    assert list(trials[trials["series"] == "toy/search"]["trial"]) == list(range(8))
    assert {"config.lr", "config.focal", "metric.val_ap", "metric.test_ap"} <= set(trials.columns)
    complete = trials[trials["outcome"] == "complete"]
    assert (complete["metric.val_ap"] - complete["metric.test_ap"]).round(9).eq(0.02).all()
    assert (complete["step"] == 9).all()
    for row in complete.itertuples():
        own = steps[(steps["series"] == row.series) & (steps["trial"] == row.trial)]
        assert len(own) == row.steps == 9
    failed = trials[trials["outcome"] == "failed"]
    assert (failed["config.lr"] > 3e-2).all()
    assert failed["reason"].str.contains("too steep").all()


def test_json_holds_every_series_whole(winnow, study):
    winnow("export", study, "--format", "json")
    found = json.loads(Path("toy-export/study.json").read_text())
    assert [series["kind"] for series in found["series"]] == ["search", "confirm"]
    first = found["series"][0]["trials"][0]
    assert first["configuration"]["lr"] == pytest.approx(1e-3)
    assert [step["step"] for step in first["steps"]] == list(range(1, 10))
    assert first["result"]["values"] == [first["steps"][-1]["metrics"]["val_ap"]]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("toy", "--format", "jsn"), 2, "did you mean 'json'"),
        (("tony",), 1, "holds no study 'tony'"),
    ],
)
def test_what_is_not_there_is_refused(winnow, study, arguments, status, words):
    answer = winnow("export", *arguments)
    assert (answer.status, words in answer.err) == (status, True)
    assert not Path("tony-export").exists()
    assert not Path(f"{study}-export").exists()

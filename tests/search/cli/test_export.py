"""A study as files that other tools read."""

from __future__ import annotations

import json
import os
import re
import subprocess
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


def test_deepcave_gets_the_search_as_its_two_files(winnow, study):
    answer = winnow("export", study, "--format", "deepcave", "--output", "cave")
    assert answer.status == 0, answer.err
    space = pd.read_csv("cave/configspace.csv").set_index("name")
    trials = pd.read_csv("cave/trials.csv")
    assert space.loc["lr", ["type", "lower", "upper", "log"]].tolist()[0] == "float"
    assert space.loc["focal", ["item_0", "item_1"]].tolist() == ["is False", "is True"]
    metric = trials.columns[0]
    assert re.fullmatch(r"metric:val_ap \[-?[\d.]+; -?[\d.]+\] \(maximize\)", metric)
    assert set(trials["status"]) == {"SUCCESS", "CRASHED"} | (set(trials["status"]) & {"PRUNED"})
    assert (trials["status"] == "SUCCESS").eq(trials[metric].notna()).all()
    assert set(trials["focal"]) <= {"is False", "is True"}
    assert trials["lr"].between(space.loc["lr", "lower"], space.loc["lr", "upper"]).all()


READ = """
import json, sys
from deepcave.runs.converters.dataframe import DataFrameRun
assert DataFrameRun.is_valid_run(sys.argv[1])
run = DataFrameRun.from_path(sys.argv[1])
trials = [(trial.status.name, trial.costs[0]) for trial in run.get_trials()]
config, _ = run.get_incumbent(objectives=run.get_objective("val_ap"))
print(json.dumps([trials, dict(config), run.get_objective("val_ap").optimize]))
"""


@pytest.mark.slow
def test_deepcave_itself_reads_the_folder(winnow, study):
    python = os.environ.get("WINNOW_TEST_DEEPCAVE")  # it does not install for every Python
    if python is None:
        pytest.skip("WINNOW_TEST_DEEPCAVE names no Python that has DeepCAVE")
    winnow("export", study, "--format", "deepcave", "--output", "cave")
    done = subprocess.run([python, "-c", READ, "cave"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found, config, optimize = json.loads(done.stdout.splitlines()[-1])
    trials = pd.read_csv("cave/trials.csv")
    assert [status for status, _ in found] == trials["status"].tolist()
    scores = trials.iloc[:, 0]
    assert [cost for _, cost in found] == [None if pd.isna(v) else pytest.approx(v) for v in scores]
    assert config["lr"] == pytest.approx(trials["lr"][scores.idxmax()])
    assert optimize == "upper"

"""Runs of the past: named if they are bad, shown as what they are, and a seed for a search."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from pathlib import Path

import numpy as np
import pytest

from search.objective import Objective
from search.protocol.importing import read_runs
from search.reports import render, search_report
from search.storage.database import Database
from search.storage.reader import read_series

LOCAL = ("--engine", "local")
GOOD = """lr,focal,gamma,val_ap,val_loss,test_ap,note
0.01,true,2,0.9,0.1,0.777,"first, of all"
0.001,false,,0.7,,0.5,<b>second</b>
"""
GOAL = Objective("val_ap", "maximize")


@pytest.fixture
def runs(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "runs.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_rows_become_parameters_and_metrics_of_one_type_a_column(runs):
    found = read_runs(runs(GOOD, "utf-8-sig"), GOAL, ["val_loss"])
    assert found.metrics == ("val_ap", "val_loss", "test_ap")
    assert found.parameters == ("lr", "focal", "gamma", "note")
    first, second = found.rows
    assert first["params"] == {"lr": 0.01, "focal": True, "gamma": 2, "note": "first, of all"}
    assert second["params"] == {"lr": 0.001, "focal": False, "note": "<b>second</b>"}
    assert second["metrics"] == {"val_ap": 0.7, "test_ap": 0.5}
    assert (first["line"], second["line"]) == (2, 3)


def test_a_column_with_one_word_is_all_words(runs):
    found = read_runs(runs("kind,val_ap\n1,0.5\n2a,0.6\n"), GOAL)
    assert [row["params"]["kind"] for row in found.rows] == ["1", "2a"]


@pytest.mark.usefixtures("study_file")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("lr,val_ap\n", "line 1: there is no run"),
        ("lr,lr,val_ap\n1,2,3\n", "line 1: there are 2 columns 'lr'"),
        ("lr,,val_ap\n1,2,3\n", "line 1: column 2 has no name"),
        ("lr,val_app\n1,2\n", "no column 'val_ap'; did you mean 'val_app'"),
        ("lr,val_ap\n1,0.5\n1\n", "line 3: has 1 values for 2 columns"),
        ("lr,val_ap\n1,0.5,7\n", "line 2: has 3 values for 2 columns"),
        ("lr,val_ap\n1,0.5\n\n1,high\n", "line 4: val_ap must be a finite number, got 'high'"),
        ("lr,val_ap\n1,\n", "line 2: val_ap must be a finite number, got nothing"),
        ("lr,val_ap\n1,nan\n", "got 'nan'"),
        ("lr,val_ap\n1,1e999\n", "got '1e999'"),
        ("lr,val_ap,test_ap\n1,1,x\n", "line 2: test_ap must be"),
        ('lr,val_ap\n1,"0.5\n', "is no CSV file"),
        ("lr,val_ap\n1,0.5\n2,x\n3,y\n", "line 4"),
    ],
)
def test_bad_rows_are_named_before_anything_is_stored(winnow, runs, text, words):
    answer = winnow("import", "toy", runs(text), "--objective", "val_ap")
    assert answer.status == 2
    assert words in answer.err
    assert "Traceback" not in answer.err
    assert not Path("winnow.db").exists()


@pytest.mark.usefixtures("study_file")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("toy", "--objective", "test_ap"), "'test_ap' is held-out"),
        (("toy", "--objective", "val_ap", "--direction", "max"), "--direction has no 'max'"),
        (("a/b", "--objective", "val_ap"), "Study.name takes letters"),
    ],
)
def test_wrong_options_are_refused(winnow, runs, arguments, words):
    name, *rest = arguments
    answer = winnow("import", name, runs(GOOD), *rest)
    assert (answer.status, words in answer.err) == (2, True)


@pytest.mark.usefixtures("study_file")
def test_a_file_that_is_no_text_or_not_there_is_refused(winnow, runs):
    path = runs(GOOD)
    path.write_bytes(b"lr,val_ap\n\xff,1\n")
    assert "not text in UTF-8" in winnow("import", "toy", path, "--objective", "val_ap").err
    gone = winnow("import", "toy", path.with_name("gone.csv"), "--objective", "val_ap")
    assert (gone.status, "cannot be read" in gone.err) == (2, True)


def test_they_are_shown_as_historic_and_never_counted(winnow, runs, study_file):
    first = winnow("import", "toy", runs(GOOD), "--objective", "val_ap", "--metric", "val_loss")
    assert first.status == 0, first.err
    assert "2 runs of runs.csv are 'toy/historic'" in first.out
    winnow("search", study_file, "--trials", 2, "--confirm", 0, *LOCAL)
    again = winnow("import", "toy", runs(GOOD), "--objective", "val_ap", "--metric", "val_loss")
    assert "in place of 2" in again.out
    database = Database("sqlite:///winnow.db")
    report = search_report(database, "toy")
    assert read_series(database, "toy/historic").trials == ()
    database.close()
    assert len(report.trials) == 2
    for kind in ("table", "markdown", "html"):
        text = " ".join(render(report, kind).split())
        assert "2 runs of the past, from runs.csv: historic, not comparable" in text
        assert "0.777" not in text  # held-out: a search report shows none
    assert "&lt;b&gt;second" in render(report, "html")
    assert "<b>second" not in render(report, "html")


def test_programs_get_them_apart_from_trials(winnow, runs, study_file):
    winnow("import", "toy", runs(GOOD), "--objective", "val_ap", "--metric", "val_loss")
    winnow("search", study_file, "--trials", 2, "--confirm", 0, *LOCAL)
    found = json.loads(winnow("report", "toy", "--format", "json").out)
    assert len(found["trials"]) == found["n_trials"] == 2
    past = found["historic"]
    assert (past["label"], past["file"]) == ("historic, not comparable", "runs.csv")
    assert past["runs"][1] == {
        "line": 3,
        "metrics": {"val_ap": 0.7},  # no held-out metric leaves a search
        "params": {"lr": 0.001, "focal": False, "note": "<b>second</b>"},
    }
    rows = list(csv.DictReader(io.StringIO(winnow("report", "toy", "--format", "csv").out)))
    assert [row["trial"] for row in rows] == ["0", "1", "", ""]
    assert {row["outcome"] for row in rows[2:]} == {"historic, not comparable"}
    assert [(row["val_ap"], row["lr"], row["arm"]) for row in rows[2:]] == [
        ("0.9", "0.01", ""),
        ("0.7", "0.001", ""),
    ]
    assert rows[2]["note"] == "first, of all"


def test_they_stand_below_a_priority_table_that_they_do_not_change(winnow, runs, study_file):
    command = ("run", study_file, "--looks", "3", "--tuning", "none", "--no-stack", *LOCAL)
    winnow(*command)
    before = json.loads(winnow("report", "toy", "--format", "json").out)
    assert before["historic"] is None
    winnow("import", "toy", runs(GOOD), "--objective", "val_ap")
    after = json.loads(winnow("report", "toy", "--format", "json").out)
    assert after["historic"]["runs"][0]["metrics"]["test_ap"] == 0.777
    assert {**after, "historic": None} == before
    for kind in ("table", "markdown", "html"):
        text = " ".join(winnow("report", "toy", "--format", kind).out.split())
        assert "2 runs of the past, from runs.csv: historic, not comparable" in text
        assert "<b>second" not in text or kind == "table"
    assert 'href="#historic"' in winnow("report", "toy", "--format", "html").out


def test_they_seed_a_search_whose_first_suggestions_are_nearer(winnow, runs, study_file):
    """The toy's best learning rate is 0.01, with focal loss."""
    rng = np.random.default_rng(0)
    lines = ["lr,focal,gamma,val_ap"]
    for _ in range(60):
        lr = 10 ** rng.uniform(-5, -1)
        lines.append(f"{lr},true,{rng.uniform(0, 5)},{1.1 - abs(math.log10(lr) + 2) / 4}")
    lines.append("0.5,true,1,2.0")  # lies outside the domain of lr, and would mislead
    assert winnow("import", "old", runs("\n".join(lines)), "--objective", "val_ap").status == 0
    distances = {}
    for name, options in {"warm": ("--warm-start", "old/historic"), "cold": ()}.items():
        storage = (
            ("--storage", "sqlite:///winnow.db") if options else ("--storage", "sqlite:///c.db")
        )
        answer = winnow(
            "search", study_file, "--trials", 8, "--confirm", 0, *LOCAL, *storage, *options
        )
        assert answer.status == 0, answer.err
        database = Database(storage[1])
        trials = read_series(database, "toy/search").trials[1:]
        database.close()
        distances[name] = statistics.mean(
            abs(math.log10(trial.asked.configuration["lr"]) + 2) for trial in trials
        )
        if options:
            assert "warm-started with 60 trials of old/historic" in answer.out
            assert "1 left out" in answer.out
    assert distances["warm"] < 0.6 * distances["cold"]

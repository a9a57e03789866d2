from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

LOCAL = ("--engine", "local")


def test_every_command_has_help_with_an_example(winnow, commands):
    for command in commands:
        answer = winnow(command, "--help")
        assert answer.status == 0
        assert f"Example: winnow {command}" in answer.out


def test_no_arguments_show_the_commands(winnow, commands):
    answer = winnow()
    assert all(command in answer.out + answer.err for command in commands)


def test_search_finds_the_best_and_writes_its_report(winnow, study_file):
    answer = winnow("search", study_file, "--trials", 8, *LOCAL)
    assert answer.status == 0, answer.err
    assert "Searching toy" in answer.out
    assert "Best configuration, ready to paste:\nConfig(" in answer.out
    assert "validation, selected" in answer.out
    assert Path("toy-search.html").read_text().lower().startswith("<!doctype html>")
    study = optuna.load_study(study_name="toy/search", storage="sqlite:///winnow.db")
    assert len(study.trials) == 8
    assert {trial.state.name for trial in study.trials} <= {"COMPLETE", "PRUNED"}


def test_the_same_search_again_runs_nothing(winnow, study_file):
    winnow("search", study_file, "--trials", 6, *LOCAL)
    before = winnow("report", "toy", "--format", "json").out
    assert winnow("search", study_file, "--trials", 6, *LOCAL).status == 0
    assert winnow("report", "toy", "--format", "json").out == before


def test_more_trials_extend_a_search(winnow, study_file):
    winnow("search", study_file, "--trials", 4, "--confirm", 0, *LOCAL)
    winnow("search", study_file, "--trials", 7, "--confirm", 0, *LOCAL)
    study = optuna.load_study(study_name="toy/search", storage="sqlite:///winnow.db")
    assert [trial.number for trial in study.trials] == list(range(7))


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (("--patience", 2), "Stopped by no better trial among the last 2."),
        (("--hours", 1e-9), "Stopped by the time limit of 1e-09 h."),
        (("--gpu-hours", 1e-9), "Stopped by the limit of 1e-09 GPU-hours."),
    ],
)
def test_a_search_says_which_limit_has_stopped_it(winnow, study_file, monkeypatch, limit, words):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")  # so that time on a GPU is counted
    answer = winnow("search", study_file, "--trials", 20, *limit, "--confirm", 0, *LOCAL)
    assert words in answer.out
    study = optuna.load_study(study_name="toy/search", storage="sqlite:///winnow.db")
    assert len(study.trials) < 20
    assert all(trial.state.is_finished() for trial in study.trials)


def test_run_prints_the_table_and_reports_json(winnow, study_file):
    answer = winnow("run", study_file, "--profile", "quick", *LOCAL)
    assert answer.status == 0, answer.err
    assert "Focal loss" in answer.out
    found = json.loads(winnow("report", study_file, "--format", "json").out)
    assert found["schema"] == 1
    assert [row["technique"] for row in found["rows"]] == ["Focal loss"]
    assert found["rows"][0]["verdict"] == "adopt"


def test_plan_runs_nothing(winnow, study_file):
    answer = winnow("plan", study_file, "--gpus", 4, "--hours", 1)
    assert answer.status == 0, answer.err
    assert "standard" in answer.out
    assert not Path("winnow.db").exists()


def test_a_study_file_is_a_script(study_file):
    command = [sys.executable, str(study_file), "search", "--trials", "3", "--confirm", "0"]
    done = subprocess.run([*command, *LOCAL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Best configuration" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("search", "FILE", "--trials", 0), "--trials must be at least 1, got 0"),
        (("search", "FILE", "--hours", -1), "--hours must be positive"),
        (("search", "FILE", "--engine", "rai"), "did you mean 'ray'"),
        (("search", "FILE", "--workers", 3, *LOCAL), "one trial at a time"),
        (("search", "FILE", "--data", "x.csv", *LOCAL), "has no loader"),
        (
            ("search", "FILE", "--artifacts", "s3://ada:geheim@bucket/a", *LOCAL),
            "--artifacts takes an address without keys and options, such as s3://bucket/a: keys",
        ),
        (("run", "FILE", "--artifacts", "memory://b/a", *LOCAL), "a folder, or s3://"),
        (("run", "FILE", "--artifacts", "file:///dev/null/a", *LOCAL), "nothing can be written"),
        (("search", "FILE", "--storage", "mysql://ada:geheim@host/x", *LOCAL), "got 'mysql'"),
        (("search", "FILE", "--storage", "sqlite://", *LOCAL), "needs a file"),
        (("search", "nothere.py"), "there is no study file nothere.py"),
        (("run", "FILE", "--profile", "quik"), "did you mean 'quick'"),
        (("run", "FILE", "--looks", "3,2"), "--looks must increase"),
        (("run", "FILE", "--tuning", "twice"), "--tuning has no 'twice'"),
        (("report", "toy"), "there is no study database"),
        (("search", "FILE", "--trails", 3), "--trials"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(winnow, study_file, arguments, words):
    answer = winnow(*(study_file if word == "FILE" else word for word in arguments))
    assert answer.status == 2
    assert words in answer.err
    assert "geheim" not in answer.out + answer.err
    assert "Traceback" not in answer.err
    assert not Path("winnow.db").exists()


def test_all_problems_of_a_study_are_told_at_once(winnow, study_file):
    text = study_file.read_text()
    text = text.replace('"focal": True', '"focl": True').replace("max_steps=9", "max_steps=0")
    study_file.write_text(text.replace('"val_ap", "max', '"test_ap", "max'))
    answer = winnow("search", study_file)
    assert answer.status == 2
    for words in ("did you mean 'focal'", "max_steps", "is held-out"):
        assert words in answer.err


def test_a_report_in_an_unknown_format_names_the_nearest(winnow, study_file):
    winnow("search", study_file, "--trials", 2, "--confirm", 0, *LOCAL)
    answer = winnow("report", "toy", "--format", "htm")
    assert (answer.status, "did you mean 'html'" in answer.err) == (2, True)


def test_a_study_whose_every_trial_fails_says_why(winnow, study_file):
    study_file.write_text(study_file.read_text().replace("limit = ", "limit = 1 / 0 + "))
    answer = winnow("search", study_file, "--trials", 2, *LOCAL)
    assert answer.status == 1
    assert "ZeroDivisionError" in answer.out + answer.err

"""A study file from nothing, and what the commands make of it."""

import json
from pathlib import Path

import pytest

LOCAL = ("--engine", "local")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_init_writes_passes_its_check_and_is_measured(winnow, here):
    answer = winnow("init")
    assert answer.status == 0, answer.err
    assert "winnow check my_study.py" in answer.out
    checked = winnow("check", "my_study.py")
    assert checked.status == 0, checked.out
    assert "failed" not in checked.out
    measured = winnow("run", "my_study.py", "--profile", "scout", *LOCAL)
    assert measured.status == 0, measured.err
    found = json.loads(winnow("report", "my-study", "--format", "json").out)
    assert [row["technique"] for row in found["rows"]] == ["Momentum", "Class weights"]
    assert (here / "my-study-report.html").is_file()


@pytest.mark.usefixtures("here")
def test_noise_suggests_a_gain_and_its_runs_are_used(winnow):
    winnow("init", "other.py")
    answer = winnow("noise", "other.py", "--seeds", 3, "--profile", "quick", *LOCAL)
    assert answer.status == 0, answer.err
    out = " ".join(answer.out.split())
    assert "suggested: smallest_gain=" in out
    assert "7 new runs are kept; winnow run with the same options uses them" in out
    assert "an amendment before any look" in out
    assert "the same seed twice gave the same numbers" in out


@pytest.mark.usefixtures("here")
def test_a_file_that_exists_is_left_as_it_is(winnow):
    Path("mine.py").write_text("precious")
    answer = winnow("init", "mine")
    assert (answer.status, "exists already" in answer.err) == (2, True)
    assert Path("mine.py").read_text() == "precious"


def test_a_name_that_is_none_is_refused(winnow, here):
    answer = winnow("init", "___.py")
    assert (answer.status, "a study's name" in answer.err) == (2, True)
    assert list(here.iterdir()) == []

"""The log of a study: every line says which study, trial and host, and none a password."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path

import pytest

from search.storage import journal
from search.storage.journal import FILE, study_log
from search.storage.records import Attempt, Result
from search.storage.url import parse_storage

URL = parse_storage("postgresql+psycopg://ada:se%2Fcret@db/winnow")
HERE = socket.gethostname()


def _attempt(end="complete", **other):
    given = {"host": "node-7", "pid": 1, "start_step": 3, "started": 100.0, "gpus": 0.0}
    return Attempt(0, "token", **given, ended=112.5, end=end, **other)


def _lines(folder, name=FILE):
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "artifacts" / "toy"


def test_every_line_has_study_trial_and_host(folder):
    with study_log(folder, "toy", URL):
        journal.begun("toy/search", 4, _attempt(None))
        journal.ended("toy/search", 4, _attempt(), Result("complete", (0.25,), 9))
        logging.getLogger("search.engine.tune").warning("no node has %d GPUs", 8)
    begun, attempt, trial, warning = _lines(folder)
    keys = {"time", "level", "study", "trial", "host", "message"}
    assert all(set(line) == keys for line in (begun, attempt, trial, warning))
    assert begun["message"] == "attempt 0 begins after step 3"
    assert attempt["message"] == "attempt 0 ended: complete after 12.5 s"
    assert trial["message"] == "trial ended: complete, at step 9, 0.25"
    for line in (begun, attempt, trial):
        assert (line["study"], line["trial"]) == ("toy/search", 4)
    assert begun["host"] == attempt["host"] == "node-7"
    assert (warning["study"], warning["trial"], warning["host"]) == ("toy", None, HERE)
    assert (warning["level"], warning["message"]) == ("warning", "no node has 8 GPUs")


def test_a_failure_says_its_last_line_and_what_the_run_said_last(folder):
    lost = _attempt("raised", error="Traceback\n  File\nValueError: bad", log="x" * 900 + "end\n")
    with study_log(folder, "toy", URL):
        journal.ended("toy/search", 1, lost, Result("failed", (), None, "ValueError: bad"))
    attempt, trial = _lines(folder)
    assert attempt["level"] == trial["level"] == "warning"
    assert attempt["message"] == "attempt 0 ended: raised after 12.5 s: ValueError: bad"
    assert attempt["tail"].endswith("xend\n")
    assert len(attempt["tail"]) == journal.TAIL
    assert trial["message"] == "trial ended: failed, ValueError: bad"


def test_passwords_are_hidden_in_messages_tracebacks_and_tails(folder):
    log = logging.getLogger("search.storage.retry")
    with study_log(folder, "toy", URL):
        log.warning("lost %s", "postgresql://ada:se%2Fcret@db/winnow")
        log.warning("password was se/cret")
        try:
            int("redis://bob:hunter2@cache:6379")
        except ValueError:
            log.exception("broken")
        journal.ended("toy/search", 1, _attempt("lost", log="token se/cret"), None)
    text = (folder / FILE).read_text()
    for secret in ("se/cret", "se%2Fcret", "hunter2"):
        assert secret not in text
    assert "redis://bob:***@cache" in text


def test_the_file_is_bounded_and_a_rerun_appends(folder, monkeypatch):
    monkeypatch.setattr(journal, "LONGEST", 4000)
    for _ in range(2):
        with study_log(folder, "toy", URL):
            for number in range(40):
                journal.begun("toy/search", number, _attempt(None))
    assert sorted(path.name for path in folder.iterdir()) == [FILE, f"{FILE}.1"]
    assert all(path.stat().st_size <= 4000 for path in folder.iterdir())
    assert _lines(folder)[-1]["trial"] == 39


def test_two_studies_of_one_process_do_not_mix(folder, tmp_path):
    with study_log(folder, "toy", URL), study_log(tmp_path / "other", "other", URL):
        journal.begun("toy/search", 1, _attempt(None))
        journal.begun("other/search", 2, _attempt(None))
    assert [line["trial"] for line in _lines(folder)] == [1]
    assert [line["trial"] for line in _lines(tmp_path / "other")] == [2]


def test_nothing_is_said_outside_of_the_file(folder, capfd):
    with study_log(folder, "toy", URL):
        journal.ended("toy/search", 1, _attempt("raised"), None)
    journal.ended("toy/search", 1, _attempt("raised"), None)
    assert capfd.readouterr() == ("", "")
    assert len(_lines(folder)) == 1


def test_a_folder_that_cannot_be_made_costs_the_log_alone(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with study_log(tmp_path / "file" / "toy", "toy", URL):
        journal.begun("toy/search", 1, _attempt(None))
    assert "no log is kept" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_cuts_the_log_short_and_says_so_once(folder, caplog, capsys):
    folder.mkdir(parents=True)
    (folder / FILE).symlink_to("/dev/full")
    with study_log(folder, "toy", URL):
        journal.begun("toy/search", 4, _attempt(None))
        journal.ended("toy/search", 4, _attempt(), Result("complete", (0.25,), 9))
    (said,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert f"{FILE} is not complete: [Errno 28]" in said
    assert capsys.readouterr().err == ""

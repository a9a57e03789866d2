"""A webhook that is told of a study, by a real server on this machine."""

from __future__ import annotations

import logging
import socket
import threading
import time
from pathlib import Path

import pytest

from search.cli import app as application
from search.errors import OptionError
from search.mirrors.outbox import Outbox, UndeliveredError
from search.mirrors.webhook import Webhook, parse_webhook, shown_webhook
from tests.search.mirrors.receiver import receiving

LOCAL = ("--engine", "local")
RUN = ("--looks", "3,5", "--tuning", "none", "--no-stack", *LOCAL)


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_run_tells_of_every_look_and_of_the_end(winnow, study_file, receiver, caplog):
    answer = winnow("run", study_file, *RUN, "--notify", receiver.url)
    assert answer.status == 0, answer.err
    events = [letter["event"] for letter in receiver.letters]
    assert events[-1] == "done"
    assert set(events[:-1]) == {"look"}
    seen = [letter["n_seeds"] for letter in receiver.letters[:-1]]
    assert seen == sorted(set(seen))
    assert seen[0] == 3
    (row,) = receiver.letters[-2]["techniques"]
    assert (row["technique"], row["verdict"]) == ("Focal loss", "adopt")
    assert row["effect"] == pytest.approx(0.1, abs=0.02)
    assert {letter["study"] for letter in receiver.letters} == {"toy"}
    assert set(receiver.paths) == {"/hooks/T0/geheim?token=geheim"}
    assert "geheim" not in answer.out + answer.err + caplog.text
    assert b"geheim" not in everything_written(Path())


def test_a_finished_study_tells_no_look_again(winnow, study_file, receiver):
    winnow("run", study_file, *RUN)
    winnow("run", study_file, *RUN, "--notify", receiver.url)
    assert [letter["event"] for letter in receiver.letters] == ["done"]


def test_an_arm_whose_first_runs_all_raise_is_told_once(winnow, study_file, receiver):
    text = study_file.read_text()
    broken = (
        "    if config.focal:\n        raise ValueError(f'seed {seed} is broken')\n    limit = 1"
    )
    study_file.write_text(text.replace("    limit = 1", broken, 1))
    winnow("run", study_file, *RUN, "--notify", receiver.url)
    dead = [letter for letter in receiver.letters if letter["event"] == "arm-dead"]
    assert [letter["arm"] for letter in dead] == ["Focal loss"]
    assert "is broken" in dead[0]["why"]


def test_a_search_tells_its_end_and_its_best(winnow, study_file, receiver):
    winnow("search", study_file, "--trials", 3, "--confirm", 0, *LOCAL, "--notify", receiver.url)
    (letter,) = receiver.letters
    assert letter["event"] == "done"
    assert set(letter["best"]) == {"trial", "value"}


def test_a_search_that_a_limit_ends_is_stopped(winnow, study_file, receiver, monkeypatch):
    monkeypatch.setenv("WINNOW_NOTIFY", receiver.url)
    limit = ("--patience", 2, "--trials", 20, "--confirm", 0)
    winnow("search", study_file, *limit, *LOCAL)
    (letter,) = receiver.letters
    assert letter["event"] == "stopped"
    assert letter["by"] == "no better trial among the last 2"


def test_an_interrupted_run_says_so(winnow, study_file, receiver, monkeypatch):
    text = study_file.read_text()
    study_file.write_text(
        text.replace("    limit = 1", "    raise KeyboardInterrupt\n    limit = 1", 1)
    )
    command = ("run", str(study_file), *RUN, f"--notify={receiver.url}")
    monkeypatch.setattr(application.sys, "argv", ["winnow", *command])
    answer = winnow(*command)
    assert answer.status == 3
    assert [letter["event"] for letter in receiver.letters] == ["stopped"]
    assert "--notify=***" in answer.err.replace("\n", "")
    assert "geheim" not in answer.out + answer.err


@pytest.mark.parametrize("trouble", ["gone", "angry", "elsewhere"])
def test_an_outage_stops_nothing_and_is_said_once(winnow, study_file, receiver, caplog, trouble):
    url = receiver.url
    if trouble == "gone":
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/geheim"
    receiver.status = {"angry": 500, "elsewhere": 307}.get(trouble, 200)
    receiver.headers = {"Location": "/elsewhere"}
    with caplog.at_level(logging.WARNING):
        answer = winnow("run", study_file, *RUN, "--notify", url)
    assert answer.status == 0, answer.err
    said = [r.getMessage() for r in caplog.records if "is not told" in r.getMessage()]
    assert len(said) == 1
    assert "http://127.0.0.1" in said[0]
    assert "geheim" not in answer.out + answer.err + caplog.text
    assert "/elsewhere" not in receiver.paths


def test_a_slow_receiver_holds_nobody_up(receiver, caplog):
    receiver.gate.clear()
    outbox = Outbox("slow", Webhook(receiver.url, timeout_s=30.0), longest=5)
    began = time.monotonic()
    for place in range(100):
        outbox.put({"place": place})
    outbox.close(patience_s=0.2)
    assert time.monotonic() - began < 10
    assert len(receiver.letters) <= 1
    assert outbox.dropped >= 94
    assert sum("is not told" in r.getMessage() for r in caplog.records) == 1


def test_what_was_put_before_the_end_arrives(receiver):
    outbox = Outbox("well", Webhook(receiver.url))
    for place in range(20):
        outbox.put({"place": place})
    outbox.close()
    assert [letter["place"] for letter in receiver.letters] == list(range(20))
    assert outbox.dropped == 0
    assert not any(t.name == "outbox: well" for t in threading.enumerate())


def test_a_letter_that_does_not_arrive_says_why_without_the_address(receiver):
    receiver.status = 404
    with pytest.raises(UndeliveredError, match=r"^it answered 404$"):
        Webhook(receiver.url)({})


@pytest.mark.parametrize(
    "text",
    [
        "ftp://host/geheim",
        "file:///etc/geheim",
        "geheim",
        "",
        "http://",
        "https:///geheim",
        "http://host:geheim/",
        "http://[geheim",
        "http://ada:geheim@host/",
        "http://host/geheim x",
        "http://host/geheim\r\nX: y",
        "javascript:geheim",
    ],
)
def test_other_addresses_are_refused_unrepeated(winnow, study_file, text):
    with pytest.raises(OptionError) as found:
        parse_webhook(text)
    assert "geheim" not in str(found.value)
    answer = winnow("search", study_file, "--notify", text, *LOCAL)
    assert answer.status == 2
    assert "geheim" not in answer.out + answer.err
    assert not Path("winnow.db").exists()


def test_only_the_host_of_an_address_is_shown():
    assert shown_webhook("HTTPS://Hooks.example.org/a/b") == "https://hooks.example.org/***"

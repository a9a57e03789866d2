"""What ``winnow doctor`` finds, on a machine that is well and on one that is not."""

import socket

import pytest

from search.protocol.doctoring import PORTS


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def line(answer, what):
    (found,) = [text for text in answer.out.splitlines() if text[8:].startswith(what)]
    return found


def test_a_machine_that_runs_these_tests_is_well(winnow, here):
    answer = winnow("doctor", "--no-ray")
    assert answer.status == 0, answer.out
    assert line(answer, "Python").startswith("good")
    assert "within the ranges of pyproject.toml" in line(answer, "packages")
    assert "winnow.db does not exist yet, and can be made" in line(answer, "database")
    assert "GiB free" in line(answer, "artifacts")
    assert list(here.iterdir()) == []


def test_a_database_that_is_none_is_told_with_what_to_do(winnow, here):
    (here / "notes.db").write_text("not a database, but longer than a header " * 9)
    answer = winnow("doctor", "--no-ray", "--storage", "sqlite:///notes.db")
    assert answer.status == 1
    assert line(answer, "database").startswith("bad")
    answer = winnow("doctor", "--no-ray", "--storage", "sqlite:///nowhere/deep/study.db")
    assert "cannot be made" in line(answer, "database")


@pytest.mark.usefixtures("here")
def test_a_server_that_does_not_answer_is_told_without_the_password(winnow):
    url = "postgresql+psycopg://ada:geheim@127.0.0.1:1/none"
    answer = winnow("doctor", "--no-ray", "--storage", url)
    assert answer.status == 1
    assert line(answer, "database").startswith("bad")
    assert "geheim" not in answer.out + answer.err


@pytest.mark.usefixtures("here")
def test_a_port_in_use_is_a_notice(winnow):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        number = busy.getsockname()[1]
        PORTS[number] = "the test"
        try:
            answer = winnow("doctor", "--no-ray")
        finally:
            del PORTS[number]
    assert line(answer, f"port {number}").startswith("notice")


@pytest.mark.usefixtures("here")
def test_a_cluster_that_does_not_answer_is_told_with_what_to_do(winnow):
    answer = winnow("doctor", "--no-ray", "--address", "http://127.0.0.1:1")
    assert answer.status == 1
    assert "no Ray cluster answers at http://127.0.0.1:1" in line(answer, "cluster")


def test_a_token_that_others_may_read_is_a_notice(winnow, here, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(here / "token"))
    assert "none here" in line(winnow("doctor", "--no-ray"), "token")
    (here / "token").write_text("token")
    (here / "token").chmod(0o644)
    answer = winnow("doctor", "--no-ray")
    assert answer.status == 0
    assert line(answer, "token").startswith("notice")
    assert f"chmod 600 {here / 'token'}" in line(answer, "token")
    (here / "token").chmod(0o600)
    assert "its owner's alone" in line(winnow("doctor", "--no-ray"), "token")


def test_a_store_is_written_to(winnow, here):
    answer = winnow("doctor", "--no-ray", "--artifacts", f"file://{here}/artifacts")
    assert "can be written" in line(answer, "artifacts")
    answer = winnow("doctor", "--no-ray", "--artifacts", "file:///dev/null/artifacts")
    assert answer.status == 1
    assert "nothing can be written there" in line(answer, "artifacts")

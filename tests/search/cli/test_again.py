"""The command that goes on: as it was given, without what is secret."""

import sys

import pytest

from search.cli.again import again


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["/usr/bin/winnow", "run", "a study.py"], "winnow run 'a study.py'"),
        (["/home/ada/toy.py", "search"], "python /home/ada/toy.py search"),
        (
            ["winnow", "run", "--storage", "postgresql+psycopg://ada:geheim@db/x"],
            "winnow run --storage 'postgresql+psycopg://ada:***@db/x'",
        ),
        (["winnow", "run", "--notify", "https://hook/geheim"], "winnow run --notify '***'"),
        (["winnow", "run", "--notify=https://hook/geheim"], "winnow run '--notify=***'"),
    ],
)
def test_the_same_command_goes_on(monkeypatch, given, shown):
    monkeypatch.delenv("WINNOW_AGAIN", raising=False)
    monkeypatch.setattr(sys, "argv", given)
    assert again() == shown


def test_a_job_goes_on_where_it_was_submitted(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["-m", "run", "study.py"])
    monkeypatch.setenv("WINNOW_AGAIN", "winnow submit study.py --address http://127.0.0.1:8265")
    assert again() == "winnow submit study.py --address http://127.0.0.1:8265"

"""The fault table says what was found, and nothing that was not."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from tests.benchmarks.faults import FAULTS, as_json, fault_table, markdown, show_faults
from tests.faults.fault import Line

CLEAN = Line("kill -9", 12, 12, 0, 0, 0, 3, 35.6, "a note")


def test_a_line_is_clean_when_every_trial_is_as_wanted():
    assert CLEAN.clean
    wrong = [{"finished": 11}, {"lost": 1}, {"duplicated": 1}, {"zombies": 1}, {"problem": "x"}]
    assert not any(replace(CLEAN, **change).clean for change in wrong)


def test_every_fault_has_a_line_of_its_own():
    titles = [kind.title for kind in FAULTS]
    assert all(titles)
    assert len(set(titles)) == len(titles) >= 13


def test_the_table_is_shown_and_kept():
    lines = [CLEAN, replace(CLEAN, fault="worse", lost=2, finished=10, problem="two are missing")]
    console = Console(file=io.StringIO(), width=120)
    show_faults(lines, console, "made here")
    shown = console.file.getvalue()
    for words in ("kill -9: a note", "worse: two are missing", "repeated steps", "made here"):
        assert words in shown
    head, rule, first, second = markdown(lines).splitlines()
    assert first == "| kill -9 | 12 | 12 | 0 | 0 | 0 | 3 | 36 |"
    assert second == "| worse | 12 | 10 | 2 | 0 | 0 | 3 | 36 |"
    assert head.count("|") == rule.count("|") == first.count("|")
    assert as_json(lines)[1]["lost"] == 2


def test_a_fault_that_cannot_be_done_is_said_and_never_clean(monkeypatch):
    class Impossible(FAULTS[0]):
        title = "impossible"

        def prepare(self, stack):  # noqa: ARG002 - a fault's signature
            raise OSError("no such machine")

    monkeypatch.setattr("tests.benchmarks.faults.FAULTS", (Impossible,))
    told = []
    (line,) = fault_table("imposs", told.append)
    assert not line.clean
    assert line.problem == "no such machine"
    assert told[-1] == "impossible: no such machine"
    assert fault_table("another", told.append) == []


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_says_what_it_is(kind):
    assert kind.__doc__
    assert kind.trials > kind.workers

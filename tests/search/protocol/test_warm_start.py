"""Warm start: resumable, never counted, refused where it cannot help.

That its first suggestions are nearer is tested with `winnow import`, from a planted optimum.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from search import Float, NoPruning, Objective, OptionError
from search.engine.stream import Limits
from search.loading import LoadedStudy
from search.protocol.searching import run_search
from search.protocol.warm_start import misfits
from search.reports import render, search_report
from search.storage.database import Database
from search.storage.reader import read_series
from tests.search.protocol.conftest import Killed, killed_after
from tests.search.protocol.toys import Config, study, technique

BOTH = {"lr": Float(0.0, 1.0), "knob": Float(0.0, 1.0)}


@pytest.fixture
def search(laboratory):
    """Search a study; return the parameter values in the order of the trials."""

    def call(question, *, trials, seed=0, folder=None, listener=None, **given):
        options = replace(laboratory.options, seed=seed)
        if folder is not None:
            folder.mkdir(exist_ok=True)
            options = replace(options, storage=f"sqlite:///{folder / 'study.db'}")
        run_search(
            LoadedStudy(question, sys.modules[__name__], laboratory.folder / "toy.py", {}),
            options,
            trials=trials,
            limits=Limits(),
            confirm=0,
            listener=listener,
            **given,
        )
        database = Database(options.storage)
        try:
            series = read_series(database, f"{question.name}/search")
            return [trial.asked.changes for trial in series.trials], search_report(
                database, question.name
            )
        finally:
            database.close()

    return call


def named(name, **changes):
    return study(name=name, domains=BOTH, pruner=NoPruning(), **changes)


def test_the_report_says_it_and_counts_the_search_s_own_trials_alone(search):
    search(named("before"), trials=5)
    _, report = search(named("after"), trials=3, warm_start="before")
    assert len(report.trials) == 3
    for kind in ("table", "markdown", "html"):
        text = " ".join(render(report, kind).split())
        assert "warm-started with 5 trials of before/search" in text


def test_a_resumed_search_is_the_uninterrupted_one(search, tmp_path):
    other = f"sqlite:///{tmp_path / 'other' / 'study.db'}"
    search(named("before"), trials=14, folder=tmp_path / "other")
    given = {"warm_start": f"before@{other}"}
    whole, _ = search(named("whole"), trials=8, **given)
    with pytest.raises(Killed):
        search(named("parts"), trials=8, listener=killed_after(9), **given)
    # the trials are fixed: what becomes of the other study changes nothing
    (tmp_path / "other" / "study.db").unlink()
    parts, report = search(named("parts"), trials=8)
    assert parts == whole
    assert report.specification["warm_start"]["storage"].endswith("study.db")


def test_trials_that_do_not_fit_are_left_out_and_counted(search):
    found, _ = search(named("before", sampler="random"), trials=12)
    narrow = {**BOTH, "lr": Float(0.5, 1.0)}
    inside = sum(changes.get("lr", 0) >= 0.5 for changes in found)
    question = study(name="after", domains=narrow, config=Config(lr=0.5))
    _, report = search(question, trials=1, warm_start="before")
    entry = report.specification["warm_start"]
    assert 0 < len(entry["trials"]) == inside
    assert entry["left_out"] == 12 - inside
    assert "lies outside [0.5, 1]" in entry["why"][0]
    assert f"{12 - inside} left out" in " ".join(render(report, "markdown").split())


@pytest.mark.parametrize(
    ("question", "source", "words"),
    [
        (named("after", sampler="cmaes"), "before", "a sampler that learns"),
        (
            named("after", objective=Objective("val_loss", "minimize")),
            "before",
            "its objective is maximize val_score, and that of study 'after' is minimize val_loss",
        ),
        (study(name="after", domains={"lr": BOTH["lr"]}), "before", "no parameter 'knob'"),
        (
            study(technique("A", 1.0), name="after", domains=BOTH),
            "before",
            "it has no value of 'a'",
        ),
        (named("after"), "after", "cannot start from itself"),
        (named("after"), "before@sqlite:///nowhere.db", "there is no study database"),
    ],
)
def test_what_cannot_help_is_refused_before_anything_is_stored(
    search, laboratory, question, source, words
):
    search(named("before"), trials=3)
    with pytest.raises(OptionError, match=words):
        search(question, trials=3, warm_start=source)
    database = Database(laboratory.options.storage)
    assert [t.number for t in read_series(database, "before/search").trials] == [0, 1, 2]
    database.close()


def test_a_search_goes_on_only_as_it_has_begun(search):
    search(named("before"), trials=3)
    search(named("cold"), trials=2)
    search(named("warm"), trials=2, warm_start="before")
    with pytest.raises(OptionError, match="has begun without one"):
        search(named("cold"), trials=3, warm_start="before")
    with pytest.raises(OptionError, match="has begun from before/search"):
        search(named("warm"), trials=3, warm_start="cold")
    found, _ = search(named("warm"), trials=3, warm_start="before")
    assert len(found) == 3


def test_a_knob_of_a_technique_that_is_off_does_not_fit():
    from search.parameters import Parameters

    focal = technique("A", 1.0, domains={"knob": BOTH["knob"]})
    question = study(focal)
    parameters = Parameters.of(question.space, question.techniques)
    assert list(misfits(parameters, {"a": 1.0, "knob": 0.5})) == []
    (why,) = misfits(parameters, {"a": 0.0, "knob": 0.5})
    assert why == "'knob' is not searched beside these values"


def test_gaussian_processes_learn_from_it_too(search):
    search(named("before"), trials=12)
    warm, _ = search(named("warm", sampler="gp"), trials=3, warm_start="before")
    cold, _ = search(named("cold", sampler="gp"), trials=3)
    assert warm[0] == cold[0] == {}
    assert warm[1] != cold[1]

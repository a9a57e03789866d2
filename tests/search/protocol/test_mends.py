"""Rules that are easily broken: what is paused, what is accepted, what is the same elsewhere."""

import subprocess
import sys
from dataclasses import replace

import pytest

from search import Categorical, Float, When
from search.errors import StudyError
from search.protocol.registering import Design
from search.statistics import Verdict
from search.technique import Technique
from tests.search.protocol.toys import GOOD, USELESS, study, train_breaking, train_changed

ONE_LOOK = Design(looks=(5,), tuning="none", stack=False)


def test_a_change_of_code_is_accepted_once_and_for_all(laboratory):
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    changed = study(GOOD, USELESS, trainable=train_changed)
    with pytest.raises(StudyError, match="winnow rerun FILE --arm ARM"):
        laboratory.run(changed, ONE_LOOK)
    laboratory.run(changed, ONE_LOOK, rerun=["A"])
    n_runs = laboratory.runs()
    laboratory.run(changed, ONE_LOOK)  # without the flag: nothing has changed since
    assert laboratory.runs() == n_runs
    with pytest.raises(StudyError, match="winnow rerun FILE --arm ARM"):
        laboratory.run(study(GOOD, USELESS), ONE_LOOK)  # back again is a change too


def test_an_exception_whose_words_name_the_seed_is_a_bug_all_the_same(laboratory):
    broken = Technique("Broken", on={"knob": 2.0})
    laboratory.run(study(GOOD, broken, trainable=train_breaking, retries=0), ONE_LOOK)
    priority = laboratory.priority()
    assert set(priority.bugs) == {"Broken"}
    assert "breaks" in priority.bugs["Broken"]
    assert priority.table.row("Broken").verdict == Verdict.NOT_MEASURED
    assert priority.table.row("A").verdict == Verdict.ADOPT


def test_a_level_with_a_bug_pauses_its_technique(laboratory):
    levels = Technique("Levels", levels={"knob": (0.5, 2.0)})
    design = replace(ONE_LOOK, looks=(3, 5))
    laboratory.run(study(GOOD, levels, trainable=train_breaking, retries=0), design)
    assert laboratory.runs("Levels [knob=2.0]") == 3
    (line,) = [line for line in laboratory.report().lines if line.technique == "Levels"]
    assert "breaks" in line.bug


def test_conditions_of_several_values_are_the_same_text_in_every_process():
    code = (
        "from search import *; from search.protocol.entries import domain_words;"
        "print(domain_words(When({'kind': {'alpha', 'beta', 'gamma', 'delta'}}, Float(0, 1))))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(found) == 1
    assert "alpha" in found.pop()


def test_a_wider_condition_is_another_range(laboratory):
    narrow = {"lr": Float(0.0, 1.0), "knob": When({"a": {0.0, 1.0}}, Float(0.0, 1.0))}
    wide = {**narrow, "knob": When({"a": {0.0, 1.0, 2.0}}, Float(0.0, 1.0))}
    more = {"b": Categorical((0.0, 1.0))}
    for domains in (narrow, wide, {**wide, **more}):
        laboratory.run(study(Technique("D", on={"d": 1.0}), domains=domains), ONE_LOOK)
    assert [r.kind for r in laboratory.priority().registrations] == ["first", "new", "new"]

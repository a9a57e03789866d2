"""Changed code: refused until somebody says which arms it concerns, and what counts then."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from search.errors import OptionError, StudyError
from search.protocol.rerunning import Rerun
from search.statistics import Verdict
from tests.search.protocol.conftest import Laboratory
from tests.search.protocol.registrations import ONE_LOOK, kinds, reason
from tests.search.protocol.toys import (
    GOOD,
    USELESS,
    study,
    technique,
    train_changed,
    train_other_technique,
)


def test_changed_code_is_refused_until_somebody_says_which_arms_it_concerns(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD), ONE_LOOK)
    n_runs = len(trained)
    with pytest.raises(StudyError, match="winnow rerun FILE --arm ARM"):
        laboratory.run(study(GOOD, trainable=train_changed), ONE_LOOK)
    assert kinds(laboratory) == ["first"]
    assert len(trained) == n_runs


def test_an_arm_run_again_after_a_look_is_superseded_and_counted(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    n_runs = len(trained)
    laboratory.run(study(GOOD, USELESS, trainable=train_changed), ONE_LOOK, rerun=["A"])
    assert kinds(laboratory) == ["first", "rerun"]
    assert "A" in reason(laboratory)
    assert len(trained) - n_runs == 3
    assert all("a=1.0" in config for config, _ in trained[n_runs:])
    priority = laboratory.priority()
    assert priority.table.n_registered == 3
    assert len(priority.measured.superseded) == 3
    assert laboratory.report().n_superseded == 3


def test_an_arm_run_again_before_a_look_counts_once(laboratory: Laboratory) -> None:
    assert laboratory.interrupted(study(GOOD, USELESS), ONE_LOOK, events=15)
    laboratory.run(study(GOOD, USELESS, trainable=train_changed), ONE_LOOK, rerun=["A"])
    priority = laboratory.priority()
    assert priority.table.n_registered == 2
    codes = priority.specification["code"]
    assert codes["A"] != codes["B"] == codes["baseline"]
    assert {run.asked.code for (arm, _), run in priority.measured.runs.items() if arm == "A"} == {
        codes["A"]
    }


def test_the_baseline_run_again_takes_every_arm_with_it(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD), ONE_LOOK)
    n_runs = len(trained)
    laboratory.run(study(GOOD, trainable=train_changed), ONE_LOOK, rerun=["baseline"])
    priority = laboratory.priority()
    assert len(set(priority.specification["code"].values())) == 1
    assert len(trained) - n_runs == 7  # three pairs, and the determinism check
    assert priority.table.row("A").verdict == Verdict.ADOPT


def test_running_again_an_arm_that_there_is_not_is_refused(laboratory: Laboratory) -> None:
    with pytest.raises(OptionError, match="no such arm"):
        laboratory.run(study(GOOD), ONE_LOOK, rerun=["Z"])


def test_the_command_that_reran_an_arm_may_be_given_again(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD), ONE_LOOK)
    changed = study(GOOD, trainable=train_changed)
    laboratory.run(changed, ONE_LOOK, rerun=["A"])
    before, n_runs = laboratory.finished_table(), len(trained)
    laboratory.run(changed, ONE_LOOK, rerun=["A"])
    assert laboratory.finished_table() == before
    assert len(trained) == n_runs


def test_unchanged_code_is_run_again_too_once_per_reason(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    first = laboratory.priority()
    counts = []
    for because in ("a disk failed", "a disk  failed", "another disk failed"):
        before = len(trained)
        laboratory.run(study(GOOD, USELESS), ONE_LOOK, rerun=["A"], because=because)
        counts.append(len(trained) - before)
    assert counts == [3, 0, 3]
    assert reason(laboratory) == "A run again, because: another disk failed"
    again = laboratory.priority()
    assert len(again.measured.superseded) == 6
    assert again.table.n_registered == 4  # A has had three chances
    assert again.table.row("A").effect == first.table.row("A").effect
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    assert kinds(laboratory) == ["first", "rerun", "rerun"]


def test_a_rerun_that_was_interrupted_goes_on(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD), ONE_LOOK)
    n_runs = len(trained)
    options = {"rerun": ["A"], "because": "a disk failed"}
    assert laboratory.interrupted(study(GOOD), ONE_LOOK, events=5, **options)
    laboratory.run(study(GOOD), ONE_LOOK, **options)
    assert kinds(laboratory) == ["first", "rerun"]
    assert laboratory.runs("A") == 6
    assert len(trained) - n_runs <= 4  # a generator starts the interrupted one again


def test_a_second_try_with_the_same_code_counts_for_every_arm_of_a_baseline(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    n_runs = len(trained)
    laboratory.run(study(GOOD, USELESS), ONE_LOOK, rerun=["baseline"], because="overheated")
    assert len(trained) - n_runs == 10  # three arms on three seeds, and the determinism check
    assert laboratory.priority().table.n_registered == 4


def test_a_rerun_names_what_else_has_changed(laboratory: Laboratory) -> None:
    laboratory.run(study(GOOD), ONE_LOOK)
    changed = study(GOOD, USELESS, trainable=train_changed)
    laboratory.run(changed, ONE_LOOK, rerun=["A"], because="wrong sign")
    assert reason(laboratory) == (
        "A run again after a change of code, because: wrong sign; +1 technique (B); K 1 → 2"
    )


def test_a_study_that_was_never_measured_has_nothing_to_run_again(laboratory: Laboratory) -> None:
    with pytest.raises(OptionError, match="never measured"):
        laboratory.run(study(GOOD), ONE_LOOK, rerun=["A"])


@pytest.mark.parametrize(("arms", "because"), [((), "x"), (("A",), " \n ")])
def test_a_rerun_needs_an_arm_and_a_reason(arms: tuple[str, ...], because: str) -> None:
    with pytest.raises(OptionError, match=r"--arm says|--because takes"):
        Rerun(arms, because)


def test_a_stack_is_run_again_with_its_member(laboratory: Laboratory) -> None:
    stacked, both = replace(ONE_LOOK, stack=True), study(GOOD, technique("B", 1.5))
    laboratory.run(both, stacked)
    first = json.loads(laboratory.finished_table())["stack"]
    assert first["status"] == "measured"
    assert laboratory.runs(kind="stack") == 3
    changed = study(GOOD, technique("B", 1.5), trainable=train_changed)
    laboratory.run(changed, stacked, rerun=["A"], because="A was wrong")
    assert laboratory.runs(kind="stack") == 6
    again = json.loads(laboratory.finished_table())["stack"]
    assert (again["status"], again["n_seeds"]) == ("measured", 3)
    laboratory.run(changed, stacked)
    assert laboratory.runs(kind="stack") == 6


def test_a_mended_bug_is_measured(laboratory: Laboratory) -> None:
    bug = technique("Bug", on={"raises": True})
    laboratory.run(study(bug, GOOD), ONE_LOOK)
    assert laboratory.report().line("Bug").bug == "ValueError: the toy is broken"
    mended = study(bug, GOOD, trainable=train_other_technique)
    laboratory.run(mended, ONE_LOOK, rerun=["Bug"])
    row = laboratory.priority().table.row("Bug")
    assert row.verdict == Verdict.ADOPT
    assert row.effect == pytest.approx(1.0, abs=0.3)

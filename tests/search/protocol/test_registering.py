"""What is fixed before the first run, and what happens when it changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.errors import StudyError
from search.protocol.registering import Design, draw_seeds
from search.statistics import Verdict
from search.study import Objective
from tests.search.protocol.conftest import Laboratory
from tests.search.protocol.registrations import ONE_LOOK, TWO_LOOKS, kinds, reason, rows
from tests.search.protocol.toys import (
    GOOD,
    NUISANCE,
    USELESS,
    Config,
    read_number,
    study,
    technique,
    train_peaking,
    train_with,
)

# -- the first one ------------------------------------------------------------------------------


def test_it_is_stored_before_the_first_run_and_says_nothing(
    laboratory: Laboratory, trained: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert laboratory.interrupted(study(GOOD), ONE_LOOK, events=1)
    assert trained == []
    (record,) = laboratory.priority().registrations
    assert (record.kind, record.looks) == ("first", [])
    assert capsys.readouterr().out == ""


def test_it_fixes_what_a_verdict_depends_on(laboratory: Laboratory) -> None:
    laboratory.run(study(GOOD, USELESS), TWO_LOOKS)
    fixed = laboratory.priority().specification
    assert fixed["evaluation"] == {"metric": "test_score", "direction": "maximize"}
    assert fixed["objectives"] == [{"metric": "val_score", "direction": "maximize"}]
    assert (fixed["smallest_gain"], fixed["alpha"], fixed["looks"]) == (0.2, 0.05, [3, 5])
    assert (fixed["tuning"], fixed["tuning_trials"]) == ("none", 0)
    assert len(set(fixed["seeds"])) == 5
    assert [entry["name"] for entry in fixed["techniques"]] == ["A", "B"]
    assert set(fixed["code"]) == {"baseline", "A", "B"}


def test_the_same_question_again_keeps_its_hash_and_runs_nothing(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD), ONE_LOOK)
    before, n_runs = laboratory.finished_table(), len(trained)
    first = laboratory.priority().registration
    laboratory.run(study(GOOD), ONE_LOOK)
    assert laboratory.priority().registration == first
    assert laboratory.finished_table() == before
    assert len(trained) == n_runs


def test_equal_questions_have_equal_hashes_elsewhere(
    laboratories: Callable[[], Laboratory],
) -> None:
    found = []
    for _ in range(2):
        laboratory = laboratories()
        laboratory.interrupted(study(GOOD), ONE_LOOK, events=1)
        found.append(laboratory.priority().registration.hash)
    assert found[0] == found[1]


def test_a_longer_seed_list_begins_with_the_shorter() -> None:
    assert draw_seeds(7, "x", 20)[:5] == draw_seeds(7, "x", 5)
    assert not set(draw_seeds(7, "x", 40)) & set(draw_seeds(7, "y", 40))
    assert not set(draw_seeds(7, "x", 40)) & set(draw_seeds(8, "x", 40))


def test_a_study_without_techniques_is_refused_before_anything_runs(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    with pytest.raises(StudyError, match="no techniques"):
        laboratory.run(study(), ONE_LOOK)
    assert trained == []


def test_resplits_and_tuning_exclude_each_other(laboratory: Laboratory) -> None:
    with pytest.raises(StudyError, match="resplit"):
        laboratory.run(study(GOOD, replication="resplit"), Design(looks=(3,), tuning="once"))


# -- techniques come and go ---------------------------------------------------------------------


def test_one_more_technique_reuses_every_finished_run(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD), TWO_LOOKS)
    before = {row["technique"]: row for row in rows(laboratory)}["A"]
    n_runs = len(trained)
    laboratory.run(study(GOOD, USELESS), TWO_LOOKS)
    assert kinds(laboratory) == ["first", "amendment"]
    assert reason(laboratory) == "+1 technique (B); K 1 → 2"
    anew = trained[n_runs:]
    # the baseline has runs on the first three seeds: at most the fourth and fifth are new
    assert sum("b=1e-12" in config for config, _ in anew) == laboratory.runs("B")
    assert len(anew) == laboratory.runs("B") + max(0, laboratory.runs("B") - 3)
    assert len(set(trained[:n_runs]) & set(anew)) == 0
    after = {row["technique"]: row for row in rows(laboratory)}["A"]
    assert after["effect"] == before["effect"]
    assert after["q_value"] == before["q_value"]
    assert after["p_adjusted"] == pytest.approx(2 * before["p_adjusted"])
    assert json.loads(laboratory.finished_table())["registration"]["techniques_registered"] == 2


def test_a_technique_that_is_withdrawn_stays_in_k(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    q = laboratory.priority().table.row("A").p_adjusted
    before, n_runs = laboratory.priority().table.row("B"), len(trained)
    laboratory.run(study(GOOD), ONE_LOOK)
    priority = laboratory.priority()
    assert reason(laboratory) == "-1 technique (B)"
    assert priority.table.n_registered == 2
    assert priority.table.row("A").p_adjusted == q
    gone = priority.table.row("B")
    assert "withdrawn" in gone.flags
    assert (gone.verdict, gone.effect, gone.n_seeds) == (before.verdict, before.effect, 3)
    assert len(trained) == n_runs


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"smallest_gain": 0.3}, "other seeds"),
        ({"max_steps": 2}, "3 steps instead of 2 and other seeds"),
    ],
)
def test_a_withdrawn_technique_whose_runs_fit_no_more_is_not_comparable(
    laboratory: Laboratory, changes: Any, words: str
) -> None:
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    laboratory.run(study(GOOD, **changes), ONE_LOOK)
    row = laboratory.priority().table.row("B")
    assert row.verdict == Verdict.NOT_COMPARABLE
    assert row.note == f"its runs were made with {words}"
    assert laboratory.priority().table.row("A").verdict == Verdict.ADOPT


def test_a_withdrawn_technique_may_come_back(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    before = rows(laboratory)
    n_runs = len(trained)
    laboratory.run(study(GOOD), ONE_LOOK)
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    assert "again 1 technique (B)" in reason(laboratory)
    assert rows(laboratory) == before
    assert len(trained) == n_runs


def test_a_technique_withdrawn_before_its_last_look_gets_no_more_seeds(
    laboratory: Laboratory,
) -> None:
    laboratory.interrupted(study(GOOD, USELESS), TWO_LOOKS, events=40)
    assert 3 <= laboratory.runs("B") < 5
    n_runs = laboratory.runs("B")
    laboratory.run(study(GOOD), TWO_LOOKS)
    assert laboratory.runs("B") == n_runs
    assert laboratory.priority().table.status == "final"


def test_a_changed_setting_runs_that_technique_alone_anew(
    laboratory: Laboratory, trained: list[tuple[str, int]]
) -> None:
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    n_runs = len(trained)
    laboratory.run(study(technique("A", 2.0), USELESS), ONE_LOOK)
    anew = trained[n_runs:]
    assert kinds(laboratory) == ["first", "amendment"]
    assert "set anew: A" in reason(laboratory)
    assert len(anew) == 3
    assert all("a=2.0" in config for config, _ in anew)
    priority = laboratory.priority()
    assert priority.table.row("A").effect == pytest.approx(2.0, abs=0.3)
    # what was tried after a look counts as one more technique
    assert priority.table.n_registered == 3
    assert len(priority.measured.superseded) == 3


def test_runs_with_an_earlier_setting_are_no_runs_of_the_later_one(laboratory: Laboratory) -> None:
    laboratory.run(study(GOOD, USELESS), ONE_LOOK)
    laboratory.interrupted(study(technique("A", 2.0), USELESS), ONE_LOOK, events=1)
    row = laboratory.priority().table.row("A")
    assert (row.verdict, row.effect) == (None, None)


def test_other_words_about_a_technique_are_no_amendment(laboratory: Laboratory) -> None:
    laboratory.run(study(technique("A", 1.0, expected_note="2-5 %")), ONE_LOOK)
    laboratory.run(study(technique("A", 1.0, expected_note="3-5 %")), ONE_LOOK)
    assert kinds(laboratory) == ["first"]


# -- the yardstick ------------------------------------------------------------------------------

CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # name: (of the study, of the design and options)
    "delta": ({"smallest_gain": 0.3}, {}),
    "the technique's delta": ({"technique": technique("A", 1.0, smallest_gain=0.4)}, {}),
    "alpha": ({}, {"alpha": 0.01}),
    "looks": ({}, {"looks": (4,)}),
    "the evaluation": ({"evaluation": Objective("test_order", "maximize")}, {}),
    "the objective": ({"objective": Objective("val_loss", "maximize")}, {}),
    "data": ({}, {"data": "5.0"}),
    "the baseline": ({"config": Config(lr=0.3)}, {}),
    "the length": ({"max_steps": 2}, {}),
    "the scored step": ({"score_at": "best"}, {}),
    "the split": ({"split_seed": 1}, {}),
    "what a seed means": ({"replication": "resplit", "test_train_ratio": 0.2}, {}),
    "the first seed": ({}, {"seed": 1}),
    "tuning": ({}, {"tuning": "once", "trials": 2}),
}


class Asking:
    """The same study as it was, and with one thing changed."""

    def __init__(self, laboratory: Laboratory, change: str) -> None:
        self._laboratory = laboratory
        self._of_study, self._of_design = map(dict, CHANGES[change])
        evaluation = Objective("test_score", "maximize")
        self._plain = {"trainable": train_with, "data": read_number, "evaluation": evaluation}

    def before(self, events: int | None = None) -> None:
        self._ask(study(GOOD, **self._plain), ONE_LOOK, self._file("1.0"), 0, events)

    def after(self, events: int | None = None) -> None:
        of_study, of_design = dict(self._of_study), dict(self._of_design)
        one = of_study.pop("technique", GOOD)
        data, seed = self._file(of_design.pop("data", "1.0")), of_design.pop("seed", 0)
        asked = study(one, **{**self._plain, **of_study})
        self._ask(asked, replace(ONE_LOOK, **of_design), data, seed, events)

    def _file(self, text: str) -> Path:
        path = self._laboratory.folder / f"{text}.txt"
        path.write_text(text)
        return path

    def _ask(self, asked: Any, design: Design, data: Path, seed: int, events: int | None) -> None:
        if events is None:
            self._laboratory.run(asked, design, data=data, seed=seed)
        else:
            assert self._laboratory.interrupted(asked, design, events, data=data, seed=seed)


OFTEN = ("delta", "alpha", "looks", "the evaluation", "data", "the baseline")


@pytest.mark.parametrize(
    "change",
    [c if c in OFTEN else pytest.param(c, marks=pytest.mark.slow) for c in CHANGES],
)
def test_the_yardstick_changed_after_a_look_is_a_new_study_on_fresh_seeds(
    laboratory: Laboratory, change: str
) -> None:
    asking = Asking(laboratory, change)
    asking.before()
    old, n_runs = laboratory.priority(), laboratory.runs()
    asking.after()
    new = laboratory.priority()
    assert kinds(laboratory) == ["first", "new"]
    assert "changed after a look: fresh seeds, no run reused" in reason(laboratory)
    assert not set(old.seeds) & set(new.seeds)
    assert all(run.number >= n_runs for run in new.measured.runs.values())
    assert len(new.measured.runs) == 2 * new.specification["looks"][0]
    assert new.table.n_registered == 1


@pytest.mark.parametrize("change", ["delta", "data", "the baseline", "tuning"])
def test_the_yardstick_changed_before_a_look_is_an_amendment(
    laboratories: Callable[[], Laboratory], change: str
) -> None:
    """What is finished then is the table of a study that was asked so from the start."""
    amended, fresh = laboratories(), laboratories()
    asking = Asking(amended, change)
    asking.before(events=15)  # four of six runs
    assert amended.runs() >= 3
    asking.after()
    assert kinds(amended) == ["first", "amendment"]
    assert "changed before any look" in reason(amended)
    Asking(fresh, change).after()
    keys = ("verdict", "effect", "ci_low", "q_value", "n_seeds")
    assert [[row[k] for k in keys] for row in rows(amended)] == [
        [row[k] for k in keys] for row in rows(fresh)
    ]


@pytest.mark.parametrize("change", ["alpha", "looks"])
def test_amending_the_rules_before_a_look_repeats_no_run(
    laboratory: Laboratory, change: str
) -> None:
    asking = Asking(laboratory, change)
    asking.before(events=15)
    asking.after()
    looks = laboratory.priority().specification["looks"]
    assert laboratory.runs() == 2 * looks[0]
    assert not laboratory.priority().measured.superseded


@pytest.mark.parametrize("change", ["the length", "the scored step", "the split"])
def test_runs_that_were_made_otherwise_do_not_count(laboratory: Laboratory, change: str) -> None:
    """Even before a look: their scores mean something else."""
    asking = Asking(laboratory, change)
    asking.before(events=15)
    asking.after(events=1)
    assert kinds(laboratory) == ["first", "amendment"]
    assert not laboratory.priority().measured.runs


def test_runs_that_were_scored_at_another_step_do_not_count(laboratory: Laboratory) -> None:
    given = {"trainable": train_peaking, "evaluation": Objective("test_score", "maximize")}
    assert laboratory.interrupted(study(GOOD, **given), ONE_LOOK, events=15)
    laboratory.run(study(GOOD, **given, score_at="best"), ONE_LOOK)
    # it gains at the last step alone, and is scored at the second
    assert laboratory.priority().table.row("A").effect == 0.0


def test_an_objective_of_another_direction_is_refused_before_it_is_registered(
    laboratory: Laboratory,
) -> None:
    """Optuna's studies keep their direction: such a study needs another name."""
    laboratory.run(study(GOOD), ONE_LOOK)
    turned = study(
        GOOD,
        objective=Objective("val_loss", "minimize"),
        evaluation=Objective("test_score", "maximize"),
    )
    with pytest.raises(StudyError, match="another name"):
        laboratory.run(turned, ONE_LOOK)
    assert kinds(laboratory) == ["first"]


def test_other_ranges_of_the_tuning_after_a_look_are_another_yardstick(
    laboratory: Laboratory,
) -> None:
    design = Design(looks=(3,), tuning="once", trials=2, stack=False)
    laboratory.run(study(GOOD, domains=NUISANCE), design)
    wider = {"lr": type(NUISANCE["lr"])(0.0, 2.0)}
    laboratory.run(study(GOOD, domains=wider), design)
    assert kinds(laboratory) == ["first", "new"]

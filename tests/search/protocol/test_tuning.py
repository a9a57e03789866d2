"""Tuning: the same budget and the same points for every arm, on seeds that measure nothing."""

from __future__ import annotations

from typing import Any

import pytest

from search.protocol.registering import Design, Tuning
from search.space import Categorical, Float, Int
from tests.search.protocol.toys import (
    GOOD,
    NUISANCE,
    USELESS,
    Sized,
    study,
    technique,
    train_changed,
    train_sized,
)

TRIALS = 4
KNOB = technique("A", 1.0, domains={"knob": Float(0.0, 1.0)})


def design(tuning: Tuning = "once", **changes: Any) -> Design:
    return Design(looks=(3,), tuning=tuning, trials=TRIALS, stack=False, **changes)


def tunings(laboratory: Any) -> list[str]:
    return sorted(kind for kind in laboratory.kinds() if kind.startswith("tune/"))


def drawn(laboratory: Any, kind: str, path: str) -> list[Any]:
    """Return a field's value in every trial of a series, in order."""
    return [trial.asked.configuration[path] for trial in laboratory.series(kind).trials]


def settings(laboratory: Any, arm: str, path: str) -> set[Any]:
    """Return a field's values in the measured runs of an arm."""
    runs = laboratory.priority().measured.runs
    return {run.asked.configuration[path] for (column, _), run in runs.items() if column == arm}


def test_none_measures_the_stated_settings(laboratory):
    laboratory.run(study(KNOB, domains=NUISANCE), design("none"))
    assert tunings(laboratory) == []
    assert settings(laboratory, "A", "knob") == {0.0}
    assert laboratory.report().tuning.mode == "none"
    assert "not_retuned" in laboratory.report().line("A").flags


@pytest.fixture(scope="class")
def tuned(finished: Any) -> Any:
    """A study of two techniques that are tuned once."""
    finished.run(study(KNOB, USELESS, domains=NUISANCE), design())
    return finished


class TestOnce:
    def test_every_arm_has_the_same_budget_the_baseline_included(self, tuned):
        assert tunings(tuned) == ["tune/A/0", "tune/B/0", "tune/baseline/0"]
        assert {tuned.runs(kind=kind) for kind in tunings(tuned)} == {TRIALS}

    def test_tuning_and_measuring_seeds_are_disjoint(self, tuned):
        drawn_for = {t.asked.seed for k in tunings(tuned) for t in tuned.series(k).trials}
        measured = {trial.asked.seed for trial in tuned.series("replicate").trials}
        assert len(drawn_for) == 1
        assert not drawn_for & measured

    def test_what_arms_share_is_sampled_at_the_same_points(self, tuned):
        points = [drawn(tuned, kind, "lr") for kind in tunings(tuned)]
        assert points[0] == points[1] == points[2]
        assert len(set(points[0])) == TRIALS

    def test_the_first_trial_has_the_stated_settings(self, tuned):
        assert drawn(tuned, "tune/A/0", "lr")[0] == 0.0
        assert drawn(tuned, "tune/A/0", "knob")[0] == 0.0

    def test_only_an_arm_with_knobs_has_them_tuned(self, tuned):
        assert len(set(drawn(tuned, "tune/A/0", "knob"))) == TRIALS
        assert set(drawn(tuned, "tune/B/0", "knob")) == {0.0}

    def test_the_best_on_validation_is_measured(self, tuned):
        for arm in ("baseline", "A", "B"):
            best = tuned.series(f"tune/{arm}/0").best
            assert best is not None
            for path in ("lr", "knob"):
                assert settings(tuned, arm, path) == {best.asked.configuration[path]}

    def test_pruning_happens_there_and_nowhere_else(self, tuned):
        outcomes = {trial.outcome for trial in tuned.series("replicate").trials}
        assert outcomes == {"complete"}
        assert all(len(trial.steps) == 3 for trial in tuned.series("replicate").trials)

    def test_the_report_says_how(self, tuned):
        report = tuned.report()
        assert (report.tuning.mode, report.tuning.trials) == ("once", TRIALS)
        assert {arm.arm: arm.n_trials for arm in report.tuning.arms} == dict.fromkeys(
            ("baseline", "A", "B"), TRIALS
        )
        assert all(1 <= len(arm.expected_best) <= TRIALS for arm in report.tuning.arms)


def test_one_more_technique_is_tuned_alone(laboratory, trained):
    laboratory.run(study(KNOB, domains=NUISANCE), design())
    n_runs = len(trained)
    laboratory.run(study(KNOB, technique("C", -1.0), domains=NUISANCE), design())
    assert len(trained) - n_runs == TRIALS + 3
    assert all("c=-1.0" in config for config, _ in trained[n_runs:])


def test_per_seed_tunes_every_arm_for_every_seed(laboratory):
    laboratory.run(study(KNOB, domains=NUISANCE), design("per-seed"))
    expected = [f"tune/{arm}/{place}" for arm in ("A", "baseline") for place in range(3)]
    assert tunings(laboratory) == expected
    assert {laboratory.runs(kind=kind) for kind in expected} == {TRIALS}
    seeds = {k: {t.asked.seed for t in laboratory.series(k).trials} for k in expected}
    assert all(len(found) == 1 for found in seeds.values())
    assert len(set.union(*seeds.values())) == 3  # arms are tuned on the same seed, repeats are not
    assert not set.union(*seeds.values()) & set(laboratory.priority().seeds)
    for place in range(3):
        one, two = (drawn(laboratory, f"tune/{arm}/{place}", "lr") for arm in ("A", "baseline"))
        assert one == two
    assert drawn(laboratory, "tune/A/0", "lr") != drawn(laboratory, "tune/A/1", "lr")
    runs = laboratory.priority().measured.runs
    for place, seed in enumerate(laboratory.priority().seeds):
        best = laboratory.series(f"tune/A/{place}").best
        assert best is not None
        assert runs["A", seed].asked.configuration == best.asked.configuration


def test_a_chosen_value_on_the_border_of_its_range_is_flagged(laboratory):
    grow = technique("A", 1.0, domains={"size": Int(1, 3), "knob": Float(0.0, 1.0)})
    asked = study(grow, config=Sized(), trainable=train_sized)
    laboratory.run(asked, Design(looks=(3,), tuning="once", trials=8, stack=False))
    assert settings(laboratory, "A", "size") == {3}
    words = [f.words for f in laboratory.report().flags if (f.arm, f.kind) == ("A", "on_border")]
    assert any("the best size lies at the border of its range" in word for word in words)
    assert "on_border" in laboratory.report().line("A").flags


def test_domains_of_every_kind_stay_within_their_ranges(laboratory):
    asked = study(
        technique("A", 1.0, domains={"size": Int(2, 9, log=True), "raises": Categorical([False])}),
        config=Sized(lr=0.5, size=2),
        trainable=train_sized,
        domains={"lr": Float(0.1, 0.9, log=True), "d": Float(0.0, 1.0, step=0.25)},
    )
    laboratory.run(asked, Design(looks=(3,), tuning="once", trials=8, stack=False))
    kind = "tune/A/0"
    assert all(0.1 <= lr <= 0.9 for lr in drawn(laboratory, kind, "lr"))
    assert set(drawn(laboratory, kind, "d")) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert set(drawn(laboratory, kind, "size")) <= set(range(2, 10))


def test_a_technique_that_is_set_anew_is_tuned_anew(laboratory):
    laboratory.run(study(KNOB, domains=NUISANCE), design())
    changed = technique("A", 2.0, domains={"knob": Float(0.0, 1.0)})
    laboratory.run(study(changed, domains=NUISANCE), design())
    assert settings(laboratory, "A", "a") == {2.0}
    # the baseline, whose knob is not tuned, loses .36 by it
    assert laboratory.priority().table.row("A").effect == pytest.approx(2.36, abs=0.4)


def test_an_arm_that_is_run_again_is_tuned_again(laboratory):
    laboratory.run(study(GOOD, domains=NUISANCE), design())
    laboratory.run(study(GOOD, domains=NUISANCE, trainable=train_changed), design(), rerun=["A"])
    now = laboratory.priority().specification["code"]["A"]
    made = [
        trial.asked.code
        for kind in laboratory.kinds()
        if kind.startswith("tune/A/")
        for trial in laboratory.series(kind).trials
    ]
    assert made.count(now) == TRIALS


def test_a_knob_with_another_range_is_tuned_anew(laboratory):
    laboratory.run(study(KNOB, domains=NUISANCE), design())
    wider = technique("A", 1.0, domains={"knob": Float(0.0, 9.0)})
    laboratory.run(study(wider, domains=NUISANCE), design())
    assert "A" in laboratory.priority().registration.reason
    kinds = [kind for kind in tunings(laboratory) if kind.startswith("tune/A/")]
    assert max(knob for kind in kinds for knob in drawn(laboratory, kind, "knob")) > 1.0

"""Techniques that change predictions: fitted on validation, scored held-out, never trained."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from search import Predictions
from search.errors import StudyError
from search.protocol.combining import same_rows
from search.protocol.registering import Design
from search.statistics import Verdict
from search.study import Objective
from search.technique import Technique
from tests.search.protocol.toys import (
    Breaking,
    Calibrated,
    OneTestSet,
    Recalibrated,
    broken_fit,
    metrics,
    shift,
    study,
    technique,
)

LOOKS = Design(looks=(3, 5), tuning="none", stack=False)
SHIFT = Technique("Shift", stage="post-hoc", fit=shift)
MODEL = {"trainable": Calibrated, "metrics": metrics}
SQUARES, ORDER = Objective("test_score", "maximize"), Objective("test_order", "maximize")


def test_it_is_measured_without_training(laboratory, trained):
    laboratory.run(study(SHIFT, **MODEL), LOOKS)
    row = laboratory.priority().table.row("Shift")
    assert row.verdict == Verdict.ADOPT
    assert row.effect == pytest.approx(1.0, abs=0.2)
    assert {trial.asked.arm for trial in laboratory.series("replicate").trials} == {"baseline"}
    assert len(trained) == row.n_seeds + 1  # the baseline's, and the determinism check
    assert laboratory.runs("Shift", kind="post-hoc") == row.n_seeds
    assert laboratory.report().runs_used == row.n_seeds


def test_it_stands_beside_techniques_that_train(laboratory):
    laboratory.run(study(SHIFT, technique("A", 0.5), **MODEL), LOOKS)
    table = laboratory.priority().table
    assert table.n_registered == 2
    assert table.row("A").effect == pytest.approx(0.75, abs=0.1)  # 1 - (1 - 0.5)²
    assert table.row("Shift").effect == pytest.approx(1.0, abs=0.2)


def test_what_cannot_move_the_evaluation_is_tested_on_its_own_metric(laboratory):
    own = Technique("Shift", stage="post-hoc", fit=shift, secondary="test_score")
    laboratory.run(study(own, **MODEL, evaluation=ORDER, secondary=[SQUARES]), LOOKS)
    line = laboratory.report().line("Shift")
    assert line.verdict == Verdict.NO_EFFECT
    assert (line.row.effect, line.row.rank) == (0.0, None)
    assert line.own is not None
    assert line.own.row is not None
    assert line.own.row.verdict == Verdict.ADOPT
    assert line.own.row.effect == pytest.approx(1.0, abs=0.2)


def test_one_that_raises_is_paused_as_a_bug(laboratory):
    broken = Technique("Broken", stage="post-hoc", fit=broken_fit)
    laboratory.run(study(broken, SHIFT, **MODEL), LOOKS)
    report = laboratory.report()
    assert report.line("Broken").bug == "ValueError: no fit on 40 rows"
    assert report.line("Broken").verdict == Verdict.NOT_MEASURED
    assert report.line("Shift").verdict == Verdict.ADOPT
    failed = [t for t in laboratory.series("post-hoc").trials if t.asked.arm == "Broken"]
    for trial in failed:
        (attempt,) = trial.attempts
        assert attempt.end == "raised"
        assert "in broken_fit" in attempt.error  # the whole traceback is kept


def test_what_is_measured_is_not_measured_again(laboratory):
    laboratory.run(study(SHIFT, **MODEL), LOOKS)
    before = laboratory.runs("Shift", kind="post-hoc")
    laboratory.run(study(SHIFT, **MODEL), LOOKS)
    assert laboratory.runs("Shift", kind="post-hoc") == before


def test_added_later_it_uses_the_runs_that_exist(laboratory, trained):
    laboratory.run(study(technique("A", 0.5), **MODEL), LOOKS)
    n_runs = len(trained)
    laboratory.run(study(technique("A", 0.5), SHIFT, **MODEL), LOOKS)
    assert laboratory.priority().registration.kind == "amendment"
    assert laboratory.priority().table.row("Shift").verdict == Verdict.ADOPT
    assert len(trained) - n_runs <= 2  # the baseline's fourth and fifth run at most


def test_it_resumes_to_the_same_table(laboratories):
    unbroken, broken = laboratories(), laboratories()
    asked = study(SHIFT, technique("A", 0.5), **MODEL)
    unbroken.run(asked, LOOKS)
    drivers = 1
    while broken.interrupted(asked, LOOKS, events=5):
        drivers += 1
        assert drivers < 60
    assert drivers > 2
    assert broken.finished_table() == unbroken.finished_table()


def test_its_own_code_counts(laboratory, trained):
    broken = Technique("Shift", stage="post-hoc", fit=broken_fit)
    laboratory.run(study(broken, **MODEL), LOOKS)
    n_runs = len(trained)
    with pytest.raises(StudyError, match="the code of 'Shift' has changed"):
        laboratory.run(study(SHIFT, **MODEL), LOOKS)
    laboratory.run(study(SHIFT, **MODEL), LOOKS, rerun=["Shift"])
    assert laboratory.priority().table.row("Shift").verdict == Verdict.ADOPT
    # the runs that exist are used again; those of the looks that were never taken come on top
    assert {config for config, _ in trained[n_runs:]} <= {config for config, _ in trained[:n_runs]}


def test_it_is_measured_anew_on_what_the_baseline_run_again_predicts(laboratory):
    asked = study(SHIFT, **MODEL)
    laboratory.run(asked, LOOKS)
    n_measured = laboratory.runs("Shift", kind="post-hoc")
    other = study(SHIFT, **{**MODEL, "trainable": Recalibrated})
    laboratory.run(other, LOOKS, rerun=["baseline"])
    assert laboratory.runs("Shift", kind="post-hoc") == 2 * n_measured
    assert laboratory.priority().table.row("Shift").verdict == Verdict.ADOPT


def test_where_the_baseline_breaks_down_there_is_nothing_to_transform(laboratory):
    broken = {**MODEL, "trainable": Breaking}
    laboratory.run(study(SHIFT, **broken), Design(looks=(12,), tuning="none", stack=False))
    results = {trial.asked.seed: trial.result for trial in laboratory.series("post-hoc").trials}
    assert len(results) == 12
    even = {result.reason for seed, result in results.items() if seed % 2 == 0}
    assert even == {"the baseline diverged on this seed"}
    assert {result.outcome for seed, result in results.items() if seed % 2} == {"complete"}
    (look,) = laboratory.priority().table.looks  # no row waits for it for ever
    assert look.n_seeds == 12


class Challenged(Calibrated):
    """Reports what depends on the scores, and `metrics` does not compute."""

    def step(self):
        found = super().step()
        return {
            **found,
            "train_loss": 0.1,
            "val_challenge": found["val_score"],
            "test_challenge": found["test_score"],
            "loss": -found["val_score"],
        }


CHALLENGE = Objective("test_challenge", "maximize")
CHALLENGED = {**MODEL, "trainable": Challenged}
NOT_COMPUTED = (
    "Study.metrics computes no 'challenge': so nothing is known of 'test_challenge' after a "
    "post-hoc technique; it computes score, order"
)


def test_the_baselines_other_metrics_are_not_its_own(laboratory):
    laboratory.run(study(SHIFT, **CHALLENGED, secondary=[CHALLENGE, ORDER]), LOOKS)
    (step,) = laboratory.series("post-hoc").trials[0].steps
    assert set(step.metrics) == {"val_score", "val_order", "test_score", "test_order"}
    challenge, order = laboratory.report().line("Shift").secondary
    assert (challenge.effect, challenge.n_seeds) == (None, 0)
    assert order.n_seeds > 0
    assert laboratory.priority().table.row("Shift").verdict == Verdict.ADOPT


@pytest.mark.parametrize(
    ("post_hoc", "evaluation"),
    [(SHIFT, CHALLENGE), (replace(SHIFT, secondary="test_challenge"), SQUARES)],
)
def test_a_metric_that_is_judged_must_be_computed(laboratory, post_hoc, evaluation):
    asked = study(post_hoc, **CHALLENGED, evaluation=evaluation, secondary=[CHALLENGE])
    laboratory.run(asked, LOOKS)
    results = {(t.outcome, t.result.reason) for t in laboratory.series("post-hoc").trials}
    assert results == {("failed", NOT_COMPUTED)}
    assert laboratory.report().line("Shift").bug == NOT_COMPUTED


def not_a_number(predictions):
    return {**metrics(predictions), "score": math.nan}


def test_what_is_computed_and_no_number_has_diverged(laboratory):
    asked = study(SHIFT, trainable=Calibrated, metrics=not_a_number, evaluation=SQUARES)
    laboratory.run(asked, LOOKS)
    assert {t.outcome for t in laboratory.series("post-hoc").trials} == {"diverged"}


def test_the_objective_need_not_be_computed(laboratory):
    asked = study(
        SHIFT, **{**CHALLENGED, "objective": Objective("loss", "minimize")}, evaluation=SQUARES
    )
    laboratory.run(asked, LOOKS)
    assert laboratory.priority().table.row("Shift").effect == pytest.approx(1.0, abs=0.2)
    assert {t.result.values for t in laboratory.series("post-hoc").trials} == {()}


class Bare(Calibrated):
    """Reports the validation score without "val_"."""

    def step(self):
        found = super().step()
        return {**found, "score": found["val_score"]}


def test_an_objective_of_any_name_is_that_of_validation_rows(laboratory):
    goal = Objective("score", "maximize")
    laboratory.run(study(SHIFT, **{**MODEL, "trainable": Bare, "objective": goal}), LOOKS)
    for trial in laboratory.series("post-hoc").trials:
        assert trial.result.values == (trial.steps[0].metrics["val_score"],)


# -- ensembles ----------------------------------------------------------------------------------

VOTE = Technique("Vote", stage="post-hoc", members=3)
ENSEMBLE = {
    "trainable": OneTestSet,
    "metrics": metrics,
    "replication": "fixed",
    "smallest_gain": 0.05,
    "evaluation": SQUARES,
}
BLOCKS = Design(looks=(6, 9, 12), tuning="none", stack=False)


def seconds(laboratory, kind):
    """Return what every run took, by arm and seed."""
    return {
        (trial.asked.arm, trial.asked.seed): sum(step.elapsed_s for step in trial.steps)
        for trial in laboratory.series(kind).trials
    }


def median_of(validations):
    assert [len(one.targets) for one in validations] == [40] * 3

    def combine(members):
        scores = np.median([member.scores for member in members], axis=0)
        return Predictions(scores, members[0].targets, members[0].groups)

    return combine


def test_an_ensemble_votes_on_disjoint_blocks_of_the_baselines_runs(laboratory, trained):
    laboratory.run(study(VOTE, **ENSEMBLE), BLOCKS)
    row = laboratory.priority().table.row("Vote")
    assert row.verdict == Verdict.ADOPT
    assert row.effect == pytest.approx(0.5**2 * (1 - 1 / 3), abs=0.04)  # of the noise's variance
    n_members = 3 * row.n_seeds
    assert {config for config, _ in trained} == {trained[0][0]}
    assert len(trained) == n_members + 1
    members = laboratory.priority().seeds[:n_members]
    trials = laboratory.series("post-hoc").trials
    assert [trial.asked.seed for trial in trials] == list(members[2::3])
    spent, voted = seconds(laboratory, "replicate"), seconds(laboratory, "post-hoc")
    for place in range(0, n_members, 3):  # an ensemble costs the training of all its members
        block = members[place : place + 3]
        expected = sum(spent["baseline", seed] for seed in block)
        assert voted["Vote", block[-1]] == pytest.approx(expected)


def test_members_may_be_combined_otherwise(laboratory):
    laboratory.run(study(replace(VOTE, fit=median_of), **ENSEMBLE), BLOCKS)
    mean, median = 0.5**2 * (1 - 1 / 3), 0.5**2 * (1 - 0.449)  # variance of the median of three
    row = laboratory.priority().table.row("Vote")
    assert row.effect == pytest.approx(median, abs=0.04)
    assert mean > median


def test_an_ensemble_of_another_size_is_measured_anew(laboratory):
    laboratory.run(study(VOTE, **ENSEMBLE), BLOCKS)
    before = laboratory.runs("Vote", kind="post-hoc")
    laboratory.run(study(replace(VOTE, members=2), **ENSEMBLE), BLOCKS)
    assert "set anew: Vote" in laboratory.priority().registration.reason
    row = laboratory.priority().table.row("Vote")
    assert row.effect == pytest.approx(0.5**2 / 2, abs=0.04)
    assert laboratory.runs("Vote", kind="post-hoc") - before == row.n_seeds


def test_seeds_with_rows_of_their_own_cannot_vote(laboratory):
    with pytest.raises(StudyError, match="vote on the same held-out rows, and replication='fresh'"):
        study(VOTE, **MODEL)
    lying = {**ENSEMBLE, "trainable": Calibrated}
    laboratory.run(study(VOTE, **lying), BLOCKS)
    reasons = {trial.result.reason for trial in laboratory.series("post-hoc").trials}
    assert len(reasons) == 1
    assert "these seeds have rows of their own" in reasons.pop()


# -- ensembles of unlike models -----------------------------------------------------------------


@pytest.mark.parametrize("make", [np.array, lambda rows: np.array(rows, dtype=str)])
def test_rows_are_the_same_by_targets_and_groups(make):
    def of(targets, groups=None):
        return Predictions(np.zeros(3), make(targets), groups)

    assert same_rows([of([1, 0, 1]), of([1, 0, 1])])
    assert not same_rows([of([1, 0, 1]), of([1, 1, 1])])
    assert not same_rows([of([1, 0, 1]), of([1, 0, 1], np.arange(3))])


def test_missing_targets_are_the_same_rows():
    def of(*rows):
        targets = np.array(rows)
        return Predictions(np.zeros(targets.shape), targets, np.array([1.0, np.nan]))

    assert same_rows([of([1, np.nan], [0, 1]), of([1, np.nan], [0, 1])])
    assert not same_rows([of([1, np.nan], [0, 1]), of([np.nan, 1], [0, 1])])
    assert not same_rows([of([1, np.nan], [0, 1]), of([1, 0], [0, 1])])


TOGETHER = Technique("Together", stage="post-hoc", voters=["a"])
UNLIKE = {**MODEL, "smallest_gain": 0.05, "evaluation": SQUARES}


def test_unlike_models_vote_on_the_same_seed(laboratory):
    """Errors of 1 and of 0.5 make one of 0.75."""
    half = technique("a", gain=0.5)
    laboratory.run(study(half, TOGETHER, **UNLIKE), LOOKS)
    row = laboratory.priority().table.row("Together")
    assert row.verdict == Verdict.ADOPT
    assert row.effect == pytest.approx(1.0 - 0.75**2, abs=0.05)
    spent = seconds(laboratory, "replicate")
    for (_, seed), took in seconds(laboratory, "post-hoc").items():
        assert took == pytest.approx(spent["baseline", seed] + spent["a", seed])


def test_it_votes_anew_where_a_voter_is_set_anew(laboratory):
    laboratory.run(study(technique("a", gain=0.5), TOGETHER, **UNLIKE), LOOKS)
    before = laboratory.runs("Together", kind="post-hoc")
    laboratory.run(study(technique("a", gain=0.9), TOGETHER, **UNLIKE), LOOKS)
    row = laboratory.priority().table.row("Together")
    assert "set anew: a, Together" in laboratory.priority().registration.reason
    assert row.effect == pytest.approx(1.0 - 0.55**2, abs=0.05)  # errors of 1 and of 0.1
    assert laboratory.runs("Together", kind="post-hoc") == before + row.n_seeds
    laboratory.run(study(technique("a", gain=0.9), TOGETHER, **UNLIKE), LOOKS)
    assert laboratory.runs("Together", kind="post-hoc") == before + row.n_seeds


def test_until_it_has_voted_anew_nothing_is_known_of_it(laboratory):
    laboratory.run(study(technique("a", gain=0.5), TOGETHER, **UNLIKE), LOOKS)
    laboratory.interrupted(study(technique("a", gain=0.9), TOGETHER, **UNLIKE), LOOKS, events=1)
    counted = {column for column, _ in laboratory.priority().measured.runs}
    assert "Together" not in counted


class Stronger(Calibrated):
    """Other code, in which the technique is worth more."""

    def __init__(self, config, *, seed):
        super().__init__(replace(config, a=1.8 * config.a), seed=seed)


def test_it_votes_anew_where_only_a_voter_is_run_again(laboratory):
    half = technique("a", gain=0.5)
    laboratory.run(study(half, TOGETHER, **UNLIKE), LOOKS)
    stronger = {**UNLIKE, "trainable": Stronger}
    laboratory.run(study(half, TOGETHER, **stronger), LOOKS, rerun=["a"])
    row = laboratory.priority().table.row("Together")
    assert row.effect == pytest.approx(1.0 - 0.55**2, abs=0.05)


def test_voters_are_trained_for_as_long_as_the_ensemble_is_undecided(laboratory):
    wide = replace(TOGETHER, smallest_gain=0.001)
    nothing = technique("a", gain=0.0)
    laboratory.run(study(nothing, wide, **UNLIKE), LOOKS)
    table = laboratory.priority().table
    assert table.row("Together").n_seeds == 5
    assert laboratory.runs("a") == 5


def test_a_voter_that_broke_down_is_named(laboratory):
    broken = {**UNLIKE, "trainable": Breaking}
    laboratory.run(study(technique("a"), TOGETHER, **broken), LOOKS)
    reasons = {trial.result.reason for trial in laboratory.series("post-hoc").trials}
    assert "'a' diverged on this seed" in reasons


def test_lost_predictions_are_said(laboratory, tmp_path):
    laboratory.run(study(SHIFT, **MODEL), LOOKS)
    for folder in tmp_path.rglob("predictions"):
        shutil.rmtree(folder)
    laboratory.run(study(SHIFT, replace(SHIFT, name="Later"), **MODEL), LOOKS)
    reasons = {
        trial.result.reason
        for trial in laboratory.series("post-hoc").trials
        if trial.asked.arm == "Later"
    }
    assert len(reasons) <= 5
    assert all("no predictions of the baseline are left of this seed" in r for r in reasons)


@pytest.mark.parametrize(
    ("voter", "words"),
    [
        ("b", "names 'b', which this study does not have"),
        ("Shift", "'Shift' is implemented, post-hoc"),
        ("levels", "'levels' is measured at levels"),
    ],
)
def test_voters_are_arms_that_train(voter, words):
    others = [technique("a"), SHIFT, Technique("levels", levels={"lr": (0.1, 0.2)})]
    with pytest.raises(StudyError, match=re.escape(words)):
        study(*others, replace(TOGETHER, voters=voter), **UNLIKE)

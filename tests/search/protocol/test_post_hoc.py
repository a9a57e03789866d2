"""Techniques that change predictions: fitted on validation, scored held-out, never trained."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from search.errors import StudyError
from search.protocol.registering import Design
from search.statistics import Verdict
from search.study import Objective
from search.technique import Technique
from tests.search.protocol.toys import (
    Breaking,
    Calibrated,
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

"""Post-hoc techniques that take several runs together: of several seeds, or of unlike models."""

from __future__ import annotations

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
    metrics,
    shift,
    study,
    technique,
)

LOOKS = Design(looks=(3, 5), tuning="none", stack=False)
SHIFT = Technique("Shift", stage="post-hoc", fit=shift)
MODEL = {"trainable": Calibrated, "metrics": metrics}
SQUARES, ORDER = Objective("test_score", "maximize"), Objective("test_order", "maximize")


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

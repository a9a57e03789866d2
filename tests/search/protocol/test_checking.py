"""Every planted mistake is found by the check that is about it, and by no other."""

import time

import pytest

from search import Space
from search.protocol.checking import check_study
from search.protocol.searching import Options, make_task
from tests.search.protocol import planted_mistakes as planted

OPTIONS = Options("sqlite:///none.db", engine="local")


def found(trainable, *, seconds=60.0, **changes):
    study = planted.study(trainable, **changes)
    return list(check_study(study, make_task(study, OPTIONS), seconds=seconds))


def wrong(checks):
    return {(check.name, check.status) for check in checks if check.status != "passed"}


def words_of(checks, name):
    return " ".join(check.words for check in checks if check.name == name)


@pytest.mark.parametrize("trainable", [planted.good, planted.Walking])
def test_what_is_right_passes_everything(trainable):
    checks = found(trainable)
    assert wrong(checks) == set()
    names = [check.name for check in checks]
    assert {"runs", "same seed", "new seed", "metrics", "checkpoint", "knobs"} <= set(names)
    assert "6 of 6 are read" in words_of(checks, "knobs")


@pytest.mark.parametrize(
    ("trainable", "mistakes", "words"),
    [
        (planted.reading_a_typo, {("arms", "failed")}, "did you mean 'gamma'"),
        (planted.ignoring_gamma, {("knobs", "failed")}, "gamma is never read in a whole run"),
        (planted.ignoring_the_toggle, {("toggles", "failed")}, "'Focal loss': focal is never read"),
        (planted.without_a_seed, {("new seed", "failed")}, "seed your split"),
        (planted.timed, {("same seed", "warning")}, "(clock)"),
        (planted.leaking, {("leaks", "failed")}, "val_score equals test_score"),
        (planted.in_line, {("leaks", "warning")}, "correlation 1"),
        (planted.short, {("max_steps", "failed")}, "ends after 3 of 4 steps"),
        (planted.deaf_to_length, {("max_steps", "warning")}, "never reads it"),
        (planted.infinite_when_focal, {("metrics", "failed")}, "test_score is not finite"),
        (planted.nameless, {("metrics", "warning")}, "test_score is not among"),
        (planted.Forgetting, {("checkpoint", "failed")}, "(test_score, val_score)"),
        (planted.Unloadable, {("checkpoint", "failed")}, "does not load"),
    ],
)
def test_a_planted_mistake_is_found(trainable, mistakes, words):
    checks = found(trainable)
    assert mistakes <= wrong(checks)
    assert not {name for name, status in wrong(checks) if status == "failed"} - {
        name for name, _ in mistakes
    }
    ((name, _),) = mistakes
    assert words in words_of(checks, name)


def test_what_comes_from_no_seed_is_told_apart_from_a_clock():
    assert ("same seed", "failed") in wrong(found(planted.unruly))


def test_a_configuration_that_is_read_as_a_whole_is_no_proof_of_a_mistake():
    checks = found(planted.reading_everything)
    assert {status for _, status in wrong(checks)} == {"warning"}
    assert "read as a whole" in words_of(checks, "knobs")


def test_a_patience_is_no_false_alarm_where_whole_runs_take_too_long():
    study = planted.study(planted.good, max_steps=10**9)
    checks = list(check_study(study, make_task(study, OPTIONS), seconds=20.0))
    assert "patience: read, without effect in the first 2 steps" in words_of(checks, "knobs")
    assert wrong(checks) == {("max_steps", "not reached")}


def test_a_slow_trainable_is_left_in_the_middle_of_a_step():
    started = time.monotonic()
    checks = found(planted.slow, seconds=0.5)
    assert time.monotonic() - started < 20
    passed = [check.name for check in checks if check.status != "not reached"]
    assert passed == ["checkpoint"]
    assert "0.5 s were over" in words_of(checks, "runs")


def test_a_baseline_that_raises_is_all_there_is_to_say():
    space = Space(baseline=planted.Config(loss="huber"), domains={})
    checks = found(planted.good, space=space)
    assert [(check.name, check.status, check.arm) for check in checks] == [
        ("runs", "failed", "baseline")
    ]
    assert "KeyError: 'huber'" in checks[0].words

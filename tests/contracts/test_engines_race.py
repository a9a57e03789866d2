"""A search on each engine: pruned, resumed, extended, limited; one trial at a time."""

import dataclasses
import logging
import math
import os
import signal
import socket
import statistics
import subprocess
import sys
import time

import optuna
import pytest
from optuna.trial import TrialState

from search import (
    ASHA,
    EngineError,
    MedianStopping,
    Resources,
    StorageError,
    StudyError,
    StudyLocked,
)
from search.engine.cluster import ray_session
from search.engine.stream import Limits
from search.storage.database import Database
from search.storage.lock import study_lock
from tests.contracts.conftest import Place, with_study

WANTED = 14


def summary(found):
    """All that must not depend on the engine, nor on interruptions."""
    return [
        (
            trial.number,
            trial.asked.changes,
            trial.outcome,
            trial.result.step,
            trial.result.values,
            [(step.step, step.metrics["val_ap"]) for step in trial.steps if trial.outcome],
        )
        for trial in found.series.trials
    ]


def same(one, two):
    """Compare as text: a diverged curve ends in nan."""
    return str(summary(one)) == str(summary(two))


def process_state():
    """What an engine must not leave changed."""
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    handlers = [signal.getsignal(number) for number in watched]
    return dict(os.environ), logging.getLogger("ray.tune").level, handlers


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Uninterrupted, in this process: the reference semantics."""
    place = Place(tmp_path_factory.mktemp("race") / "local", "local")
    outcome = place.search(place.load("race"), trials=WANTED, data=False)
    return place.found("race/search", outcome)


@pytest.fixture(scope="module")
def resumed(new_place):
    """The same search in parts: extended, interrupted in the middle of a trial, finished."""
    place = new_place()
    loaded = place.load("race")
    before = process_state()
    place.search(loaded, trials=5, workers=1, data=False)
    assert process_state() == before  # environment, logging and signals are left as they were
    events = []

    def leave(stream):
        events.append(stream.running)
        if len(events) == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.search(loaded, trials=WANTED, workers=1, data=False, listener=leave)
    left = place.found("race/search")
    outcome = place.search(loaded, trials=WANTED, workers=1, data=False, confirm=2)
    return place, left, place.found("race/search", outcome)


def test_the_reference_has_something_of_everything(reference):
    assert set(reference.outcome.outcomes) == {"complete", "pruned", "diverged"}


def test_a_search_in_parts_comes_to_what_the_whole_one_does_on_either_engine(reference, resumed):
    assert same(resumed[2], reference)


def test_an_interruption_is_noted_and_gone_on_with(resumed):
    _, left, found = resumed
    (running,) = [trial for trial in left.series.trials if trial.result is None]
    assert [attempt.end for attempt in running.attempts] in ([], ["interrupted"])
    again = found.series.trials[running.number]
    assert again.result is not None
    assert len(again.attempts) == len(running.attempts) + 1


def test_the_same_command_again_does_nothing(resumed):
    place, _, found = resumed
    outcome = place.search(place.load("race"), trials=WANTED, workers=1, data=False, confirm=2)
    again = place.found("race/search", outcome)
    assert same(again, found)
    assert outcome.outcomes == found.outcome.outcomes
    assert [t.datetime_complete for t in again.optuna] == [
        t.datetime_complete for t in found.optuna
    ]
    assert len(again.optuna) == WANTED


def test_stopped_trials_are_pruned_with_the_value_that_stopped_them(resumed):
    """Stock: COMPLETE, and the result that triggers the stop is never recorded."""
    _, _, found = resumed
    for trial in found.series.trials:
        stored = found.optuna[trial.number]
        if trial.outcome == "pruned":
            assert stored.state == TrialState.PRUNED
            assert trial.result.step in (1, 3)  # the rungs, under their own steps
            assert stored.intermediate_values[trial.result.step] == trial.result.values[0]
            assert stored.value == trial.result.values[0]
            assert len(trial.steps) == trial.result.step
        assert set(stored.intermediate_values) <= set(range(1, 10))


def test_complete_trials_alone_may_be_best(resumed):
    _, _, found = resumed
    complete = [t for t in found.optuna if t.state == TrialState.COMPLETE]
    assert all(len(found.series.trials[t.number].steps) == 9 for t in complete)
    best = max(complete, key=lambda trial: trial.value)
    assert found.outcome.best[0] == best.number


def test_the_baseline_is_tried_first(resumed):
    assert resumed[2].series.trials[0].asked.changes == {}


def test_the_best_is_confirmed_on_fresh_seeds(resumed):
    place, _, found = resumed
    confirmed = place.found("race/confirm").series
    arms = {"baseline", f"trial {found.outcome.best[0]}"}
    runs = {(trial.asked.arm, trial.asked.seed) for trial in confirmed.trials}
    assert len(runs) == len(confirmed.trials) == 4
    assert {arm for arm, _ in runs} == arms
    assert all(t.outcome == "complete" and len(t.steps) == 9 for t in confirmed.trials)
    assert {trial.asked.seed for trial in found.series.trials} == {0}
    assert 0 not in {seed for _, seed in runs}


@pytest.fixture
def local_place(tmp_path):
    return Place(tmp_path / "place", "local")


def test_held_out_metrics_decide_nothing(reference, place, monkeypatch):
    """The same search with wild held-out metrics asks, stops and scores exactly alike."""
    monkeypatch.setenv("WINNOW_TEST_CHEAT", "1e6")
    outcome = place.search(place.load("race"), trials=WANTED, workers=1, data=False)
    found = place.found("race/search", outcome)
    assert same(found, reference)
    cheated = [step.metrics["test_ap"] for step in found.series.trials[0].steps]
    assert max(cheated) > 1000


def test_brackets_are_drawn_from_the_seed_and_kept(local_place):
    loaded = local_place.load("race")
    study = dataclasses.replace(loaded.study, pruner=ASHA(grace_steps=1, brackets=2))
    local_place.search(with_study(loaded, study), trials=6, data=False)
    local_place.search(with_study(loaded, study), trials=10, data=False)
    found = local_place.found("race/search")
    brackets = [trial.asked.bracket for trial in found.series.trials]
    assert set(brackets) == {0, 1}
    for trial in found.series.trials:
        if trial.outcome == "pruned":
            assert trial.result.step in ((1, 3) if trial.asked.bracket == 0 else (3,))


def test_median_stopping(local_place):
    loaded = local_place.load("race")
    pruner = MedianStopping(grace_steps=2, min_trials=2)
    study = dataclasses.replace(loaded.study, pruner=pruner, sampler="random")
    local_place.search(with_study(loaded, study), trials=6, data=False)
    local_place.search(with_study(loaded, study), trials=12, data=False)
    found = local_place.found("race/search")
    curves = []
    for trial in found.series.trials:
        values = [step.metrics["val_ap"] for step in trial.steps]
        lasted = [curve for curve in curves if len(curve) >= len(values)]
        medians = statistics.median(sum(c[: len(values)]) / len(values) for c in lasted or [[0]])
        if trial.outcome == "pruned":
            assert len(values) >= 2
            assert max(values) < medians
        elif trial.outcome == "complete" and len(lasted) >= 2:
            assert max(values) >= medians
        curves.append([value for value in values if math.isfinite(value)])
    assert {"pruned", "complete"} <= {trial.outcome for trial in found.series.trials}


def test_another_question_under_the_same_name_is_refused(local_place):
    loaded = local_place.load("race")
    local_place.search(loaded, trials=2, data=False)
    longer = dataclasses.replace(loaded.study, max_steps=12)
    with pytest.raises(StudyError, match="max_steps was 9, and is 12"):
        local_place.search(with_study(loaded, longer), trials=4, data=False)
    assert len(local_place.found("race/search").series.trials) == 2


def test_one_driver_per_study(place):
    loaded = place.load("race")
    database = Database(place.url)
    with study_lock(database, "race"), pytest.raises(StudyLocked, match=str(os.getpid())):
        place.search(loaded, trials=2, workers=1, data=False)
    database.close()
    assert place.search(loaded, trials=2, workers=1, data=False).outcomes


def test_commit_and_host_are_beside_every_trial(place):
    loaded = place.load("race")
    folder = place.folder / "elsewhere"

    def git(*arguments):
        who = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
        command = ["git", "-C", str(folder), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "--quiet")
    git("add", "race_study.py")
    git("commit", "--quiet", "--message", "a study")
    place.search(loaded, trials=1, workers=1, data=False)
    (trial,) = place.found("race/search").optuna
    assert git("rev-parse", "HEAD").startswith(trial.user_attrs["git_commit"])
    assert len(trial.user_attrs["git_commit"]) == 12
    assert trial.user_attrs["host"] == socket.gethostname()


def test_a_trial_computes_with_as_many_threads_as_it_has_cores(place):
    loaded = place.load("kinds")
    study = loaded.module.make(("healthy", "ends early"), resources=Resources(cpus=2))
    place.search(with_study(loaded, study), trials=2)
    threads = [event["threads"] for event in place.found("kinds/search").told("started")]
    assert threads == [2, 2]


# -- limits and faults on both engines --------------------------------------------------------


def test_a_time_limit_ends_the_search_though_steps_are_long(place):
    loaded = place.load("slow")
    begun = time.monotonic()
    outcome = place.search(
        loaded, trials=8, workers=1, limits=Limits(hours=1.5 / 3600), confirm=2, data=False
    )
    assert outcome.ended_by.startswith("the time limit")
    assert outcome.outcomes.get("stopped", 0) >= 1
    found = place.found("slow/search")
    assert all(trial.state.is_finished() for trial in found.optuna)
    assert len(found.series.trials) < 8
    assert time.monotonic() - begun < 60
    with pytest.raises(StorageError):
        place.found("slow/confirm")


class ViewError(RuntimeError):
    """What a listener of a test raises."""


@pytest.mark.parametrize(
    "error", [StorageError("the study database is full"), ViewError("no terminal")]
)
def test_an_error_of_the_driver_ends_the_command_as_it_is(place, error):
    """Tune would bury it in the text of another; a rerun finishes."""
    loaded = place.load("race")
    heard = []

    def break_down(stream):
        heard.append(stream.running)
        if len(heard) == 6:
            raise error

    with pytest.raises(type(error), match=str(error)) as caught:
        place.search(loaded, trials=4, workers=1, data=False, listener=break_down)
    assert caught.value is error
    outcome = place.search(loaded, trials=4, workers=1, data=False)
    assert sum(outcome.outcomes.values()) == 4
    assert all(trial.state.is_finished() for trial in place.found("race/search").optuna)


def test_a_data_loader_that_fails_fails_the_trials_in_words(local_place):
    loaded = local_place.load("kinds")
    local_place.seen.rename(local_place.folder / "gone")
    local_place.seen.touch()  # a file, where the loader wants a folder
    outcome = local_place.search(loaded, trials=1)
    assert outcome.outcomes == {"failed": 1}
    assert outcome.best is None
    (trial,) = local_place.found("kinds/search").series.trials
    assert "NotADirectoryError" in trial.result.reason


@pytest.mark.ray
def test_a_worker_that_cannot_be_set_up_fails_the_trial_with_the_reason(ray_cluster, tmp_path):
    place = Place(tmp_path / "place", "ray", ray_cluster)
    loaded = place.load("race")
    # neither by value (it is another module's) nor by name (nobody can import it there)
    module = type(loaded.module)("unheard_of")
    exec("def train(config, *, seed):\n    yield {'val_ap': 0.0}\n", module.__dict__)
    module.train.__module__ = "unheard_of"
    sys.modules["unheard_of"] = module
    try:
        study = dataclasses.replace(loaded.study, trainable=module.train)
        outcome = place.search(with_study(loaded, study), trials=1, workers=1, data=False)
    finally:
        del sys.modules["unheard_of"]
    assert outcome.outcomes == {"failed": 1}
    (trial,) = place.found("race/search").series.trials
    assert "No module named 'unheard_of'" in trial.result.reason
    assert [attempt.end for attempt in trial.attempts] == ["raised", "raised"]


@pytest.mark.ray
def test_another_cluster_than_the_one_connected_to_is_refused(ray_cluster):
    ray = pytest.importorskip("ray")
    other = ray_session(address="10.0.0.1:6379")
    with ray_session(address=ray_cluster):
        with pytest.raises(EngineError, match=f"connected to the Ray cluster at {ray_cluster}"):
            other.__enter__()
        with ray_session(address=None):
            pass
        assert ray.is_initialized()  # what was not started by a block is not ended by it
    assert not ray.is_initialized()


def test_the_optuna_study_opens_as_it_is(resumed):
    place, _, _ = resumed
    study = optuna.load_study(study_name="race/search", storage=place.url)
    assert len(study.trials) == WANTED
    assert study.trials[0].params == {"lr": 1e-3, "focal": False}
    assert study.best_trial.state == TrialState.COMPLETE

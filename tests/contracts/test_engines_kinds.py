"""Every kind of trial ends as it should: one search on each engine, looked at from many sides."""

import math

import pytest
from optuna.trial import TrialState

from tests.contracts.conftest import with_study


@pytest.fixture(scope="module")
def kinds(engine, new_place):
    """Run one trial of each kind."""
    place = new_place()
    loaded = place.load("kinds")
    wanted = loaded.module.KINDS if engine == "ray" else loaded.module.LOCAL
    study = loaded.module.make(wanted, score_at="best")
    outcome = place.search(with_study(loaded, study), trials=len(wanted))
    return place.found("kinds/search", outcome)


def optuna(kinds, trial):
    return kinds.optuna[trial.number]


def test_all_trials_are_there_and_none_is_left_running(kinds, engine):
    assert len(kinds.series.trials) == len(kinds.optuna) == (12 if engine == "ray" else 10)
    assert all(trial.state.is_finished() for trial in kinds.optuna)
    assert all(trial.result is not None for trial in kinds.series.trials)
    assert all(a.end is not None for trial in kinds.series.trials for a in trial.attempts)


def test_a_healthy_trial_is_complete(kinds):
    trial = kinds.trial("healthy")
    assert (trial.outcome, trial.result.step) == ("complete", 9)
    assert trial.result.values == (pytest.approx(0.9),)
    assert [step.step for step in trial.steps] == list(range(1, 10))
    assert optuna(kinds, trial).state == TrialState.COMPLETE
    assert trial.steps[2].metrics == {
        "val_ap": pytest.approx(0.3),
        "test_ap": 780.25,
    }


@pytest.mark.parametrize(
    ("kind", "steps"), [("not a number at step 4", 4), ("infinite at step 1", 1)]
)
def test_a_non_finite_objective_is_diverged(kinds, kind, steps):
    """The stock scheduler lets it run on, and the trial stays RUNNING for ever."""
    trial = kinds.trial(kind)
    assert trial.outcome == "diverged"
    assert len(trial.steps) == steps
    stored = optuna(kinds, trial)
    assert stored.state == TrialState.PRUNED
    assert stored.user_attrs["outcome"] == "diverged"
    assert all(math.isfinite(value) for value in stored.intermediate_values.values())
    assert len(trial.attempts) == 1


def test_a_non_finite_held_out_metric_stops_nothing(kinds):
    trial = kinds.trial("held-out not a number")
    assert trial.outcome == "complete"
    assert len(trial.steps) == 9
    assert math.isnan(trial.steps[0].metrics["test_ap"])


@pytest.mark.parametrize(
    ("kind", "reason", "steps"),
    [
        ("raises", "ValueError: no such batch", 2),
        ("leaves the program", "SystemExit: 5", 1),
        ("forgets the objective", "no metric 'val_ap' in this step", 1),
    ],
)
def test_an_exception_is_tried_again_once_and_then_counted(kinds, kind, reason, steps):
    trial = kinds.trial(kind)
    assert trial.outcome == "failed"
    assert reason in trial.result.reason
    assert [attempt.end for attempt in trial.attempts] == ["raised", "raised"]
    assert all("Traceback" in attempt.error for attempt in trial.attempts)
    assert [step.step for step in trial.steps] == list(range(1, steps + 1))
    stored = optuna(kinds, trial)
    assert stored.state == TrialState.FAIL
    assert reason in stored.user_attrs["reason"]
    assert {e["seed"] for e in kinds.told("started", kind=kind)} == {0}


def test_the_last_log_lines_are_kept(kinds):
    assert kinds.trial("raises").attempts[0].log == "about to raise"


def test_a_second_attempt_may_succeed(kinds):
    trial = kinds.trial("raises once")
    assert trial.outcome == "complete"
    assert [attempt.end for attempt in trial.attempts] == ["raised", "complete"]
    assert len(trial.steps) == 9
    assert optuna(kinds, trial).user_attrs["attempts"] == 2


def test_a_generator_may_end_early(kinds):
    trial = kinds.trial("ends early")
    assert (trial.outcome, trial.result.step, len(trial.steps)) == ("complete", 4, 4)


def test_a_trial_is_scored_at_its_best_step_where_the_study_says_so(kinds):
    trial = kinds.trial("peaks early")
    assert (trial.result.values, trial.result.step) == ((7.0,), 3)
    assert len(trial.steps) == 9
    assert optuna(kinds, trial).value == 7.0


def test_a_killed_worker_costs_an_attempt(kinds, engine):
    if engine == "local":
        pytest.skip("the local engine has no worker of its own")
    trial = kinds.trial("kills its worker once")
    assert trial.outcome == "complete"
    assert [attempt.end for attempt in trial.attempts][-1] == "complete"
    assert len(trial.steps) == 9
    assert len(kinds.told("started", kind="kills its worker once")) == 2


def test_a_trial_that_kills_every_worker_is_given_up_with_the_reason(kinds, engine):
    if engine == "local":
        pytest.skip("the local engine has no worker of its own")
    trial = kinds.trial("kills its workers")
    assert trial.outcome == "failed"
    assert "lost 4 workers: its process died" in trial.result.reason
    assert len(kinds.told("started", kind="kills its workers")) == 4
    assert optuna(kinds, trial).state == TrialState.FAIL


def test_keywords_environment_and_neighbours_reach_the_workers(kinds):
    for event in kinds.told("started"):
        assert event["max_steps"] == 9
        assert event["colour"] == "blue"
        assert event["enum"] is True
        assert event["threads"] == 1


def test_data_is_loaded_once_per_worker(kinds):
    loaded = [event["pid"] for event in kinds.told("loaded")]
    assert len(loaded) == len(set(loaded))
    assert set(loaded) == {event["pid"] for event in kinds.told("started")}


def test_a_generator_is_closed_before_the_next_trial_of_its_process_starts(kinds):
    for events in kinds.by_process():
        under_way = 0
        for event in events:
            under_way += {"started": 1, "closed": -1}.get(event["event"], 0)
            assert under_way in (0, 1)


def test_workers_are_kept_for_the_next_trial(kinds, engine):
    processes = {event["pid"] for event in kinds.told("started")}
    # two, and one more for each that was killed; not one per trial
    assert len(processes) <= (2 + 5 if engine == "ray" else 1)


def test_held_out_metrics_are_nowhere_in_optuna(kinds):
    for trial in kinds.optuna:
        told = (trial.user_attrs, trial.system_attrs, trial.intermediate_values, trial.values)
        assert not any(str(777.25 + step) in str(told) for step in range(1, 10))


def test_what_a_person_wants_to_see_is_beside_every_trial(kinds):
    for trial in kinds.optuna:
        assert {"host", "gpu_s", "arm", "seed"} <= set(trial.user_attrs)
    assert {trial.user_attrs["gpu_s"] for trial in kinds.optuna} == {0.0}


def test_the_outcome_counts_every_trial_once(kinds, engine):
    counts = dict(kinds.outcome.outcomes)
    lost = {"failed": 4, "complete": 6} if engine == "ray" else {"failed": 3, "complete": 5}
    assert counts == {"diverged": 2, **lost}
    assert kinds.outcome.best[2].values == (7.0,)


def test_memory_and_versions_are_stored_with_every_attempt(kinds):
    for trial in kinds.series.trials:
        for attempt in trial.attempts:
            assert attempt.versions["optuna"].startswith("5")
            assert attempt.end == "lost" or attempt.peak_memory > 10 * 2**20

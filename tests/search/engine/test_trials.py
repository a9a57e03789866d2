"""Every trial is stored, ended once, and gone on with: batch by batch, against the database."""

import json
import math
import time

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from search.storage.records import Step
from search.study import Objective
from tests.search.engine.conftest import asked, batch, steps


def test_a_run_to_the_end_is_complete_with_its_last_value(scene):
    trials = scene.open()
    job = trials.next_job()
    assert trials.observe(job.number, batch(*steps(1, 3, 0.1))) == "go on"
    assert trials.observe(job.number, batch(*steps(4, 9, 0.7), end="complete")) == "stop"
    (trial,) = scene.record.trials
    assert (trial.outcome, trial.result.values, trial.result.step) == ("complete", (0.7,), 9)
    assert [step.step for step in trial.steps] == list(range(1, 10))
    (stored,) = scene.optuna
    assert (stored.state, stored.value) == (TrialState.COMPLETE, 0.7)
    assert "outcome" not in stored.user_attrs  # its state says so
    assert trials.live == {}
    assert trials.best[2].values == (0.7,)


def test_a_stopped_trial_is_pruned_with_the_value_that_stopped_it(scene):
    trials = scene.open(stopping=lambda _number, step: step == 3)
    job = trials.next_job()
    assert trials.observe(0, batch(*steps(1, 1, 0.1))) == "go on"
    assert trials.observe(0, batch(*steps(2, 2, 0.2), *steps(3, 3, 0.3))) == "stop"
    assert job.halts == (1, 3)
    (stored,) = scene.optuna
    assert stored.state == TrialState.PRUNED
    assert stored.intermediate_values == {1: 0.1, 2: 0.2, 3: 0.3}
    assert stored.value == 0.3
    (trial,) = scene.record.trials
    assert (trial.outcome, trial.result.step) == ("pruned", 3)
    assert trial.attempts[0].end == "pruned"


def test_the_decider_is_asked_at_rungs_only_and_never_at_the_end(scene):
    trials = scene.open(halting=(3, 9))
    trials.next_job()
    trials.observe(0, batch(*steps(1, 9, 0.5), end="complete"))
    assert scene.policy.asked_about == [(0, 3, 0.5)]


def test_no_halts_means_every_step(scene):
    trials = scene.open(halting=None)
    trials.next_job()
    trials.observe(0, batch(*steps(1, 9), end="complete"))
    assert [step for _, step, _ in scene.policy.asked_about] == list(range(1, 9))


def test_a_diverged_trial_ends_at_once_without_a_number_in_optuna(scene):
    trials = scene.open()
    trials.next_job()
    bad = Step(4, {"val_ap": math.nan, "test_ap": 0.1}, 1.0, time.time())
    assert trials.observe(0, batch(*steps(1, 3, 0.4), bad, end="diverged")) == "stop"
    (stored,) = scene.optuna
    assert stored.state == TrialState.PRUNED
    assert stored.user_attrs["outcome"] == "diverged"
    assert "val_ap=nan at step 4" in stored.user_attrs["reason"]
    assert all(math.isfinite(value) for value in stored.intermediate_values.values())
    (trial,) = scene.record.trials
    assert (trial.outcome, trial.result.values, trial.result.step) == ("diverged", (), 3)
    assert math.isnan(trial.steps[-1].metrics["val_ap"])
    assert scene.policy.told_of == [(0, "diverged")]


def test_an_exception_is_tried_again_once_and_then_counted(scene):
    trials = scene.open()
    trials.next_job()
    raised = {"end": "raised", "error": "Traceback\nValueError: broken", "log": "epoch 1"}
    assert trials.observe(0, batch(*steps(1, 2), token="one", **raised)) == "go on"
    assert trials.observe(0, batch(*steps(1, 2), token="two", **raised)) == "stop"
    (trial,) = scene.record.trials
    assert trial.result.outcome == "failed"
    assert trial.result.reason == "ValueError: broken"
    assert [a.end for a in trial.attempts] == ["raised", "raised"]
    assert [a.log for a in trial.attempts] == ["epoch 1", "epoch 1"]
    (stored,) = scene.optuna
    assert stored.state == TrialState.FAIL
    assert stored.user_attrs["attempts"] == 2
    assert trials.counts.outcomes == {"failed": 1}


def test_without_retries_the_first_exception_counts(scene):
    trials = scene.open(retries=0)
    trials.next_job()
    assert trials.observe(0, batch(*steps(1, 2), end="raised", error="x")) == "stop"


def test_a_second_attempt_may_succeed(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 5, 0.9), token="one", end="raised", error="x"))
    trials.observe(0, batch(*steps(1, 9, 0.2), token="two", end="complete"))
    (trial,) = scene.record.trials
    assert (trial.outcome, trial.result.values) == ("complete", (0.2,))
    assert [step.metrics["val_ap"] for step in trial.steps] == [0.2] * 9
    assert len(trial.superseded) == 5


def test_the_best_step_of_a_superseded_attempt_does_not_count(scene):
    trials = scene.open(score_at="best")
    trials.next_job()
    trials.observe(0, batch(*steps(1, 5, 0.9), token="one", end="raised", error="x"))
    trials.observe(0, batch(*steps(1, 4, 0.2), *steps(5, 9, 0.1), token="two", end="complete"))
    (trial,) = scene.record.trials
    assert (trial.result.values, trial.result.step) == ((0.2,), 1)


def test_a_start_that_raises_does_not_forget_what_the_trial_had(scene):
    """Its attempt says step 0, since it never got to its checkpoint."""
    trials = scene.open(score_at="best")
    trials.next_job()
    trials.observe(0, batch(*steps(1, 3, 0.9), token="one"))
    trials.observe(0, batch(token="two", end="raised", error="no memory"))
    trials.observe(0, batch(*steps(4, 9, 0.1), token="three", start=3, end="complete"))
    (trial,) = scene.record.trials
    assert (trial.result.values, trial.result.step) == ((0.9,), 1)
    assert [step.step for step in trial.steps] == list(range(1, 10))


def test_score_at_best_takes_the_peak_and_saves_no_steps(scene):
    trials = scene.open(score_at="best")
    trials.next_job()
    trials.observe(
        0, batch(*steps(1, 3, 0.1), *steps(4, 4, 0.8), *steps(5, 9, 0.2), end="complete")
    )
    assert trials.best[2].values == (0.8,)
    assert scene.record.trials[0].result.step == 4
    assert trials.counts.saved == 0.0  # it ran its full length
    assert scene.open(score_at="best").counts.saved == 0.0  # and still has after a restart


def test_a_worker_that_is_lost_leaves_an_attempt_that_says_so(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 3), token="one"))
    trials.worker_lost(0, "its process died")
    trials.observe(0, batch(*steps(3, 9), token="two", start=2, end="complete"))
    (trial,) = scene.record.trials
    assert [(a.end, a.error) for a in trial.attempts] == [
        ("lost", "its process died"),
        ("complete", None),
    ]
    assert [step.step for step in trial.superseded] == [3]
    assert scene.optuna[0].user_attrs["attempts"] == 2


def test_a_trial_whose_workers_keep_dying_is_given_up(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 2)))
    trials.lost(0, "lost 4 workers")
    (trial,) = scene.record.trials
    assert (trial.outcome, trial.result.reason) == ("failed", "lost 4 workers")
    assert scene.optuna[0].state == TrialState.FAIL


def test_what_a_person_wants_to_see_is_beside_the_trial(scene):
    trials = scene.open()
    trials.next_job()
    started = time.time() - 40
    trials.observe(0, batch(*steps(1, 9), end="complete", gpus=0.5, started=started))
    attributes = scene.optuna[0].user_attrs
    assert attributes["host"] == "here"
    assert "attempts" not in attributes
    assert attributes["gpu_s"] == pytest.approx(20, abs=2)
    assert attributes["arm"] == "baseline"
    assert attributes["seed"] == 0
    assert "test_ap" not in str(attributes)
    assert scene.record.trials[0].attempts[0].gpus == 0.5


def test_gpu_seconds_include_the_attempts_under_way(scene):
    trials = scene.open()
    trials.next_job()
    trials.next_job()
    before = time.time() - 60
    trials.observe(0, batch(*steps(1, 2), token="a", gpus=1.0, started=before))
    trials.observe(1, batch(*steps(1, 2), token="b", gpus=0.5, started=before))
    assert trials.gpu_s == pytest.approx(90, abs=3)
    trials.observe(0, batch(*steps(3, 9), token="a", gpus=1.0, started=before, end="complete"))
    assert trials.gpu_s == pytest.approx(90, abs=3)


def test_held_out_metrics_stay_in_our_tables(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 9, 0.5, test_ap=0.123456), end="complete"))
    (stored,) = scene.optuna
    assert "0.123456" not in str((stored.intermediate_values, stored.user_attrs, stored.values))
    assert "test" not in str((stored.user_attrs, stored.system_attrs))
    assert scene.record.trials[0].steps[0].metrics["test_ap"] == 0.123456


def test_several_objectives(scene):
    goals = (Objective("val_ap", "maximize"), Objective("cost", "minimize"))
    trials = scene.open(objectives=goals, halting=())
    trials.next_job()
    trials.observe(0, batch(*steps(1, 9, 0.5, cost=3.0), end="complete"))
    (stored,) = scene.optuna
    assert stored.values == [0.5, 3.0]
    assert stored.intermediate_values == {}
    assert trials.best is None


def test_a_limit_ends_what_is_under_way_with_its_last_value(scene):
    trials = scene.open()
    trials.next_job()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 3, 0.4)))
    trials.stop_all()
    assert [trial.outcome for trial in scene.record.trials] == ["stopped", "stopped"]
    assert [trial.state for trial in scene.optuna] == [TrialState.PRUNED] * 2
    assert scene.optuna[0].value == 0.4
    assert trials.observe(0, batch(*steps(4, 9), end="complete")) == "stop"  # comes too late
    assert scene.record.trials[0].outcome == "stopped"


def test_an_interruption_ends_attempts_and_not_trials(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 3)))
    trials.interrupt()
    (trial,) = scene.record.trials
    assert trial.result is None
    assert trial.attempts[0].end == "interrupted"
    assert scene.optuna[0].state == TrialState.RUNNING


def test_somebody_elses_trial_that_comes_between(scene):
    """A person adds a trial to the Optuna study while the search runs."""
    trials = scene.open(*[asked(seed) for seed in range(4)])
    trials.next_job()
    study = optuna.load_study(study_name="toy/search", storage=scene.database.optuna)
    study.add_trial(create_trial(state=TrialState.COMPLETE, value=1.0))
    study.enqueue_trial({})
    job = trials.next_job()
    assert job.number == 3
    assert scene.policy.others == [1, 2]
    trials.observe(3, batch(*steps(1, 9), end="complete"))
    assert [trial.number for trial in scene.record.trials] == [0, 3]
    assert scene.optuna[3].state == TrialState.COMPLETE


def test_a_database_made_anew_finds_no_checkpoints_of_the_one_before(scene):
    trials = scene.open()
    folder = trials.folder(0)
    assert folder.name == "000000"
    assert str(round(1000 * scene.record.created)) in str(folder)


def test_no_new_best_is_counted_from_the_last_one(scene):
    trials = scene.open(*[asked(seed) for seed in range(5)])
    for number, value in enumerate([0.1, 0.5, 0.3, 0.2]):
        trials.next_job()
        trials.observe(number, batch(*steps(1, 9, value), token=str(number), end="complete"))
    assert trials.since_best == 2
    assert scene.open().since_best == 2


def test_the_order_of_finishing_counts_after_a_restart_too(scene):
    trials = scene.open()
    trials.next_job()
    trials.next_job()
    trials.observe(1, batch(*steps(1, 9, 0.9), token="1", end="complete"))
    time.sleep(0.01)
    trials.observe(0, batch(*steps(1, 9, 0.1), token="0", end="complete"))
    assert trials.since_best == 1
    assert scene.open().since_best == 1


def leave_note(trials, number, token):
    """What a process writes down whose run hangs."""
    batch_of = {"token": token, "host": "there", "pid": 2, "started": 5.0, "start_step": 0}
    folder = trials.folder(number)
    folder.mkdir(parents=True, exist_ok=True)
    note = json.dumps({"attempt": batch_of, "error": "no step within 9 s"})
    (folder / f"hang-{token}").write_text(f"{note}\nThread 0x1\n  File in stuck\n")


def test_a_run_that_hangs_is_hopeless_the_second_time(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 2), token="one"))
    leave_note(trials, 0, "one")
    assert trials.worker_lost(0, "its process died")
    assert trials.hopeless(0) is None
    leave_note(trials, 0, "two")  # before it had anything to report
    assert trials.worker_lost(0, "its process died")
    assert trials.hopeless(0) == "no step within 9 s"
    trials.lost(0, "no step within 9 s")
    (trial,) = scene.record.trials
    assert (trial.outcome, trial.result.reason) == ("failed", "no step within 9 s")
    assert [attempt.end for attempt in trial.attempts] == ["lost", "lost"]
    assert all("in stuck" in attempt.error for attempt in trial.attempts)


def test_a_lost_worker_that_did_not_hang_is_no_hang(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 2), token="one"))
    assert not trials.worker_lost(0, "its process died")
    assert scene.record.trials[0].attempts[0].error == "its process died"


def test_a_driver_that_hung_itself_counts_its_hangs_when_it_comes_back(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 2), token="one"))
    leave_note(trials, 0, "one")
    again = scene.open()
    assert again.next_job().number == 0
    leave_note(again, 0, "two")
    last = scene.open()
    assert last.next_job().number == 1
    assert scene.record.trials[0].result.reason == "no step within 9 s"

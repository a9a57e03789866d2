"""Every half-written state that a killed driver may leave, planted by hand in the database."""

import shutil
import time

import pytest
from optuna.trial import TrialState, create_trial
from sqlalchemy import delete, select, update

from search.engine.checkpoints import intact_checkpoints, write_checkpoint
from search.storage.ledger import Series
from search.storage.records import Attempt, Result
from search.storage.tables import ATTEMPTS, STEPS, TRIALS
from tests.search.engine.conftest import asked, batch, steps


def forget(scene, table, number, **only):
    """Take rows out of one of our tables."""
    with scene.database.engine.begin() as connection:
        query = delete(table).where(table.c.number == number)
        for name, value in only.items():
            query = query.where(getattr(table.c, name) == value)
        connection.execute(query)


def rows(scene, table):
    with scene.database.engine.connect() as connection:
        return list(connection.execute(select(table)).mappings())


def finish(trials, number, *, value=0.5, token="rest", first=1):
    return trials.observe(
        number, batch(*steps(first, 9, value), token=token, start=first - 1, end="complete")
    )


def test_asked_and_nothing_more(scene):
    scene.open().next_job()
    again = scene.open()
    assert again.next_job().number == 0  # it keeps its number
    assert again.next_job().number == 1
    finish(again, 0)
    assert scene.record.trials[0].outcome == "complete"


def test_optunas_row_without_ours(scene):
    """The driver died between the two; what was asked is in Optuna's row too."""
    first = scene.open(asked(7, lr=0.3))
    first.next_job()
    forget(scene, TRIALS, 0)
    again = scene.open(asked(7, lr=0.3))
    job = again.next_job()
    assert (job.number, job.seed, job.changes) == (0, 7, {"lr": 0.3})
    assert finish(again, 0) == "stop"
    (trial,) = scene.record.trials
    assert (trial.outcome, trial.asked.seed) == ("complete", 7)


@pytest.mark.parametrize("outcome", ["complete", "pruned", "diverged", "failed", "stopped"])
def test_ours_finished_and_optunas_running(scene, outcome):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 3, 0.4)))
    values = () if outcome in ("diverged", "failed") else (0.4,)
    result = Result(outcome, values, 3, "why", time.time())
    scene.series.record(0, 0, result=result)
    write_checkpoint(lambda d: (d / "x").write_text("x"), trials.folder(0) / "one", 3)
    again = scene.open()
    (stored,) = scene.optuna
    states = {"complete": TrialState.COMPLETE, "failed": TrialState.FAIL}
    assert stored.state == states.get(outcome, TrialState.PRUNED)
    assert stored.user_attrs.get("outcome", outcome) == outcome
    assert ("outcome" in stored.user_attrs) == (outcome not in ("complete", "pruned"))
    assert stored.user_attrs["host"] == "here"
    assert again.counts.outcomes == {outcome: 1}
    assert again.live == {}
    assert scene.policy.restored[0].result.outcome == outcome
    assert not again.folder(0).exists()


def test_every_step_stored_and_not_told(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 8, 0.4)))
    attempt = trials.live[0].attempt
    scene.series.record(0, attempt.number, steps(9, 9, 0.6))
    again = scene.open()
    assert again.live == {}
    (trial,) = scene.record.trials
    assert (trial.outcome, trial.result.values, trial.result.step) == ("complete", (0.6,), 9)
    assert trial.attempts[0].end == "interrupted"
    assert scene.optuna[0].state == TrialState.COMPLETE


def test_every_step_stored_and_the_last_one_not_finite(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 8, 0.4)))
    scene.series.record(0, 0, steps(9, 9, float("nan")))
    scene.open()
    assert scene.record.trials[0].outcome == "diverged"
    assert scene.optuna[0].user_attrs["outcome"] == "diverged"


def test_every_step_stored_but_predictions_wanted(scene, tmp_path):
    trials = scene.open()
    trials.next_job()
    scene.series.start(0, Attempt(0, "one", "here", 1, 0, time.time(), 0.0))
    scene.series.record(0, 0, steps(1, 9, 0.4))
    wanted = tmp_path / "kept"
    again = scene.open(kept=str(wanted))
    assert again.next_job().number == 0  # it goes on from its last checkpoint
    wanted.mkdir()
    assert scene.open(kept=str(wanted)).live == {}


def test_an_attempt_without_end_ends_when_it_was_heard_of_last(scene):
    """A driver that was killed long ago must not be charged for the time nobody worked."""
    trials = scene.open()
    trials.next_job()
    begun = time.time() - 100_000
    sent = batch(*steps(1, 3), gpus=1.0, started=begun)
    trials.observe(0, sent)
    heard = max(step.finished for step in sent.steps)
    again = scene.open()
    (attempt,) = scene.record.trials[0].attempts
    assert attempt.end == "interrupted"
    assert attempt.ended == pytest.approx(heard)
    assert again.gpu_s == pytest.approx(heard - begun)


def test_an_attempt_without_a_step_took_no_time(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(started=time.time() - 500))
    scene.open()
    assert scene.record.trials[0].attempts[0].elapsed_s == 0


def test_an_attempt_without_end_of_a_finished_trial(scene):
    trials = scene.open()
    trials.next_job()
    finish(trials, 0)
    with scene.database.engine.begin() as connection:
        connection.execute(update(ATTEMPTS).values(ended=None, end=None))
    scene.open()
    (trial,) = scene.record.trials
    assert trial.attempts[0].end == "interrupted"
    assert trial.outcome == "complete"


def test_attempts_keep_counting_after_a_restart(scene):
    trials = scene.open(retries=1)
    trials.next_job()
    trials.observe(0, batch(*steps(1, 2), token="one", end="raised", error="x"))
    again = scene.open(retries=1)
    again.next_job()
    assert again.observe(0, batch(*steps(1, 2), token="two", end="raised", error="y")) == "stop"
    (trial,) = scene.record.trials
    assert [attempt.number for attempt in trial.attempts] == [0, 1]
    assert trial.outcome == "failed"


def test_an_interruption_is_no_failure_of_the_trial(scene):
    trials = scene.open(retries=0)
    for token in ("a", "b", "c"):
        trials.next_job()
        trials.observe(0, batch(*steps(1, 2), token=token))
        trials = scene.open(retries=0)
    trials.next_job()
    finish(trials, 0)
    (trial,) = scene.record.trials
    assert [attempt.end for attempt in trial.attempts] == [*["interrupted"] * 3, "complete"]
    assert len(trial.steps) == 9


def test_the_policy_sees_the_curve_and_what_was_repeated(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 5, 0.9), token="one"))
    trials.observe(0, batch(*steps(3, 4, 0.2), token="two", start=2))
    scene.open()
    (record,) = scene.policy.restored
    assert [step.metrics["val_ap"] for step in record.steps] == [0.9, 0.9, 0.2, 0.2]
    assert [step.step for step in record.superseded] == [3, 4, 5]


def test_somebody_elses_trials_are_left_alone(scene):
    trials = scene.open()
    trials.next_job()
    storage = scene.database.optuna
    study_id = storage.get_study_id_from_name("toy/search")
    for state in (TrialState.COMPLETE, TrialState.RUNNING, TrialState.WAITING):
        value = 0.9 if state == TrialState.COMPLETE else None
        storage.create_new_trial(study_id, create_trial(state=state, value=value))
    again = scene.open()
    assert scene.policy.others == [1, 2, 3]
    assert again.best is None
    assert again.counts.finished == 0
    assert [trial.state for trial in scene.optuna[1:]] == [
        TrialState.COMPLETE,
        TrialState.RUNNING,
        TrialState.WAITING,
    ]
    again.next_job()
    assert again.next_job().number == 4


def test_a_finished_series_is_only_read(scene):
    trials = scene.open(asked(0))
    trials.next_job()
    finish(trials, 0)
    before = [rows(scene, table) for table in (TRIALS, ATTEMPTS, STEPS)]
    again = scene.open(asked(0))
    again.policy.runs.clear()
    assert again.next_job() is None
    assert [rows(scene, table) for table in (TRIALS, ATTEMPTS, STEPS)] == before
    assert again.counts.outcomes == {"complete": 1}
    assert again.best[2].values == (0.5,)


def test_reopening_twice_changes_nothing_more(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 3)))
    scene.open()
    before = [rows(scene, table) for table in (TRIALS, ATTEMPTS, STEPS)]
    scene.open()
    assert [rows(scene, table) for table in (TRIALS, ATTEMPTS, STEPS)] == before


def save(directory):
    (directory / "x").write_text("x")


def test_checkpoints_of_steps_that_the_database_has_lost_are_not_used(scene, caplog):
    """A power cut may keep a file, and lose the commit before it."""
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 3)))
    for step in (3, 6):
        write_checkpoint(save, trials.folder(0) / "one", step)
    again = scene.open()
    assert [step for step, _ in intact_checkpoints(again.folder(0))] == [3]
    assert "goes on from step 3" in caplog.text


def test_checkpoints_of_ended_trials_are_swept_up(scene):
    trials = scene.open()
    trials.next_job()
    trials.next_job()
    finish(trials, 0, token="a")
    for number in (0, 1):  # trial 0's driver died between the telling and the sweeping
        write_checkpoint(save, trials.folder(number) / "one", 0)
    again = scene.open()
    assert not again.folder(0).exists()
    assert again.folder(1).exists()


def test_another_study_of_the_database_is_not_touched(scene):
    scene.open().next_job()
    Series(scene.database, "other/search", "search", ["maximize"], {})
    scene.open()
    assert len(scene.record.trials) == 1


def test_a_copied_database_goes_on_elsewhere(scene, tmp_path):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, batch(*steps(1, 3)))
    scene.database.close()
    shutil.copy(tmp_path / "study.db", tmp_path / "copy.db")
    moved = type(scene)(f"sqlite:///{tmp_path / 'copy.db'}", tmp_path / "elsewhere")
    again = moved.open()
    assert again.next_job().number == 0
    moved.database.close()

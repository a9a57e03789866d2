"""Class trainables go on from their checkpoints: one search on each engine."""

import pytest

from tests.contracts.conftest import with_study


@pytest.fixture(scope="module")
def place(new_place):
    return new_place()


@pytest.fixture(scope="module")
def counters(engine, place):
    """Run one trial of each kind, one after the other."""
    loaded = place.load("counters")
    kinds = loaded.module.KINDS if engine == "ray" else loaded.module.LOCAL
    study = loaded.module.make(kinds)
    outcome = place.search(with_study(loaded, study), trials=len(kinds), workers=1)
    return place.found("counters/search", outcome)


def steps(counters, kind):
    """The steps that were really made, in their order."""
    return [event["step"] for event in counters.told("step", kind=kind)]


def test_every_trial_is_complete_with_every_step_once(counters):
    for trial in counters.series.trials:
        length = 6 if trial.asked.configuration["kind"] == "done after 6" else 9
        assert trial.outcome == "complete"
        assert [step.step for step in trial.steps] == list(range(1, length + 1))
        counts = [step.metrics["val_ap"] % 100 for step in trial.steps]
        assert counts == list(range(1, length + 1))


def test_a_checkpoint_is_written_at_each_rung_and_not_at_the_end(counters):
    assert [e["step"] for e in counters.told("saved", kind="healthy")] == [1, 3]


def test_a_run_goes_on_from_its_newest_checkpoint(counters):
    """It repeats the steps since then, and no more."""
    assert steps(counters, "raises after 5") == [1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9]
    assert counters.trial("raises after 5").attempts[1].start_step == 3


def test_a_corrupt_checkpoint_gives_way_to_the_one_before(counters):
    """Stock Tune has no fallback, and uses its retries up on the same file."""
    made = steps(counters, "spoils its checkpoint")
    assert made == [1, 2, 3, 4, 5, 2, 3, 4, 5, 6, 7, 8, 9]
    assert counters.trial("spoils its checkpoint").attempts[1].start_step == 1


def test_a_run_whose_checkpoints_are_all_corrupt_begins_anew(counters):
    made = steps(counters, "spoils every checkpoint")
    assert made == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    trial = counters.trial("spoils every checkpoint")
    assert trial.attempts[1].start_step == 0
    assert not counters.told("resumed", kind="spoils every checkpoint")


def test_a_checkpoint_that_does_not_load_gives_way_too(counters):
    assert steps(counters, "cannot load") == [1, 2, 3, 4, 5, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_class_that_is_done_ends_early(counters):
    assert steps(counters, "done after 6") == [1, 2, 3, 4, 5, 6]


def test_what_a_later_attempt_repeats_is_kept_apart(counters):
    trial = counters.trial("spoils its checkpoint")
    assert [step.step for step in trial.superseded] in ([2, 3], [2, 3, 4, 5])
    assert counters.optuna[trial.number].user_attrs["attempts"] == 2


def test_every_model_is_closed_before_the_next_one_is_made(counters):
    for events in counters.by_process():
        open_ones = 0
        for event in events:
            open_ones += {"made": 1, "closed": -1}.get(event["event"], 0)
            assert open_ones in (0, 1)


def test_no_checkpoint_is_left_behind(counters, place):
    assert counters.series.trials
    assert not list(place.folder.glob("study.db-artifacts/**/step-*"))
    assert not any(trial.checkpoints for trial in counters.series.trials)


def test_a_killed_worker_costs_the_steps_since_the_last_checkpoint(counters, engine):
    if engine == "local":
        pytest.skip("the local engine has no worker of its own")
    assert steps(counters, "dies after 5") == [1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9]
    trial = counters.trial("dies after 5")
    assert [attempt.end for attempt in trial.attempts] == ["lost", "complete"]
    assert trial.attempts[0].pid != trial.attempts[1].pid


@pytest.mark.parametrize("how", ["raises", "dies"])
def test_a_full_disk_costs_the_steps_since_the_checkpoint_before(counters, engine, how):
    if (engine, how) == ("local", "dies"):
        pytest.skip("the local engine has no worker of its own")
    made = steps(counters, f"{how} with a full disk")
    assert made == [1, 2, 3, 4, 5, 2, 3, 4, 5, 6, 7, 8, 9]


def test_data_is_loaded_once_per_worker(counters):
    loaded = [event["pid"] for event in counters.told("loaded")]
    assert len(loaded) == len(set(loaded)) == len({e["pid"] for e in counters.told("made")})

"""One stream of jobs out of several series, until done or a limit hits."""

import time

import pytest

from search.engine.stream import Limits, Stream
from tests.search.engine.conftest import asked, batch, steps


def finish(stream, job, value=0.5, **other):
    message = batch(*steps(1, 9, value), token=f"{job.number}", end="complete", **other)
    return stream.observe(job.key, message)


def test_jobs_come_until_there_are_none(scene):
    stream = Stream([scene.open()])
    jobs = [stream.next() for _ in range(3)]
    assert [job.number for job in jobs] == [0, 1, 2]
    assert stream.next() == "wait"
    assert stream.running == 3
    for job in jobs:
        assert finish(stream, job) is False
    assert stream.next() == "done"
    assert stream.ended_by is None


def test_nothing_to_do_is_known_before_anything_starts(scene):
    stream = Stream([scene.open(asked(0))])
    assert stream.begin()
    job = stream.next()
    assert job.number == 0  # the job that was looked at
    finish(stream, job)
    assert not Stream([scene.open(asked(0))]).begin()


def test_the_series_that_follow_come_when_everything_has_ended(scene):
    stages = iter([[scene.open(asked(5))]])
    first = scene.open(asked(0))
    called = []

    def follow():
        called.append(stream.running)
        return next(stages, ())

    stream = Stream([first], follow=follow)
    job = stream.next()
    assert stream.next() == "wait"
    assert called == []
    finish(stream, job)
    stream.next()
    assert called[0] == 0


def test_patience(scene):
    runs = [asked(seed) for seed in range(9)]
    stream = Stream([scene.open(*runs)], Limits(patience=2))
    for value in (0.5, 0.9, 0.8, 0.7):
        finish(stream, stream.next(), value)
    assert stream.next() == "done"
    assert stream.ended_by == "no better trial among the last 2"
    again = Stream([scene.open(*runs)], Limits(patience=2))
    assert not again.begin()  # and a rerun finds the same
    assert Stream([scene.open(*runs)], Limits(patience=3)).begin()


def test_wall_time(scene, monkeypatch):
    stream = Stream([scene.open()], Limits(hours=1.0))
    first, second = stream.next(), stream.next()
    stream.observe(second.key, batch(*steps(1, 2, 0.3), token="second"))
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 3601)
    assert stream.next() == "done"
    assert stream.observe(first.key, batch(*steps(1, 3, 0.4), token="first")) is False
    assert stream.ended_by == "the time limit of 1 h"
    assert stream.running == 0
    outcomes = [(trial.outcome, trial.result.values) for trial in scene.record.trials]
    assert outcomes == [("stopped", (0.4,)), ("stopped", (0.3,))]


def test_a_trial_that_ends_as_the_limit_hits_keeps_its_own_end(scene, monkeypatch):
    stream = Stream([scene.open()], Limits(hours=1.0))
    job = stream.next()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 3601)
    finish(stream, job)
    assert scene.record.trials[0].outcome == "complete"


@pytest.mark.parametrize("gpus", [1.0, 0.5])
def test_gpu_hours_count_what_is_still_running(scene, gpus):
    stream = Stream([scene.open()], Limits(gpu_hours=1.0))
    job = stream.next()
    begun = time.time() - 3700 / gpus
    assert stream.observe(job.key, batch(*steps(1, 2), gpus=gpus, started=begun))
    assert stream.next() == "done"
    assert stream.ended_by == "the limit of 1 GPU-hours"
    stream.finish()
    assert scene.record.trials[0].outcome == "stopped"


def test_gpu_hours_of_earlier_commands_count(scene):
    stream = Stream([scene.open()])
    finish(stream, stream.next(), gpus=1.0, started=time.time() - 3700)
    assert not Stream([scene.open()], Limits(gpu_hours=1.0)).begin()


def test_a_limit_that_hits_at_once_ends_interrupted_trials(scene):
    stream = Stream([scene.open()])
    finish(stream, stream.next(), 0.9)
    finish(stream, stream.next(), 0.1)
    stream.next()
    assert not Stream([scene.open()], Limits(patience=1)).begin()
    assert [trial.outcome for trial in scene.record.trials] == ["complete", "complete", "stopped"]


def test_the_listener_hears_of_every_event(scene):
    heard = []
    stream = Stream([scene.open(asked(0))], listener=lambda s: heard.append(s.running))
    job = stream.next()
    stream.observe(job.key, batch(*steps(1, 3), token="0"))
    finish(stream, job)
    assert heard == [1, 1, 0]
    stream.lost(job.key, "too late")  # harmless


def test_interrupted_jobs_come_first(scene):
    stream = Stream([scene.open()])
    stream.next(), stream.next()
    again = Stream([scene.open()])
    assert [again.next().number for _ in range(3)] == [0, 1, 2]


def test_a_driver_that_leaves_takes_what_comes_and_begins_nothing(scene):
    stream = Stream([scene.open()])
    first, second = stream.next(), stream.next()
    stream.leaving = True
    assert stream.next() == "done"
    assert stream.observe(first.key, batch(*steps(1, 3), token="0")) is True
    # a signal reaches a trial's own processes too: what that does to it is no failure of its own
    raised = batch(*steps(1, 2), token="1", end="raised", error="KeyboardInterrupt")
    assert stream.observe(second.key, raised) is True
    stream.interrupt()
    trials = scene.record.trials
    assert [[a.end for a in trial.attempts] for trial in trials] == [["interrupted"]] * 2
    assert [trial.result for trial in trials] == [None, None]
    assert [len(trial.steps) for trial in trials] == [3, 2]

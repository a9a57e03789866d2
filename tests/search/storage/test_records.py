from __future__ import annotations

import math
from dataclasses import replace

import pytest

from search.storage.records import Asked, Attempt, Result, SeriesRecord, Step, TrialRecord

ASKED = Asked("baseline", 7, {"lr": 0.1}, {}, 9)
ATTEMPT = Attempt(0, "t", "ada", 1, 0, started=100.0, gpus=2.0)


def trial(number: int, result: Result | None = None, *attempts: Attempt) -> TrialRecord:
    """Return a trial."""
    return TrialRecord(number, ASKED, 0.0, result, attempts, ())


def series(direction: str, *trials: TrialRecord) -> SeriesRecord:
    """Return a series of one objective."""
    goals = {"objectives": [{"metric": "val_ap", "direction": direction}]}
    return SeriesRecord("demo/search", "demo", "search", 0.0, goals, trials)


def test_what_makes_two_runs_the_same() -> None:
    assert ASKED.key == replace(ASKED, arm="other", bracket=3, changes={"lr": 0.1}).key
    others = [
        replace(ASKED, configuration={"lr": 0.2}),
        replace(ASKED, max_steps=10),
        replace(ASKED, seed=8),
        replace(ASKED, code="abc"),
        replace(ASKED, data="abc"),
    ]
    assert len({ASKED.key, *(other.key for other in others)}) == 6


def test_times_are_those_of_ended_attempts() -> None:
    ended = replace(ATTEMPT, ended=130.0, end="lost")
    assert math.isnan(ATTEMPT.elapsed_s)
    assert ended.elapsed_s == 30
    whole = trial(0, None, ended, replace(ATTEMPT, number=1, started=200.0))
    assert whole.elapsed_s == 30
    assert whole.gpu_s == 60
    assert trial(0).elapsed_s == 0


def test_curves_leave_out_steps_without_the_metric() -> None:
    steps = (
        Step(1, {"a": 1.0}, 0.1, 0.0),
        Step(2, {"b": 2.0}, 0.1, 0.0),
        Step(3, {"a": 3.0}, 0, 0),
    )
    assert replace(trial(0), steps=steps).curve("a") == ((1, 1.0), (3, 3.0))


@pytest.mark.parametrize(("direction", "best"), [("maximize", 2), ("minimize", 1)])
def test_the_best_is_among_the_complete(direction: str, best: int) -> None:
    found = series(
        direction,
        trial(0, Result("pruned", (99.0,), 3)),
        trial(1, Result("complete", (0.1,), 9)),
        trial(2, Result("complete", (0.9,), 9)),
        trial(3, Result("failed")),
        trial(4),
    )
    assert found.best is found.trials[best]
    assert found.trials[4].outcome == "running"
    assert found.trials[3].outcome == "failed"
    assert series(direction, trial(0)).best is None

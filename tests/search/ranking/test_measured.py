"""Which runs count, and what they scored."""

from __future__ import annotations

from typing import Any

import pytest

from search.ranking import measured_runs
from search.ranking.measured import code_together, taken_together
from search.storage.records import Asked, Result, SeriesRecord, Step, TrialRecord

SEEDS = (1, 2, 3, 4)
STEPS = 3
GOAL = {"metric": "val_auroc", "direction": "maximize"}
HELD_OUT = {"metric": "test_auroc", "direction": "maximize"}
LATE = "no metric 'test_auroc' at the scored step: that is step 2, the best one, and the run"


def entry(name: str, stage: str = "training", **changes: Any) -> dict[str, Any]:
    """Return a technique as it is registered."""
    found = {"name": name, "stage": stage, "status": "implemented", "on": {}, "levels": []}
    return {**found, "members": 1, "voters": None, **changes}


def specification(*entries: dict[str, Any], score_at: str = "last") -> dict[str, Any]:
    """Return what is registered; everybody's code is his name."""
    names = ["baseline", *(one["name"] for one in entries)]
    return {
        "techniques": list(entries),
        "code": {name: name for name in names},
        "data": "",
        "max_steps": STEPS,
        "tuning": "per-seed",
        "score_at": score_at,
        "evaluation": HELD_OUT,
        "objectives": [GOAL],
    }


def trial(
    number: int, arm: str, seed: int, *, code: str = "", lr: float = 0.1, scored: int = STEPS,
    reported: tuple[int, ...] = (STEPS,),
) -> TrialRecord:  # fmt: skip
    """Return a completed run whose held-out metric is its step, at some of the steps."""
    asked = Asked(arm, seed, {"lr": lr}, {}, STEPS, code=code or arm)
    steps = tuple(
        Step(
            at, {"val_auroc": 0.5, **({"test_auroc": float(at)} if at in reported else {})}, 1.0, 0
        )
        for at in range(1, STEPS + 1)
    )
    return TrialRecord(number, asked, number, Result("complete", (0.5,), scored), (), steps)


def series(*trials: TrialRecord) -> list[SeriesRecord]:
    """Return them as one series."""
    return [SeriesRecord("toy/replicate", "toy", "replicate", 0.0, {}, trials)]


def voted(taken: tuple[TrialRecord, ...], number: int = 50, code: str = "vote") -> TrialRecord:
    """Return the vote of these runs."""
    return trial(number, "vote", taken[-1].asked.seed, code=code_together(code, taken))


VOTE = entry("vote", "post-hoc", voters=["a"])


def test_a_vote_counts_where_it_was_made_from_the_runs_that_count():
    one, old, new = trial(0, "baseline", 1), trial(1, "a", 1), trial(2, "a", 1, lr=0.2)
    before, after = voted((old, one)), voted((new, one), number=51)
    asked = specification(VOTE, entry("a"))  # whatever comes first in the study file
    found = measured_runs(series(one, old, before, after), asked, SEEDS)
    assert found.columns == ("baseline", "vote", "a")
    assert found.runs["vote", 1] is before
    assert found.superseded == (after,)
    found = measured_runs(series(one, new, before, after), asked, SEEDS)
    assert found.runs["vote", 1] is after


def test_a_vote_whose_voter_has_no_run_does_not_count():
    one, old = trial(0, "baseline", 1), trial(1, "a", 1, code="other")
    found = measured_runs(
        series(one, old, voted((old, one))), specification(entry("a"), VOTE), SEEDS
    )
    assert set(found.runs) == {("baseline", 1)}
    assert found.apart["vote"] == "its runs were made with other code"


@pytest.mark.parametrize("changed", [0, 1])
def test_a_block_is_known_by_all_its_members(changed):
    """Tuned per seed, the first member may be set anew, and the last one not."""
    members = [trial(0, "baseline", 1), trial(1, "baseline", 2)]
    vote = voted(tuple(members))
    asked = specification(entry("vote", "post-hoc", members=2))
    assert measured_runs(series(*members, vote), asked, SEEDS).runs["vote", 2] is vote
    members[changed] = trial(9, "baseline", changed + 1, lr=0.2)
    assert ("vote", 2) not in measured_runs(series(*members, vote), asked, SEEDS).runs


def test_what_is_made_of_one_run_keeps_its_code():
    one = trial(0, "baseline", 1)
    assert code_together("fit", (one,)) == "fit"
    both = (one, trial(1, "a", 1))
    assert code_together("fit", both) not in ("fit", code_together("fit", both[::-1]))


def test_blocks_are_disjoint_and_whole():
    runs = {("baseline", seed): trial(seed, "baseline", seed) for seed in (1, 2, 4, 5, 6)}
    blocks = taken_together(runs, range(1, 8), members=2)
    assert [[run.asked.seed for run in block] for block in blocks] == [[1, 2], [5, 6]]


def test_a_best_step_without_the_held_out_metric_is_a_failure_that_says_so():
    run = trial(0, "baseline", 1, scored=2)
    found = measured_runs(series(run), specification(score_at="best"), SEEDS)
    (scored,) = found.runs.values()
    assert (scored.outcome, scored.result.values) == ("failed", ())
    assert scored.result.reason.startswith(LATE)
    assert found.superseded == ()
    assert found.replicates().failed.sum() == 1


def test_one_that_lacks_it_at_every_best_step_is_paused_as_a_bug():
    runs = [trial(seed, "a", seed, scored=1 + seed % 2) for seed in (1, 2, 3)]
    found = measured_runs(series(*runs), specification(entry("a"), score_at="best"), SEEDS)
    assert found.bugs()["a"].startswith(LATE)


@pytest.mark.parametrize(
    ("score_at", "scored", "reported", "outcome"),
    [
        ("best", 2, (2, 3), "complete"),
        ("best", 3, (3,), "complete"),
        ("best", 2, (), "complete"),  # it never is: the statistics call that diverged
        ("last", 3, (1, 2), "complete"),
    ],
)
def test_other_runs_stay_as_they_are(score_at, scored, reported, outcome):
    run = trial(0, "baseline", 1, scored=scored, reported=reported)
    found = measured_runs(series(run), specification(score_at=score_at), SEEDS)
    (counted,) = found.runs.values()
    assert counted is run
    assert counted.outcome == outcome

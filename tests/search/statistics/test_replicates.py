import numpy as np
import pytest

from search.statistics import Replicate, Replicates, StatisticsError
from search.statistics.arrays import BoolArray, FloatArray

COLUMNS, SEEDS = ("base", "focal"), (11, 12, 13)


def collect(*runs: Replicate) -> Replicates:
    return Replicates.collect(runs, columns=COLUMNS, seeds=SEEDS)


@pytest.mark.parametrize("outcome", ["running", "pruned", "waiting", "COMPLETE", ""])
def test_only_finished_unpruned_runs_are_measured(outcome: str) -> None:
    with pytest.raises(StatisticsError, match="finished, unpruned"):
        Replicate("focal", 11, outcome, 0.5)


@pytest.mark.parametrize(
    ("outcome", "score"),
    [("complete", None), ("complete", np.nan), ("complete", np.inf), ("failed", 0.1)],
)
def test_a_score_fits_its_outcome(outcome: str, score: float | None) -> None:
    with pytest.raises(StatisticsError, match="finite score"):
        Replicate("focal", 11, outcome, score)


def test_runs_find_their_cell() -> None:
    found = collect(
        Replicate("focal", 13, "complete", 0.7),
        Replicate("base", 11, "complete", 0.5),
        Replicate("focal", 12, "diverged"),
    )
    assert found.scores[2, 1] == 0.7
    assert found.scores[0, 0] == 0.5
    assert found.failed.tolist() == [[False, False], [False, True], [False, False]]
    assert np.isnan(found.scores).sum() == 4


def test_a_run_told_twice_counts_once() -> None:
    run = Replicate("focal", 11, "complete", 0.7)
    assert np.array_equal(collect(run, run).scores, collect(run).scores, equal_nan=True)


def test_two_results_of_one_run_are_refused() -> None:
    with pytest.raises(StatisticsError, match="one run, two results"):
        collect(Replicate("focal", 11, "complete", 0.7), Replicate("focal", 11, "failed"))


def test_unknown_arms_and_seeds_are_named() -> None:
    with pytest.raises(StatisticsError, match="did you mean 'focal'"):
        collect(Replicate("focals", 11, "failed"))
    with pytest.raises(StatisticsError, match="seed 99"):
        collect(Replicate("focal", 99, "failed"))


def test_arrays_cannot_be_changed_afterwards() -> None:
    scores = np.ones((3, 2))
    found = Replicates(COLUMNS, scores, np.zeros((3, 2), bool))
    scores[0, 0] = 7.0
    assert found.scores[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        found.scores[0, 0] = 2.0


@pytest.mark.parametrize(
    ("columns", "scores", "failed", "words"),
    [
        (("a", "a"), np.ones((1, 2)), np.zeros((1, 2), bool), "names of their own"),
        (("a", "b"), np.ones((1, 2)), np.zeros((2, 2)), "must be"),
        (("a", "b"), np.ones((1, 3)), np.zeros((1, 3)), "2 columns"),
        (("a", "b"), np.full((1, 2), np.inf), np.zeros((1, 2)), "infinite"),
        (("a", "b"), np.ones((1, 2)), np.ones((1, 2)), "failed runs have none"),
    ],
)
def test_shapes_and_values_are_checked(
    columns: tuple[str, ...], scores: FloatArray, failed: BoolArray, words: str
) -> None:
    with pytest.raises(StatisticsError, match=words):
        Replicates(columns, scores, failed)

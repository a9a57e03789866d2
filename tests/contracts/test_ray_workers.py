"""Workers of the Ray engine that die at awkward moments."""

import pytest

from tests.contracts.conftest import Place


@pytest.fixture
def place(ray_cluster, tmp_path):
    return Place(tmp_path / "place", "ray", ray_cluster)


def test_a_worker_that_dies_between_two_trials_costs_neither(place):
    place.search(place.load("closing"), trials=8, workers=2)
    found = place.found("closing/search")
    assert len(list(place.seen.glob("death *"))) == 3
    assert [(t.outcome, t.result.reason) for t in found.series.trials] == [("complete", None)] * 8
    assert all(len(trial.steps) == 2 for trial in found.series.trials)

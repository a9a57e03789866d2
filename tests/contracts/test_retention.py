"""The best and the last checkpoint of a search, kept on each engine."""

from dataclasses import replace
from pathlib import Path

import pytest

from search import NoPruning, Objective
from tests.contracts.conftest import with_study


@pytest.fixture(
    scope="module", params=["local", pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.slow])]
)
def engine(request):
    """Each engine."""
    return request.param


def test_the_best_and_the_last_checkpoint_are_kept(place):
    loaded = place.load("counters")
    study = replace(
        loaded.module.make(("healthy", "raises after 5", "done after 6")),
        objective=Objective("val_ap", "minimize"),  # the first trial is the best
        pruner=NoPruning(),
        keep_checkpoints=True,
    )
    place.search(with_study(loaded, study), trials=3, workers=1)
    trials = place.found("counters/search").series.trials
    kept = {trial.number: trial.checkpoints for trial in trials if trial.checkpoints}
    ((best,), (last,)) = kept[0], kept[2]
    assert (len(kept), best.step, last.step) == (2, 9, 6)
    assert (Path(best.path) / "count").read_text() == "9"
    assert (Path(last.path) / "count").read_text() == "6"
    there = set(place.folder.glob("study.db-artifacts/**/step-*"))
    assert there == {Path(best.path), Path(last.path)}
    place.search(with_study(loaded, study), trials=3, workers=1)
    assert all(path.is_dir() for path in there)

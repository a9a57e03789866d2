"""What a cap on the disk spares: the least valuable first, and never what is needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from search.protocol.tidying import Garbage, garbage, over_cap, size_of
from search.storage.database import Database
from search.storage.lock import study_lock
from search.technique import Technique
from tests.search.protocol.conftest import Laboratory
from tests.search.protocol.registrations import ONE_LOOK
from tests.search.protocol.toys import GOOD, Calibrated, metrics, shift, study

MODEL = {"trainable": Calibrated, "metrics": metrics}
SHIFT = Technique("Shift", stage="post-hoc", fit=shift)


def spare(laboratory: Laboratory, cap: int) -> Sequence[Garbage]:
    """Return what a cap would delete."""
    database = Database(laboratory.options.storage)
    try:
        return list(over_cap(database, artifacts(laboratory), cap))
    finally:
        database.close()


def artifacts(laboratory: Laboratory) -> Path:
    """Return where everything lies."""
    return laboratory.folder / "study.db-artifacts"


@pytest.fixture
def measured(laboratory: Laboratory) -> Laboratory:
    """A study with a post-hoc technique, whose arm A was run twice."""
    laboratory.run(study(GOOD, SHIFT, **MODEL), ONE_LOOK)
    laboratory.run(study(GOOD, SHIFT, **MODEL), ONE_LOOK, rerun=["A"], because="a disk failed")
    return laboratory


def test_what_no_longer_counts_goes_first_and_what_techniques_are_made_from_stays(
    measured: Laboratory,
) -> None:
    kept = measured.priority().measured.runs
    found = spare(measured, 0)
    assert [one.reason.partition(",")[0] for one in found] == [
        *["predictions of a run that no longer counts"] * 3,
        *["predictions of A"] * 3,
    ]
    gone = {one.path.name for one in found}
    assert gone.isdisjoint({run.asked.key for (arm, _), run in kept.items() if arm == "baseline"})
    assert {run.asked.key for (arm, _), run in kept.items() if arm == "A"} <= gone


def test_no_more_is_spared_than_the_cap_asks_for_and_the_oldest_goes_first(
    measured: Laboratory,
) -> None:
    everything = spare(measured, 0)
    os.utime(everything[2].path, (1, 1))
    total = size_of(artifacts(measured))
    assert spare(measured, total) == []
    (first,) = spare(measured, total - 1)
    assert first.path == everything[2].path


def test_a_study_that_is_driven_is_left_alone(measured: Laboratory) -> None:
    database = Database(measured.options.storage)
    with study_lock(database, "toy"):
        assert spare(measured, 0) == []
    database.close()


def test_trials_that_can_go_on_keep_everything(laboratory: Laboratory) -> None:
    assert laboratory.interrupted(study(GOOD, SHIFT, **MODEL), ONE_LOOK, events=9)
    folder = artifacts(laboratory) / "toy"
    under_way = [t for t in laboratory.series("replicate").trials if t.result is None]
    assert under_way
    written = [folder / "predictions" / trial.asked.key for trial in under_way]
    for one in written:  # a driver is killed between the predictions and the database
        one.mkdir(parents=True, exist_ok=True)
    assert {one.path for one in spare(laboratory, 0)}.isdisjoint(written)
    database = Database(laboratory.options.storage)
    assert list(garbage(database, artifacts(laboratory))) == []
    database.close()

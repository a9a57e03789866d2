"""Studies are labelled, put away and renamed, with everything that is theirs."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from search.errors import StorageError, StudyLocked
from search.storage import shelving
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.lock import driver_of, study_lock
from search.storage.reader import read_series, series_names, study_names
from search.storage.records import Asked, Attempt, Checkpoint, Result, Step
from search.storage.registrations import add_registration, read_registrations


def plant(database: Database, name: str, folder: Path) -> None:
    for kind in ("search", "replicate"):
        series = Series(database, f"{name}/{kind}", kind, ["maximize"], {"objectives": []})
        for seed in range(2):
            number = series.ask(Asked("baseline", seed, {"lr": 0.1}, {}, 3), {})
            path = folder / name / kind / f"{seed}"
            path.mkdir(parents=True)
            attempt = Attempt(0, f"{name}{kind}{seed}", "ada", 1, 0, 1.0, 0.0)
            series.start(number, attempt)
            steps = [Step(1, {"val": 0.5, "test": 0.4}, 1.0, 2.0)]
            checkpoints = [Checkpoint(1, str(path / "step"), "0" * 64, 9, 2.0)]
            series.record(number, 0, steps, checkpoints=checkpoints)
            result = Result("complete", (0.5,), 1, None, 3.0)
            series.tell(number, result, {})
    add_registration(database, name, "first", "", {"looks": [3]})


@pytest.fixture
def planted(database: Database, tmp_path: Path) -> Database:
    plant(database, "old", tmp_path)
    plant(database, "older", tmp_path)
    return database


def test_everything_goes_by_the_new_name(planted: Database, tmp_path: Path) -> None:
    before = {kind: read_series(planted, f"old/{kind}") for kind in ("search", "replicate")}
    shelving.rename(planted, "old", "new", tmp_path)
    assert set(study_names(planted)) == {"new", "older"}
    assert series_names(planted, "new") == ("new/search", "new/replicate")
    assert [r.kind for r in read_registrations(planted, "new")] == ["first"]
    for kind, series in before.items():
        after = read_series(planted, f"new/{kind}")
        assert [t.asked for t in after.trials] == [t.asked for t in series.trials]
        assert [t.steps for t in after.trials] == [t.steps for t in series.trials]
        assert [t.result for t in after.trials] == [t.result for t in series.trials]
        study = optuna.load_study(study_name=f"new/{kind}", storage=planted.optuna)
        assert [t.value for t in study.trials] == [0.5, 0.5]
    (checkpoint,) = read_series(planted, "new/search").trials[0].checkpoints
    assert checkpoint.path == str(tmp_path / "new" / "search" / "0" / "step")
    assert (tmp_path / "new" / "search" / "0").is_dir()
    names = optuna.get_all_study_names(storage=planted.optuna)
    assert not [name for name in names if name.startswith("old/")]
    assert len(read_series(planted, "older/search").trials) == 2  # "old" is no more than a prefix


def test_a_renamed_series_goes_on(planted: Database, tmp_path: Path) -> None:
    shelving.rename(planted, "old", "new", tmp_path)
    series = Series(planted, "new/search", "search", ["maximize"], {"objectives": []})
    assert series.ask(Asked("baseline", 2, {"lr": 0.1}, {}, 3), {}) == 2


def test_what_was_killed_halfway_is_finished(planted: Database, tmp_path: Path) -> None:
    storage = planted.optuna
    optuna.copy_study(
        from_study_name="old/search", from_storage=storage, to_storage=storage,
        to_study_name="new/search",
    )  # fmt: skip
    shelving.rename(planted, "old", "new", tmp_path)  # killed before ours were renamed
    optuna.create_study(study_name="old/search", storage=storage)
    shelving.rename(planted, "old", "new", tmp_path)  # killed before Optuna's were deleted
    assert "old/search" not in optuna.get_all_study_names(storage=storage)
    assert len(read_series(planted, "new/search").trials) == 2
    with pytest.raises(StorageError, match="holds no study 'old'"):
        shelving.rename(planted, "old", "new", tmp_path)


def test_nobody_is_overwritten_or_disturbed(planted: Database, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="holds a study 'older' already"):
        shelving.rename(planted, "old", "older", tmp_path)
    other = Database(planted.url.render_as_string(hide_password=False))
    try:
        with (
            study_lock(other, "old"),
            pytest.raises(StudyLocked, match="driven by process"),
        ):
            shelving.rename(planted, "old", "new", tmp_path)
    finally:
        other.close()
    assert set(study_names(planted)) == {"old", "older"}


def test_who_drives_a_study_is_known_as_long_as_it_is_driven(planted: Database) -> None:
    assert driver_of(planted, "old") is None
    other = Database(planted.url.render_as_string(hide_password=False))
    try:
        with study_lock(other, "old"):
            found = driver_of(planted, "old")
            assert found is not None
            assert found.pid > 0
            assert driver_of(planted, "older") is None
    finally:
        other.close()
    assert driver_of(planted, "old") is None


def test_labels_are_kept_in_order_and_once(planted: Database) -> None:
    shelving.add_tags(planted, "old", ["paper", "fig 2", "paper"])
    shelving.add_tags(planted, "old", ["late"])
    assert shelving.tags_of(planted, "old") == ("paper", "fig 2", "late")
    shelving.add_tags(planted, "old", ["fig 2", "never"], remove=True)
    assert shelving.tags_of(planted, "old") == ("paper", "late")
    assert shelving.tags_of(planted, "older") == ()
    assert read_series(planted, "old/search").tags == ("paper", "late")


def test_what_is_put_away_can_be_taken_out_again(planted: Database) -> None:
    shelving.archive(planted, "old")
    assert (read_series(planted, "old/search").archived or 0) > 1e9
    assert read_series(planted, "older/search").archived is None
    shelving.archive(planted, "old", undo=True)
    assert read_series(planted, "old/search").archived is None
    with pytest.raises(StorageError, match="did you mean 'older'"):
        shelving.archive(planted, "oldr")

"""The published folder, tables and archives: values, labels, and errors that name what is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search.errors import DataError
from trainables.pat.depresjon import load_folder, load_minutes, load_windows, participant_number
from trainables.pat.windows import DAY, Recordings, cut

PEOPLE = {"condition_1": 1, "condition_10": 1, "control_1": 0}
START = "2003-05-07 12:00:00"  # at noon, as the real recordings begin by day
LENGTH = 3 * DAY


def minutes_of(name: str) -> pd.DataFrame:
    seed = [len(name), *name.encode()]
    times = pd.date_range(START, periods=LENGTH, freq="min")
    counts = np.random.default_rng(seed).integers(0, 400, LENGTH)
    return pd.DataFrame({"timestamp": times, "date": times.date, "activity": counts})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in PEOPLE:
        group = tmp_path / name.split("_")[0]
        group.mkdir(exist_ok=True)
        minutes_of(name).to_csv(group / f"{name}.csv", index=False)
    scores = pd.DataFrame({"number": list(PEOPLE), "days": 2, "madrs1": [19.0, 24.0, np.nan]})
    scores.to_csv(tmp_path / "scores.csv", index=False)
    return tmp_path


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    parts = [minutes_of(name).assign(participant=name) for name in PEOPLE]
    minutes = tmp_path / "some_minutes.parquet"
    frame = pd.concat(parts).drop(columns="date").astype({"participant": "category"})
    frame.sample(frac=1.0, random_state=0).to_parquet(minutes)
    people = tmp_path / "some_participants.csv"
    pd.DataFrame({"participant": list(PEOPLE), "depression": list(PEOPLE.values())}).to_csv(
        people, index=False
    )
    return minutes, people


def assert_same(first: Recordings, second: Recordings) -> None:
    for name in ("participant", "label", "first", "minute", "activity"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def test_names_become_numbers() -> None:
    assert [participant_number(name) for name in PEOPLE] == [1, 10, 1001]
    with pytest.raises(DataError, match="not 'patient_3'"):
        participant_number("patient_3")


def test_a_folder_gives_every_minute_and_the_folder_as_label(folder: Path) -> None:
    raw = load_folder(folder)
    assert raw.participant.tolist() == [1, 10, 1001]
    assert raw.label.tolist() == [1, 1, 0]
    for i, name in enumerate(PEOPLE):
        rows = slice(raw.first[i], raw.first[i + 1])
        frame = minutes_of(name)
        np.testing.assert_array_equal(raw.activity[rows], frame["activity"])
        midnight = frame["timestamp"].dt.hour * 60 + frame["timestamp"].dt.minute
        np.testing.assert_array_equal(raw.minute[rows] % DAY, midnight)


def test_windows_begin_at_the_first_midnight(folder: Path) -> None:
    windows, dropped = cut(load_folder(folder), 2)
    expected = minutes_of("condition_1")["activity"].to_numpy()[DAY // 2 :][: 2 * DAY]
    np.testing.assert_array_equal(windows.activity[0], expected)
    assert windows.participant.tolist() == [1, 10, 1001]
    assert dropped["incomplete_days"] == 6


def test_the_folder_above_will_do(folder: Path, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    (above / "data").symlink_to(folder, target_is_directory=True)
    assert_same(load_folder(above), load_folder(folder))


def test_a_table_of_minutes_gives_the_same(folder: Path, tables: tuple[Path, Path]) -> None:
    assert_same(load_minutes(*tables), load_folder(folder))
    people = tables[1].with_suffix(".parquet")
    pd.read_csv(tables[1]).to_parquet(people)
    assert_same(load_minutes(tables[0], people), load_folder(folder))


def write_windows(file: Path, folder: Path, **changes: object) -> None:
    windows, _ = cut(load_folder(folder), 2)
    arrays = {
        "activity": windows.activity.astype(np.int16),
        "participant": np.array(list(PEOPLE)),
        "start": np.full(3, "2003-05-08T00:00:00"),
        "depression": np.array(list(PEOPLE.values()), np.int8),
    }
    np.savez(file, **{key: value for key, value in (arrays | changes).items() if value is not None})


def test_an_archive_of_windows_comes_out_as_it_is_or_shorter(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "some_windows_2880.npz"
    write_windows(file, folder)
    for days, n in ((2, 3), (1, 6)):
        expected, _ = cut(load_folder(folder), days)
        windows, dropped = cut(load_windows(file), days)
        np.testing.assert_array_equal(windows.activity, expected.activity)
        np.testing.assert_array_equal(windows.label, expected.label)
        assert len(windows) == n
        assert not any(dropped.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depression": None}, "lacks 1 of 4 arrays: 'depression'"),
        ({"start": np.full(3, "2003-05-08T00:01:00")}, "3 do not start at midnight"),
        ({"activity": np.zeros((3, 100), np.int16)}, r"shape \(3, 100\)"),
        ({"participant": np.full(3, "condition_1")}, "windows of the same participant overlap"),
        ({"start": np.full(3, "noon")}, "not a time"),
        ({"start": np.full(3, "")}, "rows without a time"),
    ],
)
def test_broken_archives_are_refused(
    folder: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    file = tmp_path / "some_windows_2880.npz"
    write_windows(file, folder, **changes)
    with pytest.raises(DataError, match=message):
        load_windows(file)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "w.npz"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"w\.npz is not a NumPy archive"):
        load_windows(file)
    with pytest.raises(DataError, match="is not there"):
        load_windows(tmp_path / "absent.npz")


def test_the_three_parts_of_a_folder_must_be_there(folder: Path) -> None:
    (folder / "scores.csv").unlink()
    with pytest.raises(DataError, match=r"condition/, control/, scores.csv; scores.csv is not"):
        load_folder(folder)


def test_everybody_recorded_must_have_a_score(folder: Path) -> None:
    scores = folder / "scores.csv"
    frame = pd.read_csv(scores).replace({"number": {"condition_10": "condition_11"}})
    frame.to_csv(scores, index=False)
    message = r"no row for 'condition_10'; did you mean 'condition_1\d?'"
    with pytest.raises(DataError, match=message):
        load_folder(folder)


def test_everybody_in_a_table_must_have_a_label(tables: tuple[Path, Path]) -> None:
    frame = pd.read_csv(tables[1])
    frame.head(2).to_csv(tables[1], index=False)
    with pytest.raises(DataError, match="no row for 'control_1'"):
        load_minutes(*tables)
    frame.assign(depression=2).to_csv(tables[1], index=False)
    with pytest.raises(DataError, match="depression must be 0 or 1"):
        load_minutes(*tables)


def test_missing_columns_are_named_with_near_misses(folder: Path) -> None:
    file = folder / "control" / "control_1.csv"
    minutes_of("control_1").rename(columns={"activity": "activty"}).to_csv(file, index=False)
    with pytest.raises(
        DataError, match=r"control_1.csv lacks 1 of 3 columns: 'activity' \(there is 'activty'\)"
    ):
        load_folder(file.parent.parent)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("timestamp", "yesterday", "not a time"),
        ("timestamp", None, "rows without a time"),
        ("activity", "much", "activity must hold numbers"),
        ("activity", -3, "counts per minute must be numbers from 0 on; 1 are not"),
    ],
)
def test_impossible_values_are_refused(
    folder: Path, column: str, value: object, message: str
) -> None:
    frame = minutes_of("control_1").astype({"timestamp": str}).astype({column: object})
    frame.loc[5, column] = value
    frame.to_csv(folder / "control" / "control_1.csv", index=False)
    with pytest.raises(DataError, match=message):
        load_folder(folder)


@pytest.mark.parametrize("content", ["", '"'])
def test_a_file_that_is_no_table_is_refused(folder: Path, content: str) -> None:
    (folder / "condition" / "condition_1.csv").write_text(content)
    with pytest.raises(DataError, match=r"condition_1\.csv"):
        load_folder(folder)


def test_a_parquet_file_that_is_none_is_refused(tables: tuple[Path, Path]) -> None:
    tables[0].write_text("not parquet")
    with pytest.raises(DataError, match="is not a Parquet table"):
        load_minutes(*tables)
    tables[0].unlink()
    with pytest.raises(DataError, match="is not there"):
        load_minutes(*tables)

"""What ``--data`` may name, what it is told when it names something else, and the real recordings.

Tests on real data run where the environment variable WINNOW_DATA names a folder with `actigraphy/`.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from search.errors import DataError
from trainables.pat.nonwear import worn_minutes
from trainables.pat.normalisation import Normalisation, check_normalised
from trainables.pat.real_data import load_actigraphy
from trainables.pat.splits import make_splits
from trainables.pat.windows import DAY, Recordings, cut
from trainables.techniques.splitting import Sampling

NAMES = {"condition_1": 1, "control_1": 0}


@pytest.fixture(scope="session")
def real() -> Path:
    folder = os.environ.get("WINNOW_DATA")
    if folder is None:
        pytest.skip("WINNOW_DATA does not name a folder that holds actigraphy/")
    return Path(folder) / "actigraphy"


@pytest.fixture(scope="session")
def measured(real: Path) -> Recordings:
    raw = load_actigraphy(real)
    assert raw is not None
    return raw


def minutes(name: str) -> pd.DataFrame:
    times = pd.date_range("2004-01-01", periods=DAY, freq="min")
    counts = np.arange(DAY) + NAMES[name]
    return pd.DataFrame(
        {"participant": name, "timestamp": times, "date": times.date, "activity": counts}
    )


def write_folder(root: Path) -> None:
    for name in NAMES:
        group = root / name.split("_")[0]
        group.mkdir(parents=True)
        minutes(name).drop(columns="participant").to_csv(group / f"{name}.csv", index=False)
    pd.DataFrame({"number": list(NAMES)}).to_csv(root / "scores.csv", index=False)


def write_tables(root: Path) -> None:
    pd.concat([minutes(name) for name in NAMES]).to_parquet(root / "a_minutes.parquet")
    people = pd.DataFrame({"participant": list(NAMES), "depression": list(NAMES.values())})
    people.to_csv(root / "a_participants.csv", index=False)


def write_windows(root: Path) -> None:
    np.savez(
        root / "a_windows_1440.npz",
        activity=np.stack([minutes(name)["activity"] for name in NAMES]),
        participant=np.array(list(NAMES)),
        start=np.array(["2004-01-01T00:00:00"] * 2),
        depression=np.array(list(NAMES.values())),
    )


def test_without_a_path_activity_is_generated() -> None:
    assert load_actigraphy(None) is None


@pytest.mark.parametrize("write", [write_folder, write_tables, write_windows])
def test_a_folder_of_any_form_is_recognised(tmp_path: Path, write) -> None:
    write(tmp_path)
    raw = load_actigraphy(tmp_path)
    assert raw is not None
    assert raw.participant.tolist() == [1, 1001]
    assert raw.label.tolist() == [1, 0]
    assert raw.activity.tolist() == [*range(1, DAY + 1), *range(DAY)]


def test_a_file_may_be_named_itself(tmp_path: Path) -> None:
    write_tables(tmp_path)
    write_windows(tmp_path)
    for name in ("a_minutes.parquet", "a_windows_1440.npz"):
        raw = load_actigraphy(tmp_path / name)
        assert raw is not None
        assert raw.participant.tolist() == [1, 1001]


def test_the_published_folder_may_lie_in_data(tmp_path: Path) -> None:
    write_folder(tmp_path / "data")
    raw = load_actigraphy(tmp_path)
    assert raw is not None
    assert len(raw) == 2


def test_minutes_need_their_participants(tmp_path: Path) -> None:
    write_tables(tmp_path)
    (tmp_path / "a_participants.csv").unlink()
    with pytest.raises(DataError, match=r"needs a_participants.parquet or .csv beside it"):
        load_actigraphy(tmp_path)


def test_half_a_folder_is_told_what_it_lacks(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "scores.csv").unlink()
    with pytest.raises(DataError, match=r"scores\.csv is not there"):
        load_actigraphy(tmp_path)


def test_something_else_is_told_what_is_expected_and_what_is_there(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("hello")
    with pytest.raises(DataError, match=r"condition/, control/ .* it holds notes\.txt"):
        load_actigraphy(tmp_path)
    with pytest.raises(DataError, match=r"PAXRAW_C\.xpt.*another kind of file"):
        load_actigraphy(notes)
    with pytest.raises(DataError, match="there is nothing at that path"):
        load_actigraphy(tmp_path / "absent")


def test_the_real_recordings_are_complete(measured: Recordings) -> None:
    assert len(measured) == 55
    assert np.bincount(measured.label).tolist() == [32, 23]
    assert len(measured.minute) == 1_571_706
    assert measured.dropped == {"duplicate_minutes": 0}
    assert (measured.activity.min(), measured.activity.max()) == (0.0, 8000.0)
    gaps = np.diff(measured.minute)
    inside = np.ones(len(gaps), bool)
    inside[measured.first[1:-1] - 1] = False
    assert np.sort(gaps[inside & (gaps != 1)]).tolist() == [61] * 5  # summer time begins


def test_three_real_series_hardly_ever_count_zero(measured: Recordings) -> None:
    silent = np.add.reduceat(measured.activity == 0, measured.first[:-1], dtype=np.int64)
    assert measured.participant[silent <= 2].tolist() == [2, 3, 1022]
    windows, _ = cut(measured, 1)
    worn = worn_minutes(windows.activity)
    hardly = np.isin(windows.participant, [2, 3, 1022])
    assert worn[hardly].all()
    assert not worn[~hardly].all()


def test_real_windows_equal_those_that_were_cut_before(real: Path, measured: Recordings) -> None:
    windows, _ = cut(measured, 7)
    assert (len(windows), int(windows.label.sum())) == (132, 47)
    archive = load_actigraphy(next(real.glob("*_windows_10080.npz")))
    assert archive is not None
    given, dropped = cut(archive, 7)
    assert not any(dropped.values())
    np.testing.assert_array_equal(windows.participant, given.participant)
    np.testing.assert_array_equal(windows.label, given.label)
    np.testing.assert_array_equal(windows.activity, given.activity)


def test_real_counts_need_a_fitted_scale(measured: Recordings) -> None:
    train = make_splits(measured, seed=0, days=7).train.activity
    assert check_normalised(Normalisation.fit(train, "per_minute").apply(train)) is None
    message = check_normalised(Normalisation.fit(train, "fixed").apply(train))
    assert message is not None
    assert "fit the scaler" in message


def summary(activity: np.ndarray) -> np.ndarray:
    """Level, spread and zeros of a window, how unlike its hours are, and the hours of its days."""
    log = np.log1p(activity)
    hours = activity.reshape(len(activity), -1, 24, 60).mean(axis=3)
    rows = [part(axis=1) for values in (activity, log) for part in (values.mean, values.std)]
    rows += [(activity == 0).mean(axis=1), hours.reshape(len(activity), -1).std(axis=1)]
    return np.column_stack([*rows, np.log1p(hours.mean(axis=1))])


def test_real_depression_can_be_told_in_unseen_people(measured: Recordings) -> None:
    scores = []
    for seed in range(10):
        splits = make_splits(measured, seed=seed, sampling=Sampling(split_seed=seed), days=7)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
        model.fit(summary(splits.train.activity), splits.train.label)
        predicted = model.predict_proba(summary(splits.test.activity))[:, 1]
        scores.append(roc_auc_score(splits.test.label, predicted))
    assert np.mean(scores) > 0.7

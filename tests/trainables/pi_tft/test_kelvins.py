"""The readers: generated archives, broken files, and the real tables where they are present.

Tests on real data run where the environment variable WINNOW_DATA names a folder with `kelvins/`.
"""

import logging
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from search.errors import DataError
from trainables.pi_tft import physics
from trainables.pi_tft.archive import write_archive
from trainables.pi_tft.columns import COLUMNS
from trainables.pi_tft.conjunctions import Conjunctions, Role, generate
from trainables.pi_tft.generator import GeneratorConfig
from trainables.pi_tft.kelvins import (
    EVENT_TABLE_COLUMNS,
    TCA_STATE_COLUMNS,
    TEST_EVENT_OFFSET,
    honest_subset,
    load_event_table,
    load_kelvins,
    load_tca_states,
)

SIZES = GeneratorConfig(n_train=30, n_validation=10, n_test=20)


@pytest.fixture
def drawn() -> dict[Role, Conjunctions]:
    return generate(SIZES, seed=0)


@pytest.fixture
def archive(tmp_path: Path, drawn: dict[Role, Conjunctions]) -> Path:
    write_archive(tmp_path, drawn)
    return tmp_path


@pytest.fixture(scope="session")
def real() -> Path:
    folder = os.environ.get("WINNOW_DATA")
    if folder is None:
        pytest.skip("WINNOW_DATA does not name a folder that holds kelvins/")
    return Path(folder) / "kelvins"


def test_there_are_103_different_columns() -> None:
    assert len(COLUMNS) == 103
    assert len(set(COLUMNS)) == 103
    # spot checks of the official order
    assert [COLUMNS[i] for i in (0, 3, 14, 44, 74, 87, 88, 102)] == [
        "event_id",
        "risk",
        "t_time_lastob_start",
        "c_object_type",
        "c_cndot_tdot",
        "t_sigma_r",
        "c_sigma_r",
        "AP",
    ]


def test_a_folder_gives_both_files_and_the_published_risks(
    archive: Path, drawn: dict[Role, Conjunctions]
) -> None:
    frame = load_kelvins(archive)
    assert tuple(frame.columns) == (*COLUMNS, "official_test", "true_risk")
    test = frame[frame["official_test"]]
    assert len(frame) - len(test) == sum(
        int(drawn[role].present.sum()) for role in ("train", "validation")
    )
    assert test["time_to_tca"].min() >= 2.0  # later messages are withheld
    assert set(test["event_id"]) == {i + TEST_EVENT_OFFSET for i in drawn["test"].event_id}
    published = test.groupby("event_id")["true_risk"].first().sort_index()
    np.testing.assert_allclose(published, drawn["test"].messages["risk"][:, -1])
    assert frame.loc[~frame["official_test"], "true_risk"].isna().all()


def test_one_file_may_be_given_instead_of_a_folder(archive: Path) -> None:
    assert not load_kelvins(archive / "train_data.csv")["official_test"].any()
    assert load_kelvins(archive / "test_data.csv")["official_test"].all()


def test_without_the_private_file_test_events_have_no_label(archive: Path) -> None:
    (archive / "test_data_private.csv").unlink()
    frame = load_kelvins(archive)
    assert frame["true_risk"].isna().all()


def test_numbers_survive_the_file(archive: Path, drawn: dict[Role, Conjunctions]) -> None:
    frame = load_kelvins(archive / "train_data.csv")
    train = drawn["train"]
    n = int(train.present.sum())
    for name in ("risk", "miss_distance", "c_sigma_t", "time_to_tca"):
        np.testing.assert_allclose(frame[name][:n], train.messages[name][train.present])


def test_missing_columns_are_named_with_near_misses(archive: Path) -> None:
    file = archive / "train_data.csv"
    frame = pd.read_csv(file).rename(columns={"t_j2k_ecc": "t_ecc"}).drop(columns="AP")
    frame.to_csv(file, index=False)
    with pytest.raises(DataError, match=r"lacks 2 of 103 columns: 't_j2k_ecc' \(there is 't_ecc'"):
        load_kelvins(file)


def test_a_foreign_file_does_not_flood_the_message(tmp_path: Path) -> None:
    file = tmp_path / "train_data.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"lacks 103 of 103 columns: .* and 93 more$"):
        load_kelvins(file)


def test_text_where_numbers_belong_is_refused(archive: Path) -> None:
    file = archive / "train_data.csv"
    frame = pd.read_csv(file).astype({"miss_distance": str})
    frame.loc[0, "miss_distance"] = "far"
    frame.to_csv(file, index=False)
    with pytest.raises(DataError, match="must hold numbers: miss_distance"):
        load_kelvins(file)


@pytest.mark.parametrize("content", ["", "\x00\x01\x02"])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "train_data.csv"
    file.write_text(content)
    with pytest.raises(DataError, match=r"train_data\.csv"):
        load_kelvins(file)


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "train_data.csv"
    file.write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(DataError, match="holds no messages"):
        load_kelvins(file)


def test_a_folder_without_the_files_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=r"train_data.csv or test_data.csv; it holds notes.txt"):
        load_kelvins(tmp_path)
    with pytest.raises(DataError, match="there is nothing at that path"):
        load_kelvins(tmp_path / "absent")


def test_rows_without_required_values_are_dropped_with_a_warning(
    archive: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = archive / "train_data.csv"
    frame = pd.read_csv(file)
    frame.loc[[0, 5], "risk"] = np.nan
    frame.loc[7, "time_to_tca"] = np.inf
    frame.loc[9, "risk"] = -45.0  # below the floor
    frame.loc[11, "t_span"] = np.nan  # allowed
    frame.to_csv(file, index=False)
    with caplog.at_level(logging.WARNING):
        loaded = load_kelvins(file)
    assert len(loaded) == len(frame) - 3
    assert "dropped 3 rows without event_id or time_to_tca or risk" in caplog.text
    assert loaded["risk"].min() >= physics.RISK_FLOOR
    assert loaded["event_id"].dtype == np.int64


def test_contradicting_published_risks_are_refused(archive: Path) -> None:
    file = archive / "test_data_private.csv"
    frame = pd.read_csv(file)
    pd.concat([frame, frame.head(1).assign(true_risk=-1.0)]).to_csv(file, index=False)
    with pytest.raises(DataError, match="several values of true_risk"):
        load_kelvins(archive)


def event_table(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.normal(size=n) for name in EVENT_TABLE_COLUMNS})
    return table.assign(event_id=np.arange(n), r_minus2=np.linspace(-12.0, -4.0, n))


def test_the_event_table_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "events.parquet"
    event_table().assign(std_risk_CDMs=np.nan, extra=1).to_parquet(file)
    assert tuple(load_event_table(file).columns) == EVENT_TABLE_COLUMNS
    event_table().assign(event_id=1).to_parquet(file)
    with pytest.raises(DataError, match="event_id must be unique"):
        load_event_table(file)
    event_table().assign(r_final=np.nan).to_parquet(file)
    with pytest.raises(DataError, match="40 rows have missing values"):
        load_event_table(file)
    event_table().rename(columns={"r_minus2": "r_minus_2"}).to_parquet(file)
    with pytest.raises(DataError, match=r"'r_minus2' \(there is 'r_minus_2'\)"):
        load_event_table(file)
    file.write_text("not parquet")
    with pytest.raises(DataError, match="not a Parquet table"):
        load_event_table(file)
    with pytest.raises(DataError, match="is not there"):
        load_event_table(tmp_path / "absent.parquet")


def test_the_honest_subset_leaves_the_leaking_events_out() -> None:
    table = event_table()
    honest = honest_subset(table)
    assert honest["r_minus2"].max() < physics.HIGH_RISK
    assert len(honest) == (table["r_minus2"] < -6.0).sum()


def tca_states(n: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.uniform(1.0, 2.0, n) for name in TCA_STATE_COLUMNS})
    for norm, axes in (("d^* [km]", ("x", "y", "z")), ("v^* [km/s]", ("vx", "vy", "vz"))):
        unit = norm.split()[1]
        difference = [table[f"s_j2k_{a} {unit}"] - table[f"p_j2k_{a} {unit}"] for a in axes]
        table[norm] = np.linalg.norm(difference, axis=0)
    return table


def test_the_states_must_agree_with_their_norms(tmp_path: Path) -> None:
    file = tmp_path / "states.parquet"
    tca_states().to_parquet(file)
    assert len(load_tca_states(file)) == 5
    wrong = tca_states()
    wrong["v^* [km/s]"] += np.array([0.0, 0.0, 1e-3, 0.0, 0.0])
    wrong.to_parquet(file)
    with pytest.raises(DataError, match=r"'v\^\* \[km/s\]' must be the norm .* off by up to 0.001"):
        load_tca_states(file)


def test_the_real_event_table_leaks_outside_its_honest_subset(real: Path) -> None:
    table = load_event_table(real / "kelvins_event_level_2881.parquet")
    high = table["r_final"] >= physics.HIGH_RISK
    honest = honest_subset(table)
    assert (len(table), int(high.sum()), len(honest)) == (2881, 160, 2770)
    assert high[table["r_minus2"] >= physics.HIGH_RISK].all()
    assert int((honest["r_final"] >= physics.HIGH_RISK).sum()) == 49
    score = average_precision_score(honest["r_final"] >= -6.0, honest["r_minus2"])
    assert 0.03 < score < 0.15  # hard, but not chance (0.018)


def test_real_risks_follow_from_their_maximum(real: Path) -> None:
    """The scaling column gives M; the Mahalanobis column, in three dimensions, does not."""
    table = load_event_table(real / "kelvins_event_level_2881.parquet")
    mahalanobis = physics.mahalanobis_from_scaling(table["max_risk_scaling"])
    rebuilt = physics.risk_from_maximum(table["max_risk_estimate"], mahalanobis)
    error = np.abs(rebuilt - table["r_minus2"])
    assert np.median(error) < 0.005
    assert np.quantile(error, 0.9) < 0.1
    assert np.all(table["mahalanobis_distance"] >= mahalanobis * (1 - 1e-3))
    wrong = physics.risk_from_maximum(table["max_risk_estimate"], table["mahalanobis_distance"])
    assert np.median(np.abs(wrong - table["r_minus2"])) > 5.0
    assert np.all(table["r_minus2"] <= table["max_risk_estimate"] + 0.01)


def test_the_closed_forms_rebuild_the_real_states(real: Path) -> None:
    states = load_tca_states(real / "kelvins_tca_states_2170.parquet")
    objects = {}
    for owner in ("p", "s"):
        position = states[[f"{owner}_j2k_{a} [km]" for a in ("x", "y", "z")]].to_numpy()
        velocity = states[[f"{owner}_j2k_{a} [km/s]" for a in ("vx", "vy", "vz")]].to_numpy()
        entry = {key: states[f"{owner}_c_{key}  [km^2]"] for key in ("rr", "tt", "nn")}
        rt, rn, tn = (states[f"{owner}_c_{key}  [km^2]"] for key in ("rt", "rn", "tn"))
        rows = [[entry["rr"], rt, rn], [rt, entry["tt"], tn], [rn, tn, entry["nn"]]]
        covariance = np.array(rows).transpose(2, 0, 1)
        axes = physics.rtn_axes(position, velocity)
        objects[owner] = (position, velocity, axes @ covariance @ np.swapaxes(axes, -1, -2))
    (p, s) = objects["p"], objects["s"]
    sigma_x, sigma_y, mahalanobis = physics.encounter_plane(s[0] - p[0], s[1] - p[1], p[2] + s[2])
    radius = states["R [km]"]
    np.testing.assert_allclose(np.square(mahalanobis), states["d_m^2 [km^2]"], rtol=1e-5)
    approximate = physics.collision_probability(radius, sigma_x, sigma_y, mahalanobis)
    np.testing.assert_allclose(approximate, states["Pc_approx"], rtol=1e-5)
    maximum = physics.maximum_collision_probability(radius, sigma_x, sigma_y, mahalanobis)
    np.testing.assert_allclose(maximum, states["Pc_max"], rtol=1e-5)
    exact = np.abs(np.log10(approximate / states["Pc"]))
    assert np.median(exact) < 0.01  # the small-radius form

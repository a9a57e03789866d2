"""Reading a recorded panel, from small files in its layout, and from the real ones.

Tests on real data run where the environment variable WINNOW_DATA names a folder with `conflict/`.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from search.errors import DataError
from trainables.han.data_config import DataConfig
from trainables.han.inputs import series_of, splits_of
from trainables.han.real_panels import DAILY_FILE, GRID_FILE, MONTHLY_FILE, load_panels

DAYS = 395
LAUNCHED = ["att_missile_launched", "att_shahed_launched", "att_uav_other_launched"]
COLUMNS = ["eq_tank", "eq_field artillery", "pers_personnel", *LAUNCHED, "ds_area", "wx_wind"]


def tables():
    rng = np.random.default_rng(0)
    date = pd.date_range("2022-02-25", periods=DAYS)
    daily = pd.DataFrame(rng.poisson(50, (DAYS, len(COLUMNS))).astype(float), columns=COLUMNS)
    daily.insert(0, "date", date)
    daily.loc[0, ["eq_tank", "eq_field artillery", "pers_personnel"]] = np.nan
    daily.loc[:49, LAUNCHED] = np.nan
    groups = daily.groupby(daily["date"].dt.to_period("M"))
    monthly = groups[COLUMNS].sum().reset_index(drop=True)
    monthly.insert(0, "date", [period.to_timestamp() for period, _ in groups])
    monthly["n_days"] = groups.size().to_numpy()
    return daily, monthly


def grid():
    share = np.zeros((300, 12, 12))
    share[:, :, 6:] = 1.0
    share[10:, 0, 0] = 0.5
    dates = pd.date_range("2022-06-01", periods=301).delete(5)  # a day without a map
    return {
        "date": dates.strftime("%Y-%m-%d").to_numpy(dtype="U10"),
        "occupied_fraction": share.astype(np.float16),
        "lat_south": 44 + 0.25 * np.arange(12),
        "lon_west": 32 + 0.25 * np.arange(12),
    }


def write(folder, daily=None, monthly=None, maps=None):
    one, other = tables()
    (one if daily is None else daily).to_parquet(folder / DAILY_FILE)
    (other if monthly is None else monthly).to_parquet(folder / MONTHLY_FILE)
    np.savez(folder / GRID_FILE, **(grid() if maps is None else maps))
    return folder


@pytest.fixture
def panel(tmp_path):
    return load_panels(write(tmp_path))


def test_without_a_folder_a_panel_is_generated():
    assert load_panels(None) is None


def test_sources_are_the_columns_by_their_prefix(panel):
    assert panel.first_day == np.datetime64("2022-02-25")
    assert panel.forecast_features == (
        "equipment.tank",
        "equipment.field_artillery",
        "personnel.personnel",
        "attacks.missile_launched",
        "attacks.shahed_launched",
        "attacks.uav_other_launched",
        "area.area",
        "weather.wind",
    )
    daily = tables()[0]
    assert np.array_equal(panel.daily["weather"][:, 0], daily["wx_wind"].to_numpy(np.float32))
    assert np.isnan(panel.daily["equipment"][0]).all()
    assert np.isnan(panel.daily["attacks"][:50]).all()


def test_months_that_were_not_whole_are_not_observed(panel):
    monthly = tables()[1]
    assert len(panel.monthly["personnel_monthly"]) == 14
    found = panel.monthly["personnel_monthly"][:, 0]
    assert np.isnan(found[[0, -1]]).all()  # four days of February, and the month that breaks off
    assert found[1:-1] == pytest.approx(monthly["pers_personnel"][1:-1])
    attacks = panel.monthly["attacks_monthly"]
    assert np.isnan(attacks[:3]).all()  # observed from the middle of April on
    assert not np.isnan(attacks[3:-1]).any()


def test_the_grid_is_coarsened(panel):
    front = panel.regional["front"]
    assert front.shape == (DAYS, 36, 3)
    first = (np.datetime64("2022-06-01") - panel.first_day).astype(int)
    assert np.isnan(front[:first]).all()
    assert np.isnan(front[first + 5]).all()
    assert np.isnan(front[[first, first + 5, first + 6], :, 2]).all()
    assert front[first, :, 0].reshape(6, 6).tolist() == [[0] * 3 + [1] * 3] * 6
    half = first + 11  # the tenth map after the gap
    assert front[half, 0].tolist() == [0.125, 0.25, 0.125]
    assert front[half + 1, 0].tolist() == [0.125, 0.25, 0.0]


def test_distances_are_kilometres(panel):
    assert panel.distances.shape == (36, 36)
    assert panel.distances[0, 6] == pytest.approx(0.5 * 111.2)  # half a degree to the north
    middle = np.radians(44 + 0.25 * 5.5)
    assert panel.distances[0, 1] == pytest.approx(0.5 * 111.2 * np.cos(middle))
    assert np.array_equal(panel.distances, panel.distances.T)


def test_what_is_foretold_by_hand(panel):
    daily = tables()[0]
    claimed = daily["pers_personnel"].to_numpy()
    assert np.array_equal(panel.targets["casualty"], claimed, equal_nan=True)
    week, before = claimed[200:207].mean(), np.median(claimed[170:200])
    assert panel.intensity[200] == pytest.approx(np.log1p(week) - np.log1p(before))
    assert np.isnan(panel.intensity[-6:]).all()
    assert not np.isnan(panel.intensity[-7])
    logs = np.log1p(daily[LAUNCHED].sum(axis=1).to_numpy())
    assert panel.targets["anomaly"][200] == pytest.approx(logs[200] - np.median(logs[172:200]))
    known = ~np.isnan(panel.targets["anomaly"])
    assert not known[:64].any()
    assert known[64:].all()  # two weeks after the first record


def test_a_claim_below_zero_is_no_count(tmp_path):
    daily, _ = tables()
    daily.loc[100, "pers_personnel"] = -20.0
    panel = load_panels(write(tmp_path, daily))
    assert np.isnan(panel.targets["casualty"][100])
    assert panel.daily["personnel"][100, 0] == -20


def test_the_splits_have_regimes(panel):
    config = DataConfig()
    splits = splits_of(config, panel, seed=0)
    regime = splits.panel.targets["regime"][40:240]
    assert np.bincount(regime[~np.isnan(regime)].astype(int)).min() > 20
    series = series_of(config, splits, torch.device("cpu"))
    assert series.suspect == ("weather", "weather_monthly")
    assert series.batch(series.anchors("test")[:2]).regional["front"].values.shape == (2, 32, 36, 3)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match=r"must hold daily_panel\.parquet; there is nothing"):
        load_panels(tmp_path / "nowhere")
    write(tmp_path)
    for name in (GRID_FILE, MONTHLY_FILE, DAILY_FILE):
        (tmp_path / name).unlink()
        with pytest.raises(DataError, match=f"must hold {name}"):
            load_panels(tmp_path)


@pytest.mark.parametrize("column", ["pers_personnel", "att_shahed_launched", "date"])
def test_a_column_that_is_missing_is_named(tmp_path, column):
    daily, _ = tables()
    write(tmp_path, daily.rename(columns={column: f"{column}s"}))
    with pytest.raises(DataError, match=f"no column '{column}'; did you mean '{column}s'"):
        load_panels(tmp_path)


@pytest.mark.parametrize("column", ["n_days", "eq_tank"])
def test_a_monthly_column_that_is_missing_is_named(tmp_path, column):
    write(tmp_path, monthly=tables()[1].drop(columns=column))
    with pytest.raises(DataError, match=f"no column '{column}'"):
        load_panels(tmp_path)


def test_days_have_to_follow_one_another(tmp_path):
    with pytest.raises(DataError, match="consecutive days"):
        load_panels(write(tmp_path, tables()[0].drop(index=7)))


@pytest.fixture(scope="session")
def real():
    folder = os.environ.get("WINNOW_DATA")
    if folder is None:
        pytest.skip("WINNOW_DATA does not name a folder that holds conflict/")
    return load_panels(Path(folder) / "conflict")


def test_the_real_panel_is_what_it_was_described_as(real):
    assert real.n_days == 1626
    assert [values.shape[1] for values in real.daily.values()] == [14, 1, 7, 2, 4]
    shares = [(~np.isnan(v[:, 0])).mean() for v in real.daily.values()]
    assert shares == pytest.approx([0.999, 0.999, 0.79, 0.46, 0.45], abs=0.01)
    assert np.nanmean(real.targets["casualty"]) == pytest.approx(894.65, abs=0.01)


def test_real_splits_can_be_learned_from_and_judged(real):
    splits = splits_of(DataConfig(), real, seed=0)
    assert [len(splits.anchors(name)) for name in splits.periods] == [305, 72, 126]
    for name in splits.periods:
        days = splits.anchors(name) + 1
        regime = splits.panel.targets["regime"][days]
        assert np.bincount(regime[~np.isnan(regime)].astype(int), minlength=4).min() > 0
        assert 0 < np.nanmean(splits.panel.targets["transition"][days]) < 1

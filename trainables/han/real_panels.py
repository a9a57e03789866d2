"""A recorded panel: claimed losses, air attacks, occupied area and weather of a war, day by day.

Read a number here as what a party to the war, or a volunteer, reported. Losses of equipment and
personnel are one side's claims about the other; days on which a total was corrected downwards are
negative. Nothing here is a label that somebody assigned; what is to be foretold is derived:

regime
    Quartile of how far the mean claimed personnel losses of the week that begins with the day
    exceed the median of the 30 days before; cuts are those of the training period
    (`windows.with_regimes`). Quartiles of the losses themselves would leave one class only in later
    years, which are all above those cuts.
transition
    Whether that quartile is above that of the week before.
casualty
    Claimed personnel losses of the day.
anomaly
    How far log(1 + missiles and drones launched) is from its median of the four weeks before.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from search.errors import DataError, did_you_mean
from trainables.han.panel import Doubles, Floats, Panel

DAILY_FILE: Final = "daily_panel.parquet"
MONTHLY_FILE: Final = "monthly_panel.parquet"
GRID_FILE: Final = "deepstate_daily_grid.npz"
PREFIXES: Final = MappingProxyType(
    {"equipment": "eq_", "personnel": "pers_", "attacks": "att_", "area": "ds_", "weather": "wx_"}
)
WHOLE: Final = MappingProxyType(  # share of a month's days that its sum or mean needs
    {"equipment": 0.9, "personnel": 0.9, "attacks": 0.9, "area": 0.5, "weather": 0.25}
)
PERSONNEL: Final = "pers_personnel"
LAUNCHED: Final = ("att_missile_launched", "att_shahed_launched", "att_uav_other_launched")
REGIONAL: Final = "front"
REGION_FEATURES: Final = ("occupied", "contested", "change")
BLOCKS: Final = 6  # a side of the coarse grid: 36 regions
WEEK: Final = 7
BEFORE: Final = 30  # days that a week is compared with
BACKGROUND: Final = 28  # days that an anomaly is compared with
KM_PER_DEGREE: Final = 111.2

Dates = NDArray[np.datetime64]


def load_panels(folder: Path | None) -> Panel | None:
    """Return the recorded panel of a folder; None (a panel is generated) without one.

    Parameters
    ----------
    folder
        Holds daily_panel.parquet, monthly_panel.parquet and deepstate_daily_grid.npz.

    Raises
    ------
    DataError
        If a file or a column is missing, or days are not consecutive.
    """
    if folder is None:
        return None
    daily = _table(folder / DAILY_FILE)
    monthly = _table(folder / MONTHLY_FILE)
    days = daily["date"].to_numpy().astype("datetime64[D]")
    if len(days) == 0 or not (np.diff(days).astype(np.int64) == 1).all():
        raise DataError(f"{folder / DAILY_FILE} must hold consecutive days, one row each")
    _require(daily, (PERSONNEL, *LAUNCHED), folder / DAILY_FILE)
    columns = {name: _columns(daily, prefix) for name, prefix in PREFIXES.items()}
    columns = {name: found for name, found in columns.items() if found}
    regional, distances = _regions(folder / GRID_FILE, days)
    sources = {name: _floats(daily[list(found)]) for name, found in columns.items()}
    names = {name: tuple(found.values()) for name, found in columns.items()}
    return Panel(
        first_day=days[0],
        daily=sources,
        regional={REGIONAL: regional},
        monthly=_full_months(daily, monthly, columns, folder / MONTHLY_FILE),
        distances=distances,
        targets={"casualty": _casualty(daily), "anomaly": _anomaly(daily)},
        features=names
        | {_monthly_name(name): found for name, found in names.items()}
        | {REGIONAL: REGION_FEATURES},
        intensity=_next_week(daily),
        suspect=tuple(name for name in ("weather", "weather_monthly") if "weather" in columns),
        reach=WEEK - 1,
    )


def _table(file: Path) -> pd.DataFrame:
    if not file.is_file():
        found = sorted(path.name for path in file.parent.glob("*")) if file.parent.is_dir() else []
        there = f"it holds {', '.join(found[:8])}" if found else "there is nothing at that path"
        raise DataError(f"{file.parent} must hold {file.name}; {there}")
    table = pd.read_parquet(file)
    _require(table, ("date",), file)
    return table


def _require(table: pd.DataFrame, columns: tuple[str, ...], file: Path) -> None:
    for column in columns:
        if column not in table:
            meant = did_you_mean(column, table.columns)
            raise DataError(f"{file} has no column {column!r}{meant}")


def _columns(table: pd.DataFrame, prefix: str) -> dict[str, str]:
    """Return the columns of a source, with their names inside it."""
    return {
        column: column.removeprefix(prefix).replace(" ", "_")
        for column in table.columns
        if column.startswith(prefix)
    }


def _monthly_name(source: str) -> str:
    return f"{source}_monthly"


def _floats(table: pd.DataFrame) -> Floats:
    return table.to_numpy(dtype=np.float32, na_value=np.nan)


def _full_months(
    daily: pd.DataFrame,
    monthly: pd.DataFrame,
    columns: Mapping[str, Mapping[str, str]],
    file: Path,
) -> dict[str, Floats]:
    """Take each month's aggregates, if the month was whole and its days were observed."""
    of_day = daily["date"].dt.to_period("M")
    months = pd.period_range(of_day.iloc[0], of_day.iloc[-1], freq="M")
    _require(monthly, ("n_days",), file)
    table = monthly.set_index(monthly["date"].dt.to_period("M")).reindex(months)
    whole = (table["n_days"] == months.days_in_month).to_numpy()
    found = {}
    for source, names in columns.items():
        _require(monthly, tuple(names), file)
        observed = daily[list(names)].notna().groupby(of_day).mean().reindex(months).to_numpy()
        fine = whole[:, np.newaxis] & (observed >= WHOLE[source])
        values = _floats(table[list(names)])
        found[_monthly_name(source)] = np.where(fine, values, np.float32(np.nan))
    return found


def _next_week(daily: pd.DataFrame) -> Doubles:
    """Return by how much the week from each day on exceeds the month before it, in logarithms."""
    claimed = daily[PERSONNEL].clip(lower=0)
    week = claimed[::-1].rolling(WEEK, min_periods=4).mean()[::-1]
    before = claimed.rolling(BEFORE, min_periods=BEFORE // 2).median().shift(1)
    found: Doubles = (np.log1p(week) - np.log1p(before)).to_numpy(np.float64, copy=True)
    found[max(0, len(found) - WEEK + 1) :] = np.nan  # their week is not over
    return found


def _casualty(daily: pd.DataFrame) -> Doubles:
    claimed = daily[PERSONNEL].to_numpy(np.float64)
    return np.where(claimed >= 0, np.round(claimed), np.nan)


def _anomaly(daily: pd.DataFrame) -> Doubles:
    launched = daily[list(LAUNCHED)].sum(axis=1, skipna=False)
    logs = np.log1p(launched.clip(lower=0))
    before = logs.rolling(BACKGROUND, min_periods=BACKGROUND // 2).median().shift(1)
    found: Doubles = (logs - before).to_numpy(np.float64)
    return found


def _regions(file: Path, days: Dates) -> tuple[Floats, Doubles]:
    """Coarsen the grid of occupied land to blocks, day by day.

    Returns
    -------
    values : ndarray of shape (n_days, n_regions, 3)
        Mean occupied share; share of cells that are neither wholly occupied nor wholly free; and
        what the first changed by since the day before. NaN on days without a map.
    distances : ndarray of shape (n_regions, n_regions)
        Kilometres between the blocks' centres.
    """
    if not file.is_file():
        raise DataError(f"{file.parent} must hold {file.name}")
    with np.load(file) as grid:
        share = grid["occupied_fraction"].astype(np.float64)  # (n_maps, rows, columns)
        dates = grid["date"].astype("datetime64[D]")
        south, west = grid["lat_south"], grid["lon_west"]
    contested = ((share > 0) & (share < 1)).astype(np.float64)
    place = (dates - days[0]).astype(np.int64)
    inside = (place >= 0) & (place < len(days))
    occupied = _blocks(share)
    values = np.full((len(days), occupied.shape[1], len(REGION_FEATURES)), np.nan, np.float32)
    values[place[inside], :, 0] = occupied[inside]
    values[place[inside], :, 1] = _blocks(contested)[inside]
    values[1:, :, 2] = np.diff(values[:, :, 0], axis=0)
    return values, _distances(south, west)


def _blocks(maps: Doubles) -> Doubles:
    """Average maps over blocks: (n_maps, rows, columns) to (n_maps, n_regions)."""
    rows = [part.mean(axis=1) for part in np.array_split(maps, BLOCKS, axis=1)]
    parts = [part.mean(axis=1) for row in rows for part in np.array_split(row, BLOCKS, axis=1)]
    return np.stack(parts, axis=1)


def _distances(south: Doubles, west: Doubles) -> Doubles:
    """Return kilometres between blocks, on a plane that touches the grid's middle."""
    north_km = [part.mean() * KM_PER_DEGREE for part in np.array_split(south, BLOCKS)]
    width = KM_PER_DEGREE * np.cos(np.radians(south.mean()))
    east_km = [part.mean() * width for part in np.array_split(west, BLOCKS)]
    places = np.array([(north, east) for north in north_km for east in east_km])
    distances: Doubles = np.sqrt(np.square(places[:, None] - places[None]).sum(axis=-1))
    return distances

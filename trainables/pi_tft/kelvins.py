"""Readers of the Kelvins collision avoidance data, with errors that say what is wrong with a file.

Three kinds of file are understood:

- the official archive (Zenodo 4463683; Uriot et al., arXiv:2008.03069): `load_kelvins`;
- a table of one row per event that a public study derived from it: `load_event_table`,
  `honest_subset`;
- a table of states at the closest approach that another one derived: `load_tca_states`.
"""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from search.errors import DataError
from trainables.pi_tft.columns import COLUMNS, OFFICIAL_TEST, REQUIRED, TRUE_RISK
from trainables.pi_tft.physics import HIGH_RISK, RISK_FLOOR
from trainables.techniques.tables import read_csv, read_parquet

TRAIN_FILE = "train_data.csv"
TEST_FILE = "test_data.csv"
PRIVATE_FILE = "test_data_private.csv"

TEST_EVENT_OFFSET = 1_000_000
"""Added to the event numbers of the test file, which start from 0 again."""

EVENT_TABLE_COLUMNS = (
    "event_id",
    "r_minus2",
    "time_to_tca",
    "max_risk_estimate",
    "max_risk_scaling",
    "mahalanobis_distance",
    "miss_distance",
    "c_position_covariance_det",
    "c_obs_used",
    "r_final",
    "number_CDMs",
    "mean_risk_CDMs",
    "std_risk_CDMs",
)

_POSITION = ("j2k_x [km]", "j2k_y [km]", "j2k_z [km]")
_VELOCITY = ("j2k_vx [km/s]", "j2k_vy [km/s]", "j2k_vz [km/s]")
_COVARIANCE = tuple(f"c_{axes}  [km^2]" for axes in ("rr", "tt", "nn", "rt", "rn", "tn"))
TCA_STATE_COLUMNS = (
    *("ID", "R [km]"),
    *(f"{owner}_{name}" for owner in ("p", "s") for name in (*_POSITION, *_VELOCITY, *_COVARIANCE)),
    *("Pc", "Pc_approx", "Pc_max", "d^* [km]", "v^* [km/s]", "d_m^2 [km^2]"),
)

_NORM_TOLERANCE = 1e-6  # km and km/s; the file has about ten significant digits

_log = logging.getLogger(__name__)


def load_kelvins(path: Path) -> pd.DataFrame:
    """Read official messages.

    Parameters
    ----------
    path : Path
        A folder with `train_data.csv`, `test_data.csv` or both, or one such file.
        `test_data_private.csv`, if it lies beside the test file, gives the test events their
        published final risk.

    Returns
    -------
    DataFrame
        The 103 official columns, `official_test` (bool) and `true_risk` (log10 Pc, NaN where
        unknown). The public test file withholds every message of the last two days, so the last row
        of a test event is not its label. Event numbers of the test file are shifted by
        `TEST_EVENT_OFFSET`. Risks are floored at -30. Rows without event number, time or risk are
        dropped, with a warning in the log. Rows after the closest approach (negative times) are
        kept: they are the last messages of their events.

    Raises
    ------
    DataError
        If there is no such file, or one lacks columns, holds text where numbers belong, or is
        empty.
    """
    parts = [_read_messages(file) for file in _message_files(Path(path))]
    return pd.concat(parts, ignore_index=True)


def load_event_table(path: Path) -> pd.DataFrame:
    """Read the table of one row per event (Parquet).

    Returns
    -------
    DataFrame
        `EVENT_TABLE_COLUMNS`: `r_minus2` and the other inputs are from the *earliest* message at
        least two days ahead; `number_CDMs`, `mean_risk_CDMs` and `std_risk_CDMs` (NaN for a single
        message) sum up all of them; `r_final` is the target. Events whose risk fell from high to
        low were left out by the table's author, so `r_minus2 >= -6` implies a positive: reduce the
        table with `honest_subset` before any use.

    Raises
    ------
    DataError
        If the file is not such a table.
    """
    table = read_parquet(Path(path), EVENT_TABLE_COLUMNS)
    inputs = [name for name in EVENT_TABLE_COLUMNS if name != "std_risk_CDMs"]
    incomplete = int(table[inputs].isna().any(axis=1).sum())
    if incomplete:
        raise DataError(
            f"{path}: {incomplete} rows have missing values; only std_risk_CDMs may be missing"
        )
    if table["event_id"].duplicated().any():
        raise DataError(f"{path}: event_id must be unique, one row per event")
    return table


def honest_subset(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the events that were not high risk at the earliest message: "will this event escalate?".

    Among the others every event is a positive, because the table's author dropped those that calmed
    down; a model that saw them would learn the selection.
    """
    return table[table["r_minus2"] < HIGH_RISK].reset_index(drop=True)


def load_tca_states(path: Path) -> pd.DataFrame:
    """Read the table of states and covariances at the closest approach (Parquet).

    Returns
    -------
    DataFrame
        `TCA_STATE_COLUMNS`, in kilometres and seconds; `d_m^2` is the squared Mahalanobis distance
        in the encounter plane (it has no unit, whatever its name says). Every Pc is at least 1e-6,
        so the table serves checks of the closed forms, not the high-risk label.

    Raises
    ------
    DataError
        If the file is not such a table, or a distance or speed is not the norm of the difference of
        the states.
    """
    table = read_parquet(Path(path), TCA_STATE_COLUMNS)
    for column, names in (("d^* [km]", _POSITION), ("v^* [km/s]", _VELOCITY)):
        difference = [table[f"s_{name}"] - table[f"p_{name}"] for name in names]
        error = np.abs(np.linalg.norm(difference, axis=0) - table[column]).max()
        if not error <= _NORM_TOLERANCE:
            raise DataError(
                f"{path}: {column!r} must be the norm of the difference of the "
                f"states; it is off by up to {error:g}"
            )
    return table


def _message_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = [path / name for name in (TRAIN_FILE, TEST_FILE) if (path / name).is_file()]
    if not found:
        there = sorted(file.name for file in path.iterdir()) if path.is_dir() else []
        holds = f"it holds {', '.join(there[:8])}" if there else "there is nothing at that path"
        raise DataError(f"{path} must be, or hold, {TRAIN_FILE} or {TEST_FILE}; {holds}")
    return found


def _read_messages(file: Path) -> pd.DataFrame:
    official_test = file.name == TEST_FILE
    frame = _complete(file, _numeric(file, read_csv(file, COLUMNS)))
    numbers = frame["event_id"].astype(np.int64) + TEST_EVENT_OFFSET * official_test
    known = pd.Series(dtype=np.float64)
    if official_test:
        known = _published_risks(file.with_name(PRIVATE_FILE))
    added = {OFFICIAL_TEST: official_test, TRUE_RISK: numbers.map(known).astype(np.float64)}
    whole = pd.concat([frame, pd.DataFrame(added, index=frame.index)], axis=1)
    return whole.assign(event_id=numbers, risk=whole["risk"].clip(lower=RISK_FLOOR))


def _numeric(file: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Insist on numbers in every column but one, and treat infinite ones as missing."""
    text = [
        name
        for name in COLUMNS
        if name != "c_object_type" and not pd.api.types.is_numeric_dtype(frame[name])
    ]
    if frame.empty:
        raise DataError(f"{file} holds no messages")
    if text:
        raise DataError(f"{file}: these columns must hold numbers: {', '.join(text)}")
    return frame.replace([np.inf, -np.inf], np.nan)


def _complete(file: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Drop the rows that lack a required value, and say so."""
    complete = frame[list(REQUIRED)].notna().all(axis=1)
    if not complete.any():
        raise DataError(f"{file} holds no message with {', '.join(REQUIRED)}")
    if not complete.all():
        _log.warning(
            "%s: dropped %d rows without %s", file, (~complete).sum(), " or ".join(REQUIRED)
        )
    return frame[complete].reset_index(drop=True)


def _published_risks(file: Path) -> pd.Series:
    """Map shifted numbers of test events to final risks; empty if the file is not there."""
    if not file.is_file():
        return pd.Series(dtype=np.float64)
    table = read_csv(file, ("event_id", TRUE_RISK)).dropna()
    per_event = table.groupby("event_id")[TRUE_RISK]
    if (per_event.nunique() > 1).any():
        raise DataError(f"{file}: an event has several values of {TRUE_RISK}")
    risks = per_event.first().clip(lower=RISK_FLOOR)
    return risks.set_axis(risks.index.astype(np.int64) + TEST_EVENT_OFFSET)

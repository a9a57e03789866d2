"""Readers of the Depresjon data (Garcia-Ceja et al. 2018, doi:10.1145/3204949.3208125).

23 people with a depression and 32 without wore an Actiwatch at the wrist. Three forms are read:

- the published folder, one file of comma-separated values per person: `load_folder`;
- one table of all minutes, with a table of participants beside it: `load_minutes`;
- windows of whole days, already cut: `load_windows`.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from search.errors import DataError, near_miss
from trainables.pat.windows import DAY, Recordings, recordings
from trainables.techniques.tables import read_csv, read_parquet, require

GROUPS: Mapping[str, int] = {"condition": 1, "control": 0}
"""Folder, and first part of a person's name, with the label it stands for."""

SCORES_FILE = "scores.csv"
RECORDING_COLUMNS = ("timestamp", "date", "activity")
MINUTES_COLUMNS = ("participant", "timestamp", "activity")
PARTICIPANT_COLUMNS = ("participant", "depression")
WINDOW_ARRAYS = ("activity", "participant", "start", "depression")

CONTROL_OFFSET = 1000
"""condition_7 is participant 7, control_7 is participant 1007."""

_NAME = re.compile(r"(condition|control)_(\d{1,3})")


def participant_number(name: str) -> int:
    """Return the number of a person's name.

    Raises
    ------
    DataError
        If it is not "condition_" or "control_" and a number.

    Examples
    --------
    >>> participant_number("condition_7"), participant_number("control_7")
    (7, 1007)
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise DataError(f"a participant is called condition_1, control_1 and so on, not {name!r}")
    return int(found[2]) + CONTROL_OFFSET * (found[1] == "control")


def load_folder(path: Path) -> Recordings:
    """Read the published folder.

    Parameters
    ----------
    path : Path
        Holds `condition/`, `control/` and `scores.csv`; the folder above, with all three in
        `data/`, will do.

    Raises
    ------
    DataError
        If one of the three is not there, a file is not a recording, or a recorded person is not in
        `scores.csv`.
    """
    root = path / "data" if (path / "data" / SCORES_FILE).is_file() else path
    _require_folder(root)
    known = set(read_csv(root / SCORES_FILE, ("number",))["number"].astype(str))
    files = [file for group in GROUPS for file in sorted((root / group).glob("*.csv"))]
    if unknown := [file.stem for file in files if file.stem not in known]:
        raise DataError(
            f"{root / SCORES_FILE} has no row for {unknown[0]!r}{near_miss(unknown[0], known)}"
        )
    parts = [read_csv(file, RECORDING_COLUMNS) for file in files]
    sizes = [len(part) for part in parts]
    numbers = [participant_number(file.stem) for file in files]
    return recordings(
        np.repeat(numbers, sizes),
        np.concatenate([_minutes(file, part) for file, part in zip(files, parts, strict=True)]),
        np.concatenate([_counts(file, part) for file, part in zip(files, parts, strict=True)]),
        {number: GROUPS[file.parent.name] for number, file in zip(numbers, files, strict=True)},
    )


def load_minutes(path: Path, participants: Path) -> Recordings:
    """Read a Parquet table of all minutes.

    Parameters
    ----------
    path : Path
        With columns `participant`, `timestamp` and `activity`.
    participants : Path
        Parquet or comma-separated values, with columns `participant` and `depression` (0 or 1).

    Raises
    ------
    DataError
        If a table is not there or lacks columns, or a participant has no label.
    """
    table = read_parquet(path, MINUTES_COLUMNS)
    names = table["participant"].astype("category")
    labels = _labels(participants)
    people = [str(name) for name in names.cat.categories]
    if unlabelled := [name for name in people if name not in labels]:
        raise DataError(
            f"{participants} has no row for {unlabelled[0]!r}{near_miss(unlabelled[0], labels)}"
        )
    numbers = np.array([participant_number(name) for name in people], np.int64)
    return recordings(
        numbers[names.cat.codes.to_numpy()],
        _minutes(path, table),
        _counts(path, table),
        {participant_number(name): label for name, label in labels.items()},
    )


def load_windows(path: Path) -> Recordings:
    """Read windows that somebody has cut (NumPy archive).

    They become recordings again, so that shorter windows can be cut from them. Cut into windows of
    the length that they have, they come out as they are if, as with `windows.cut`, those of a
    participant begin whole windows apart.

    Parameters
    ----------
    path : Path
        With arrays `activity` (n_windows, minutes), `participant` (names), `start` (times, each a
        midnight) and `depression` (0 or 1).

    Raises
    ------
    DataError
        If the file is not such an archive, a window does not begin at midnight or end before one,
        or two windows of a participant overlap.
    """
    arrays = _read_archive(path)
    activity = arrays["activity"]
    starts = _times(path, arrays["start"])
    if activity.ndim != 2 or activity.shape[1] % DAY or np.any(starts % DAY):
        raise DataError(
            f"{path}: windows must be whole days of {DAY} minutes from midnight; activity has the "
            f"shape {activity.shape}, and {int(np.sum(starts % DAY != 0))} do not start at midnight"
        )
    length = activity.shape[1]
    numbers = np.array([participant_number(str(name)) for name in arrays["participant"]], np.int64)
    labels = dict(zip(numbers.tolist(), arrays["depression"].astype(int).tolist(), strict=True))
    minutes = (starts[:, None] + np.arange(length)).ravel()
    raw = recordings(np.repeat(numbers, length), minutes, activity.ravel(), labels)
    if raw.dropped["duplicate_minutes"]:
        raise DataError(f"{path}: windows of the same participant overlap")
    return raw


def _require_folder(root: Path) -> None:
    wanted = {f"{group}/": (root / group).is_dir() for group in GROUPS}
    wanted[SCORES_FILE] = (root / SCORES_FILE).is_file()
    if missing := [name for name, there in wanted.items() if not there]:
        raise DataError(f"{root} must hold {', '.join(wanted)}; {', '.join(missing)} is not there")


def _labels(file: Path) -> dict[str, int]:
    """Map names to 0 or 1."""
    read = read_parquet if file.suffix == ".parquet" else read_csv
    table = read(file, PARTICIPANT_COLUMNS)
    if not table["depression"].isin((0, 1)).all():
        raise DataError(f"{file}: depression must be 0 or 1")
    return dict(zip(table["participant"].astype(str), table["depression"].astype(int), strict=True))


def _minutes(file: Path, table: pd.DataFrame) -> NDArray[np.int64]:
    return _times(file, table["timestamp"].to_numpy())


def _times(file: Path, values: NDArray[Any]) -> NDArray[np.int64]:
    """Return minutes since the midnight of 1970-01-01, local time."""
    try:
        times = pd.to_datetime(pd.Series(values), format="ISO8601").to_numpy("datetime64[s]")
    except (ValueError, TypeError) as error:
        raise DataError(f"{file} holds something that is not a time: {error}") from error
    if np.isnat(times).any():
        raise DataError(f"{file} holds rows without a time")
    return times.astype("datetime64[m]").astype(np.int64)


def _counts(file: Path, table: pd.DataFrame) -> NDArray[np.float32]:
    if not pd.api.types.is_numeric_dtype(table["activity"]):
        raise DataError(f"{file}: activity must hold numbers")
    return table["activity"].to_numpy(np.float32)


def _read_archive(file: Path) -> dict[str, NDArray[Any]]:
    if not file.is_file():
        raise DataError(f"{file} is not there")
    if not zipfile.is_zipfile(file):
        raise DataError(f"{file} is not a NumPy archive of windows")
    with np.load(file, allow_pickle=False) as archive:
        require(file, WINDOW_ARRAYS, archive.files, "arrays")
        return {name: archive[name] for name in WINDOW_ARRAYS}

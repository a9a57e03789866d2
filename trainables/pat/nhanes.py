"""Readers of the survey NHANES: minute counts of 2003-2006, and who is depressed.

Minute files (`PAXRAW_C.xpt` of 2003-04, `PAXRAW_D.xpt` of 2005-06; SAS transport) hold seven days
of an ActiGraph AM-7164 at the hip, one row per minute. Depression is the sum of the nine items of
the Patient Health Questionnaire being 10 or more (Kroenke et al. 2001,
doi:10.1046/j.1525-1497.2001.016009606.x), from `DPQ_D.xpt`; the survey did not ask it in 2003-04,
nor of children, so that people without answers are unlabelled: they serve pre-training.

Missing items: items are 0 to 3; 7 (refused), 9 (do not know) and blanks are missing. Nothing is
imputed. A label is given where the missing items cannot change it: the known items alone reach 10,
or they stay below 10 with 3 for every missing item. Everybody else is unlabelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from search.errors import DataError
from trainables.pat.windows import DAY, UNKNOWN, Recordings, recordings

MINUTE_COLUMNS: Final = (
    *("SEQN", "PAXSTAT", "PAXCAL", "PAXDAY", "PAXN", "PAXHOUR", "PAXMINUT", "PAXINTEN"),
)
ITEMS: Final = tuple(f"DPQ0{item}0" for item in range(1, 10))

DEPRESSED: Final = 10
"""Sum of the nine items from which on a person counts as depressed."""

_MOST: Final = 3  # points of an item
_ROWS: Final = 1_000_000  # of a chunk: a file of a whole survey has 75 million
_GOOD: Final = 1  # PAXSTAT: reliable; PAXCAL: in calibration

Column = NDArray[np.int32] | NDArray[np.float32] | NDArray[np.bool_]


def load_nhanes(folder: Path) -> Recordings:
    """Read all minute files and all questionnaires of a folder.

    Returns
    -------
    Recordings
        Under the survey's numbers (`SEQN`), which never repeat between years. People whose device
        was out of calibration (`PAXCAL`), whose data the survey calls questionable (`PAXSTAT`), or
        whose hours and minutes do not follow from the rows' numbers (`PAXN`) are left out:
        `dropped["unreliable_participants"]`.

    Raises
    ------
    DataError
        If there is no minute file, or a file is not a SAS transport file or lacks columns.

    Notes
    -----
    A whole cycle is 75 million rows: allow 20 bytes of memory for each, and twice that while they
    are put together.
    """
    files = minute_files(folder)
    if not files:
        raise DataError(
            f"{folder} must hold minute files of 2003-2006, PAXRAW_C.xpt or PAXRAW_D.xpt; later "
            "ones (PAXMIN) hold acceleration, not counts"
        )
    chunks = [chunk for file in files for chunk in _minutes_of(file)]
    if not chunks:
        raise DataError(f"{', '.join(file.name for file in files)} hold no minutes")
    person, minute, activity, good = (np.concatenate(part) for part in zip(*chunks, strict=True))
    unreliable = np.unique(person[good == 0])
    reliable = ~np.isin(person, unreliable)
    labels = {
        number: label
        for file in _found(folder, "DPQ")
        for number, label in questionnaire(file).items()
    }
    return recordings(
        person[reliable],
        minute[reliable],
        activity[reliable],
        labels,
        {"unreliable_participants": len(unreliable)},
    )


def minute_files(folder: Path) -> list[Path]:
    """Return the minute files of a folder, whatever the case of their names."""
    return _found(folder, "PAXRAW")


def questionnaire(file: Path) -> dict[int, int]:
    """Read who is depressed.

    Returns
    -------
    dict of int to int
        Label of each person: 1, 0, or -1 where missing items leave it open.

    Raises
    ------
    DataError
        If the file is not a SAS transport file or lacks an item.
    """
    parts = list(_chunks(file, ("SEQN", *ITEMS)))
    if not parts:
        raise DataError(f"{file} holds no answers")
    table = pd.concat(parts).dropna(subset="SEQN")
    labels = phq9_labels(table[list(ITEMS)].to_numpy(np.float64))
    return dict(zip(table["SEQN"].astype(int).tolist(), labels.tolist(), strict=True))


def phq9_labels(items: NDArray[np.float64]) -> NDArray[np.int64]:
    """Tell from nine items who is depressed.

    Parameters
    ----------
    items : ndarray of shape (n_people, 9)
        0 to 3; anything else, NaN too, is missing.

    Returns
    -------
    ndarray of int64, shape (n_people,)

    Examples
    --------
    >>> phq9_labels(np.array([[2, 2, 2, 2, 2, 0, 0, 0, 9], [1, 1, 1, 1, 1, 1, 1, 1, 7.0]]))
    array([ 1, -1])
    """
    known = np.isin(items, np.arange(_MOST + 1))
    least = np.where(known, items, 0.0).sum(axis=1)
    most = least + _MOST * (~known).sum(axis=1)
    decided = np.where(least >= DEPRESSED, 1, UNKNOWN)
    return np.where(most < DEPRESSED, 0, decided).astype(np.int64)


def _found(folder: Path, start: str) -> list[Path]:
    files = [file for file in folder.iterdir() if file.suffix.lower() == ".xpt"]
    return sorted(file for file in files if file.name.upper().startswith(start))


def _minutes_of(file: Path) -> Iterator[tuple[Column, ...]]:
    """Yield participant, minute, counts, and whether the row is reliable, chunk by chunk.

    The midnight before the first minute is minute 0 for everybody: no date is published.
    """
    for chunk in _chunks(file, MINUTE_COLUMNS):
        if chunk.isna().any(axis=None):
            raise DataError(f"{file}: rows of minutes lack values")
        values = {name: chunk[name].to_numpy(np.int32) for name in MINUTE_COLUMNS}
        person, number = values["SEQN"], values["PAXN"] - 1
        first = (60 * values["PAXHOUR"] + values["PAXMINUT"] - number) % DAY
        moved = np.zeros(len(person), np.bool_)  # hour and minute do not follow from the number
        moved[1:] = (person[1:] == person[:-1]) & (first[1:] != first[:-1])
        good = (values["PAXSTAT"] == _GOOD) & (values["PAXCAL"] == _GOOD) & ~moved
        yield person, number + first, values["PAXINTEN"].astype(np.float32), good


def _chunks(file: Path, wanted: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the wanted columns in pieces of a million rows."""
    for chunk in _read(file):
        names = {str(name).upper(): name for name in chunk.columns}
        if missing := [name for name in wanted if name not in names]:
            raise DataError(f"{file} lacks {', '.join(missing)}; it has {', '.join(names)}")
        columns = chunk[[names[name] for name in wanted]].set_axis(list(wanted), axis=1)
        # all are whole numbers; pandas reads zeros of the IBM format as 5e-79 (its issue 50670)
        yield columns.round()


def _read(file: Path) -> Iterator[pd.DataFrame]:
    try:
        with pd.read_sas(file, format="xport", chunksize=_ROWS, encoding="latin-1") as reader:
            yield from reader
    except (ValueError, KeyError) as error:
        raise DataError(f"{file} is not a SAS transport file: {error}") from error

"""Tables from files, with errors that say what a file lacks."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from search.errors import DataError

MOST_NAMED = 10  # missing columns that an error names


def read_csv(file: Path, wanted: Sequence[str]) -> pd.DataFrame:
    """Read columns of a table of comma-separated values.

    Raises
    ------
    DataError
        If the file is not there, is no table, or lacks a column.
    """
    if not file.is_file():
        raise DataError(f"{file} is not there")
    try:
        header = pd.read_csv(file, nrows=0, skipinitialspace=True).columns
        require(file, wanted, header)
        table = pd.read_csv(file, usecols=list(wanted), skipinitialspace=True, low_memory=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise DataError(f"{file} is not a table of comma-separated values: {error}") from error
    return table[list(wanted)]


def read_parquet(file: Path, wanted: Sequence[str]) -> pd.DataFrame:
    """Read columns of a Parquet table.

    Raises
    ------
    DataError
        If the file is not there, is no table, or lacks a column.
    """
    if not file.is_file():
        raise DataError(f"{file} is not there")
    try:
        table = pd.read_parquet(file)
    except (ValueError, OSError) as error:
        raise DataError(f"{file} is not a Parquet table: {error}") from error
    require(file, wanted, table.columns)
    return table[list(wanted)]


def require(
    file: Path, wanted: Sequence[str], found: Collection[str], what: str = "columns"
) -> None:
    """Raise if something is missing, naming it with the nearest name that is there.

    Raises
    ------
    DataError
        If it is.
    """
    names = [str(name) for name in found]
    missing = [name for name in wanted if name not in names]
    if not missing:
        return
    spare = [name for name in names if name not in wanted]
    parts = []
    for name in missing[:MOST_NAMED]:
        near = difflib.get_close_matches(name, spare, n=1)
        parts.append(f"{name!r} (there is {near[0]!r})" if near else repr(name))
    more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
    raise DataError(
        f"{file} lacks {len(missing)} of {len(wanted)} {what}: {', '.join(parts)}{more}"
    )

"""Tables from files, with errors that say what a file lacks."""

from __future__ import annotations

import difflib
import warnings
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from search.errors import DataError

MOST_NAMED = 10  # missing columns that an error names
_UNREADABLE = (ValueError, OSError, EOFError, zlib.error, pd.errors.ParserWarning)


def read_csv(file: Path, wanted: Sequence[str]) -> pd.DataFrame:
    """Read columns of a table of comma-separated values.

    Raises
    ------
    DataError
        If the file is not there, is no table, lacks a column, or has rows longer than its header.
    """
    table = _parse_csv(file)
    require(file, wanted, table.columns)
    return table[list(wanted)]


def read_parquet(file: Path, wanted: Sequence[str]) -> pd.DataFrame:
    """Read columns of a Parquet table; those that its writer made the index are columns too.

    Raises
    ------
    DataError
        If the file is not there, is no table, or lacks a column.
    """
    _require_file(file)
    try:
        table = pd.read_parquet(file)
        table = table.reset_index(drop=list(table.index.names) == [None])
    except (ValueError, OSError) as error:
        raise DataError(f"{file} is not a Parquet table: {error}") from error
    require(file, wanted, table.columns)
    return table[list(wanted)]


def require(
    file: Path, wanted: Sequence[str], found: Collection[object], what: str = "columns"
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
    spare = {name.casefold(): name for name in names if name not in wanted}
    parts = []
    for name in missing[:MOST_NAMED]:
        near = difflib.get_close_matches(name.casefold(), spare, n=1)
        parts.append(f"{name!r} (there is {spare[near[0]]!r})" if near else repr(name))
    more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
    raise DataError(
        f"{file} lacks {len(missing)} of {len(wanted)} {what}: {', '.join(parts)}{more}"
    )


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise DataError(f"{file} is not there")


def _parse_csv(file: Path) -> pd.DataFrame:
    _require_file(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows that are cut off
            # Without index_col=False, or with usecols, rows longer than the header pass in silence,
            # shifted by a column or cut off.
            return pd.read_csv(file, index_col=False, skipinitialspace=True, low_memory=False)
    except _UNREADABLE as error:
        raise DataError(
            f"{file} is not a table of comma-separated values: {str(error).strip()}"
        ) from error

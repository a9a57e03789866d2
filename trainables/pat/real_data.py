"""What ``--data`` may point at: Depresjon in one of its forms, or a folder of NHANES."""

from __future__ import annotations

from pathlib import Path

from search.errors import DataError
from trainables.pat.depresjon import GROUPS, SCORES_FILE, load_folder, load_minutes, load_windows
from trainables.pat.nhanes import load_nhanes, minute_files
from trainables.pat.windows import Recordings

MINUTES = "*_minutes.parquet"
WINDOWS = "*_windows_*.npz"

_EXPECTED = (
    "the Depresjon folder (condition/, control/ and scores.csv), a table of minutes "
    "(NAME_minutes.parquet with NAME_participants.parquet or .csv beside it), an archive of "
    "windows (.npz), or NHANES minute files (PAXRAW_C.xpt, PAXRAW_D.xpt, with DPQ_D.xpt)"
)


def load_actigraphy(path: Path | None) -> Recordings | None:
    """Return the recordings behind a path; None (activity is generated) without one.

    Parameters
    ----------
    path
        A folder with one of these, or the table or archive itself: the published Depresjon folder;
        a table of minutes with its participants; an archive of windows; files of NHANES. Where a
        folder holds several, the first one named here is read.

    Raises
    ------
    DataError
        If there is none of these, saying what is there instead; or if a file is not what its name
        promises.
    """
    if path is None:
        return None
    if path.is_dir():
        return _from_folder(path)
    if path.suffix == ".npz":
        return load_windows(path)
    if path.suffix == ".parquet":
        return load_minutes(path, _participants_of(path))
    raise DataError(f"{path} must be, or hold, {_EXPECTED}; {_there(path)}")


def _from_folder(path: Path) -> Recordings:
    roots = (path, path / "data")
    if any((root / name).exists() for root in roots for name in (*GROUPS, SCORES_FILE)):
        return load_folder(path)
    if minutes := sorted(path.glob(MINUTES)):
        return load_minutes(minutes[0], _participants_of(minutes[0]))
    if windows := sorted(path.glob(WINDOWS)):
        return load_windows(windows[0])
    if minute_files(path):
        return load_nhanes(path)
    raise DataError(f"{path} must be, or hold, {_EXPECTED}; {_there(path)}")


def _participants_of(minutes: Path) -> Path:
    """Find the table of participants beside a table of minutes."""
    start = minutes.stem.removesuffix("_minutes")
    for suffix in (".parquet", ".csv"):
        file = minutes.with_name(f"{start}_participants{suffix}")
        if file.is_file():
            return file
    raise DataError(
        f"{minutes} needs {start}_participants.parquet or .csv beside it, with the columns "
        "participant and depression"
    )


def _there(path: Path) -> str:
    if path.is_file():
        return "this is another kind of file"
    names = sorted(file.name for file in path.iterdir()) if path.is_dir() else []
    return f"it holds {', '.join(names[:8])}" if names else "there is nothing at that path"

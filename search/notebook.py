"""A study's results in a notebook: ``search.results(STUDY).table``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.study import Study

if TYPE_CHECKING:
    from search.reports import Results


def results(study: Study | str, storage: str = "sqlite:///winnow.db") -> Results:
    """Return a study's priority table, runs and curves as pandas DataFrames.

    Parameters
    ----------
    study
        The study, or its name.
    storage
        The study database.

    Returns
    -------
    Results
        With `table`, `runs`, `curves`, `looks` and the whole `report`.

    Raises
    ------
    StorageError
        If there is no such database, or the study was never registered in it.

    Examples
    --------
    In a notebook::

        found = search.results("pi-tft")
        found.table[["technique", "effect", "ci_low", "ci_high", "word"]]
    """
    # pandas and plotly take a second to import, and a study file needs neither
    from search import reports
    from search.storage.database import Database

    database = Database(storage, create=False)
    try:
        return reports.results(database, study if isinstance(study, str) else study.name)
    finally:
        database.close()

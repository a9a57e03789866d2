"""A study in a notebook or a script: ``found = STUDY.run()``, ``search.results(STUDY).table``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search.study import Study

if TYPE_CHECKING:
    from search.reports import Results, SearchResults

STORAGE = "sqlite:///winnow.db"


def results(study: Study | str, storage: str = STORAGE) -> Results:
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


def run_study(
    study: Study,
    *,
    profile: str = "standard",
    looks: tuple[int, ...] = (),
    tuning: str | None = None,
    trials: int = 16,
    stack: bool = True,
    hours: float | None = None,
    storage: str = STORAGE,
    **where: Any,
) -> Results:
    """Measure and rank a study's techniques, as ``winnow run`` does; the same call again resumes.

    In a notebook a table shows how far every stage is; elsewhere lines do. Interrupting the cell
    loses nothing.

    Parameters
    ----------
    study
        The study. What an interactive session defines is told apart by its compiled code: another
        version of Python counts as a change there, and a file of its own does not have that.
    profile, looks, tuning, trials, stack, hours
        As the options of ``winnow run``.
    storage
        The study database.
    **where
        Further fields of `search.protocol.searching.Options`: `engine` ("local" by default, or
        "ray"), `artifacts`, `address`, `workers`, `data`, `seed`.

    Raises
    ------
    StudyError, OptionError
        If the study or an option is wrong, before anything runs.
    """
    from search.interactive import measure  # the engine: a study file needs none of it

    return measure(
        study,
        profile=profile,
        looks=looks,
        tuning=tuning,
        trials=trials,
        stack=stack,
        hours=hours,
        storage=storage,
        where=where,
    )


def rerun_study(
    study: Study,
    *arms: str,
    because: str,
    hours: float | None = None,
    storage: str = STORAGE,
    **where: Any,
) -> Results:
    """Run measured arms again by the design that is registered, as ``winnow rerun`` does.

    Parameters
    ----------
    study
        The study.
    *arms
        Names of techniques; "baseline" means every arm.
    because
        The reason, which every report lists.
    hours
        As in `run_study`.
    storage
        The study database.
    **where
        As in `run_study`.

    Raises
    ------
    StudyError, OptionError
        If the study or an option is wrong, before anything runs.
    """
    from search.interactive import repeat

    return repeat(study, arms, because=because, hours=hours, storage=storage, where=where)


def search_study(
    study: Study,
    *,
    trials: int = 64,
    confirm: int = 3,
    warm_start: str | None = None,
    storage: str = STORAGE,
    **where: Any,
) -> SearchResults:
    """Search a study's space and switches, as ``winnow search`` does; the same call resumes.

    Parameters
    ----------
    study
        The study.
    trials, confirm, warm_start
        As the options of ``winnow search``.
    storage
        The study database.
    **where
        As in `run_study`.

    Raises
    ------
    StudyError, OptionError
        If the study or an option is wrong, before anything runs.
    """
    from search.interactive import look_for

    return look_for(
        study,
        trials=trials,
        confirm=confirm,
        warm_start=warm_start,
        storage=storage,
        where=where,
    )

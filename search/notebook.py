"""A study in a notebook or a script: ``found = STUDY.run()``, ``search.results(STUDY).table``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.study import Study

if TYPE_CHECKING:
    from types import ModuleType

    from search.engine.stream import Listener
    from search.loading import LoadedStudy
    from search.protocol.searching import Options
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

    Progress is printed, a line at a time. Interrupting the cell loses nothing.

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
    from search.cli.running import resolve_design
    from search.protocol.running import run_study as measure

    text = ",".join(map(str, looks)) or None
    design = resolve_design(profile, text, tuning, trials, stack=stack)
    loaded, options = _loaded(study), _options(storage, where)
    with _progress() as view:
        measure(loaded, options, design, hours=hours, listener=view)
    return results(study, storage)


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
    from search import reports
    from search.engine.stream import Limits
    from search.protocol.searching import run_search
    from search.storage.database import Database

    loaded, options = _loaded(study), _options(storage, where)
    with _progress() as view:
        run_search(
            loaded,
            options,
            trials=trials,
            limits=Limits(),
            confirm=confirm,
            warm_start=warm_start,
            listener=view,
        )
    database = Database(storage, create=False)
    try:
        return reports.search_results(database, study.name)
    finally:
        database.close()


@contextmanager
def _progress() -> Iterator[Listener]:
    """Print progress, and nothing that Optuna says beside it."""
    import optuna
    from rich.console import Console

    from search.cli.live import View

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with View(Console()).showing() as view:
            yield view
    finally:
        optuna.logging.set_verbosity(before)


def _loaded(study: Study) -> LoadedStudy:
    """Return a study with its trainable's module, as if it had been loaded from that file."""
    from search.loading import LoadedStudy

    inner = getattr(study.trainable, "func", study.trainable)  # functools.partial
    module: ModuleType = sys.modules[getattr(inner, "__module__", type(inner).__module__)]
    file = getattr(module, "__file__", None)
    path = Path(file).resolve() if file else Path.cwd() / "notebook"
    return LoadedStudy(study, module, path, {})


def _options(storage: str, where: dict[str, Any]) -> Options:
    from dataclasses import fields

    from search.errors import OptionError, near_miss
    from search.protocol.searching import Options

    known = [field.name for field in fields(Options)]
    for name in where:
        if name not in known:
            raise OptionError(f"there is no option '{name}'{near_miss(name, known)}")
    engine = where.get("engine", "local")
    if engine not in ("ray", "local"):
        raise OptionError(f"engine is 'ray' or 'local', got {engine!r}")
    paths = {key: Path(where[key]) for key in ("artifacts", "data") if where.get(key) is not None}
    return Options(**{"storage": storage, "engine": "local", **where, **paths})

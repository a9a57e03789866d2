"""What `search.run_study` and `search.search_study` do: the commands' work, called by a program.

Its own module, since it knows all layers: `search.notebook` imports it when it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import optuna
from rich.console import Console

from search import reports
from search.cli.notebook_view import view_for
from search.cli.running import resolve_design
from search.engine.stream import Limits, Listener
from search.errors import OptionError, near_miss
from search.loading import LoadedStudy
from search.protocol.repeating import registered_design
from search.protocol.rerunning import Rerun
from search.protocol.running import run_study
from search.protocol.searching import Options, run_search
from search.reports import Results, SearchResults
from search.storage.database import Database
from search.study import Study


def measure(
    study: Study,
    *,
    profile: str,
    looks: tuple[int, ...],
    tuning: str | None,
    trials: int,
    stack: bool,
    hours: float | None,
    storage: str,
    where: Mapping[str, Any],
) -> Results:
    """Measure and rank a study's techniques: see `search.run_study`."""
    text = ",".join(map(str, looks)) or None
    design = resolve_design(profile, text, tuning, trials, stack=stack)
    loaded, options = _loaded(study), _options(storage, where)
    with _progress() as view:
        run_study(loaded, options, design, hours=hours, listener=view)
    with _reading(storage) as database:
        return reports.results(database, study.name)


def repeat(
    study: Study,
    arms: Sequence[str],
    *,
    because: str,
    hours: float | None,
    storage: str,
    where: Mapping[str, Any],
) -> Results:
    """Run measured arms again: see `search.rerun_study`."""
    rerun = Rerun(tuple(arms), because)
    loaded, asked = _loaded(study), _options(storage, where)
    with _reading(storage) as database:
        design, options = registered_design(database, asked, study.name)
    with _progress() as view:
        run_study(loaded, options, design, hours=hours, rerun=rerun, listener=view)
    with _reading(storage) as database:
        return reports.results(database, study.name)


def look_for(
    study: Study,
    *,
    trials: int,
    confirm: int,
    warm_start: str | None,
    storage: str,
    where: Mapping[str, Any],
) -> SearchResults:
    """Search a study's space and switches: see `search.search_study`."""
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
    with _reading(storage) as database:
        return reports.search_results(database, study.name)


@contextmanager
def _reading(storage: str) -> Iterator[Database]:
    database = Database(storage, create=False)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _progress() -> Iterator[Listener]:
    """Show progress, and nothing that Optuna says beside it."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with view_for(Console()).showing() as view:
            yield view
    finally:
        optuna.logging.set_verbosity(before)


def _loaded(study: Study) -> LoadedStudy:
    """Return a study with its trainable's module, as if it had been loaded from that file."""
    inner = getattr(study.trainable, "func", study.trainable)  # functools.partial
    module: ModuleType = sys.modules[getattr(inner, "__module__", type(inner).__module__)]
    file = getattr(module, "__file__", None)
    path = Path(file).resolve() if file else Path.cwd() / "notebook"
    return LoadedStudy(study, module, path, {})


def _options(storage: str, where: Mapping[str, Any]) -> Options:
    known = [field.name for field in fields(Options)]
    for name in where:
        if name not in known:
            raise OptionError(f"there is no option '{name}'{near_miss(name, known)}")
    engine = where.get("engine", "local")
    if engine not in ("ray", "local"):
        raise OptionError(f"engine is 'ray' or 'local', got {engine!r}")
    paths = {key: Path(where[key]) for key in ("artifacts", "data") if where.get(key) is not None}
    return Options(**{"storage": storage, "engine": "local", **where, **paths})

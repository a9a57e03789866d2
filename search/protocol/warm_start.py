"""Warm start: what a similar search has found is given to the sampler as prior knowledge.

The trials taken are fixed in the specification when the search begins, values and all: what becomes
of the other study later changes nothing, and a search that goes on is the uninterrupted one. They
are never trials of this search: the sampler alone sees them.

A trial is taken if it is complete and is a point of this search: just the parameters that would be
asked for, every value inside its domain. Ranges may have moved; what was fixed may have been fixed
differently, since all it does is to guide the sampler. A search of another objective is refused,
and so is one of which no trial fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import optuna

from search.errors import OptionError, near_miss
from search.parameters import Parameters
from search.plain import plain
from search.space import Domain, Float, contains, describe
from search.storage.database import Database
from search.storage.reader import read_series
from search.storage.records import SeriesRecord
from search.storage.url import parse_storage, redact, sqlite_path
from search.study import Study

HISTORIC: Final = "historic"
LEARN: Final = ("tpe", "gp")  # the others go by the trials that they have proposed themselves
WHYS: Final = 3  # reasons that are named


@dataclass(frozen=True)
class Prior:
    """A trial of another search: its parameters' values, and its objectives'."""

    number: int
    params: Mapping[str, Any]
    values: tuple[float, ...]


def priors_of(entry: Mapping[str, Any] | None) -> tuple[Prior, ...]:
    """Return the trials that a specification has fixed; none without a warm start."""
    found = entry["trials"] if entry else ()
    return tuple(Prior(t["number"], t["params"], tuple(t["values"])) for t in found)


def warm_start_entry(text: str, study: Study, here: Database) -> dict[str, Any]:
    """Return what a specification says of a warm start.

    Parameters
    ----------
    text
        ``STUDY``, ``STUDY/historic`` or ``STUDY@STORAGE``.
    study
        The study that is searched.
    here
        Its database, where the other study is too unless `text` names another.

    Raises
    ------
    OptionError
        If the sampler cannot learn from others' trials, the objectives differ, or no trial fits.
    StorageError
        If there is no such search.
    """
    if isinstance(study.sampler, str) and study.sampler not in LEARN:
        raise OptionError(
            f"--warm-start needs a sampler that learns from others' trials ({' or '.join(LEARN)}), "
            f"and study '{study.name}' has '{study.sampler}'"
        )
    name, _, storage = text.partition("@")
    series = name if "/" in name else f"{name}/search"
    if series == f"{study.name}/search" and not storage:
        raise OptionError(f"--warm-start {series}: a search cannot start from itself")
    if storage:
        database = _other(storage)
        try:
            found = _read(database, series)
        finally:
            database.close()
    else:
        found = _read(here, series)
    _check_goals(study, found[0])
    where = redact(storage) if storage else None
    return {"of": series, "storage": where, **_choose(study, *found)}


def check_same(before: Mapping[str, Any] | None, text: str | None) -> None:
    """Refuse a warm start that is not the one that the search has begun with.

    Raises
    ------
    OptionError
        If it was begun without one, or from another study.
    """
    if text is None:
        return
    name = text.partition("@")[0]
    series = name if "/" in name else f"{name}/search"
    if before is None:
        raise OptionError(f"--warm-start {series}: this search has begun without one")
    if before["of"] != series:
        raise OptionError(f"--warm-start {series}: this search has begun from {before['of']}")


def _other(storage: str) -> Database:
    path = sqlite_path(parse_storage(storage))
    if path is not None and not path.is_file():
        raise OptionError(f"--warm-start: there is no study database {path}")
    return Database(storage, create=False)


def _read(database: Database, study: str) -> tuple[SeriesRecord, list[Prior]]:
    """Return a search, and its complete trials."""
    record = read_series(database, study, steps=False)
    if record.kind == HISTORIC:
        rows = record.specification["rows"]
        metrics = [goal.metric for goal in record.objectives]
        values = [tuple(row["metrics"][metric] for metric in metrics) for row in rows]
        numbered = enumerate(zip(rows, values, strict=True))
        return record, [Prior(i, row["params"], scores) for i, (row, scores) in numbered]
    optunas = database.write(
        lambda: optuna.load_study(study_name=study, storage=database.optuna).get_trials(
            deepcopy=False
        )
    )
    params = {trial.number: trial.params for trial in optunas}
    return record, [
        Prior(trial.number, params[trial.number], trial.result.values)
        for trial in record.trials
        if trial.result is not None and trial.result.outcome == "complete"
    ]


def _check_goals(study: Study, record: SeriesRecord) -> None:
    mine = [(goal.direction, goal.metric) for goal in study.goals]
    theirs = [(goal.direction, goal.metric) for goal in record.objectives]
    if mine != theirs:
        words = [", ".join(" ".join(goal) for goal in goals) for goals in (theirs, mine)]
        raise OptionError(
            f"--warm-start {record.study}: its objective is {words[0]}, and that of study "
            f"'{study.name}' is {words[1]}"
        )


def _choose(study: Study, record: SeriesRecord, priors: Sequence[Prior]) -> dict[str, Any]:
    parameters = Parameters.of(study.space, study.techniques)
    taken: list[Prior] = []
    whys: Counter[str] = Counter()
    for prior in priors:
        params = _typed(parameters, prior.params)
        if problems := list(misfits(parameters, params)):
            whys[problems[0]] += 1
        else:
            taken.append(Prior(prior.number, params, prior.values))
    named = [why for why, _ in whys.most_common(WHYS)]
    if not taken:
        reasons = "; ".join(named) or "it has no complete trial"
        raise OptionError(f"--warm-start {record.study}: no trial of it fits here: {reasons}")
    trials = [
        {"number": p.number, "params": plain(dict(p.params)), "values": list(p.values)}
        for p in taken
    ]
    return {"trials": trials, "left_out": whys.total(), "why": named}


def _typed(parameters: Parameters, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as their domains hold them: a file says 1 where a domain means 1.0."""
    domains = {parameter.name: parameter.domain for parameter in parameters.parameters}
    return {name: _as_in(domains.get(name), value) for name, value in params.items()}


def _as_in(domain: Domain | None, value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole and isinstance(domain, Float) else value


def misfits(parameters: Parameters, params: Mapping[str, Any]) -> Iterator[str]:
    """Yield why some values are no point of a search."""
    domains = {parameter.name: parameter.domain for parameter in parameters.parameters}
    for name, value in params.items():
        if name not in domains:
            yield f"this search has no parameter '{name}'{near_miss(name, domains)}"
        elif not contains(domains[name], value):
            yield f"{name}={value!r} lies outside {describe(domains[name])}"
    missing: list[str] = []

    def ask(name: str, _domain: Domain) -> Any:
        if name not in params:
            missing.append(name)
            return None
        return params[name]

    asked = parameters.suggest(ask)
    yield from (f"it has no value of '{name}'" for name in missing)
    yield from (
        f"'{name}' is not searched beside these values"
        for name in params
        if name in domains and name not in asked and not missing
    )

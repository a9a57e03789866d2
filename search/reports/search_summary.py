"""A search, computed: everything that its report says or draws, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna

from search.configuration import Source
from search.errors import StorageError
from search.reports.axes import Axis
from search.reports.confirmation import confirmation
from search.reports.historic import HISTORIC, historic
from search.reports.importances import Importances, importances
from search.reports.learning_curves import (
    learning_curves,
    rung_steps,
    rung_table,
)
from search.reports.projections import (
    parallel,
    parameter_rows,
    ranked,
    slice_of,
)
from search.reports.search_log import trial_log
from search.reports.search_result import SearchReport
from search.reports.timeline import timeline
from search.reports.trial_rows import TrialRow, trial_row
from search.reports.views import View, view_of
from search.storage.database import Database
from search.storage.reader import read_diagnostics, read_series, series_names
from search.storage.records import SeriesRecord
from search.study import Objective
from search.trainable import TEST_PREFIX

SEARCH, CONFIRM = "search", "confirm"


def search_report(database: Database, name: str) -> SearchReport:
    """Return the report of a study's search.

    Parameters
    ----------
    database
        An open study database.
    name
        The study; its series ``<name>/search`` and, if there is one, ``<name>/confirm`` are read.

    Raises
    ------
    StorageError
        If there is no such search, or its objective is held-out.
    """
    series = read_series(database, f"{name}/{SEARCH}")
    study = database.write(
        lambda: optuna.load_study(study_name=series.study, storage=database.optuna)
    )
    trials = database.write(lambda: study.get_trials(deepcopy=False))
    params = {trial.number: trial.params for trial in trials}
    confirm = f"{name}/{CONFIRM}"
    names = series_names(database, name)
    check = read_series(database, confirm) if confirm in names else None
    report = _summary(series, params, database.write(lambda: importances(study)), check)
    past = f"{name}/{HISTORIC}"
    return replace(
        report,
        diagnostics=_diagnostics(database, series.study, report),
        historic=historic(read_series(database, past)) if past in names else None,
    )


def _diagnostics(
    database: Database, study: str, report: SearchReport
) -> dict[str, Mapping[str, Any]]:
    """Return what explains the baseline's and the best trial, where they offer anything."""
    rows: dict[str, TrialRow | None] = {"baseline": report.baseline}
    if report.best is not None and report.best is not report.baseline:
        rows[f"trial {report.best.number} (best)"] = report.best
    found = {
        name: read_diagnostics(database, study, row.number)
        for name, row in rows.items()
        if row is not None and row.complete
    }
    return {name: entries for name, entries in found.items() if entries}


def _summary(
    series: SeriesRecord,
    params: Mapping[int, Mapping[str, Any]],
    shares: Importances,
    check: SeriesRecord | None,
) -> SearchReport:
    goals = _goals(series)
    rows = _rows(series, params)
    best = ranked(rows, goals[0])[0] if len(goals) == 1 and any(r.complete for r in rows) else None
    baseline = _baseline(rows)
    axes = _axes(series, rows)
    targets = _numbers(series.specification.get("targets"))
    view, beyond = _view(rows, (best, baseline), targets, goals[0])
    checked = confirmation(check) if check else None
    brackets = rung_steps(series.specification) if len(goals) == 1 else ()  # else never pruned
    return SearchReport(
        name=series.name,
        created=series.created,
        specification=series.specification,
        objectives=goals,
        max_steps=_max_steps(series),
        trials=rows,
        best=best,
        baseline=baseline,
        gain=_gain(best, baseline, goals[0]),
        front=_front(rows, goals) if len(goals) > 1 else (),
        improvements=_improvements(rows, goals[0]),
        steps_saved=_saved(rows, _max_steps(series)),
        targets={name: value for name, value in targets.items() if name not in beyond},
        targets_beyond=beyond,
        code=_code(series.specification, best),
        view=view,
        parameters=parameter_rows(axes, ranked(rows, goals[0]), best, baseline),
        curves=tuple(learning_curves(series.trials, goal, brackets) for goal in goals),
        rungs=rung_table(series.trials, rows, brackets, goals[0]),
        slices=tuple(slice_of(axis, rows, best, baseline) for axis in axes),
        parallel=parallel(axes, rows, goals[0]),
        importances=shares,
        timeline=timeline(series.trials),
        confirmation=checked,
        log=trial_log(series, rows, goals, best, baseline, checked),
    )


def _goals(series: SeriesRecord) -> tuple[Objective, ...]:
    if not series.specification.get("objectives"):
        raise StorageError(f"'{series.study}' does not say which metrics it searched on")
    for goal in series.objectives:
        if goal.metric.startswith(TEST_PREFIX):
            raise StorageError(f"'{series.study}' searched on '{goal.metric}', which is held-out")
    return series.objectives


def _rows(series: SeriesRecord, params: Mapping[int, Mapping[str, Any]]) -> tuple[TrialRow, ...]:
    """Return the trials; one without Optuna's parameters shows those that always exist."""
    always = [p["name"] for p in series.specification.get("parameters") or () if not p.get("when")]
    return tuple(
        trial_row(
            record,
            params.get(record.number)
            or {
                n: record.asked.configuration[n] for n in always if n in record.asked.configuration
            },
        )
        for record in series.trials
    )


def _baseline(rows: Sequence[TrialRow]) -> TrialRow | None:
    tried = [row for row in rows if row.is_baseline]
    return next((row for row in tried if row.complete), tried[0] if tried else None)


def _axes(series: SeriesRecord, rows: Sequence[TrialRow]) -> list[Axis]:
    """Return the parameters as specified; without a specification, those that were seen."""
    entries = series.specification.get("parameters")
    if entries is None:
        entries = [{"name": name} for name in dict.fromkeys(n for row in rows for n in row.params)]
    return [
        Axis.of(entry, [r.params[entry["name"]] for r in rows if entry["name"] in r.params])
        for entry in entries
    ]


def _numbers(values: Mapping[str, Any] | None) -> dict[str, float]:
    return {str(name): float(value) for name, value in (values or {}).items()}


def _view(
    rows: Sequence[TrialRow],
    kept: Sequence[TrialRow | None],
    targets: Mapping[str, float],
    goal: Objective,
) -> tuple[View, dict[str, float]]:
    """Return the drawn range, widened for targets nearby, and the targets that are beyond it."""
    values = [row.values[0] for row in rows if row.values]
    ends = [row.values[0] for row in kept if row and row.complete]
    plain = view_of(values, ends, direction=goal.direction)
    reach = plain.high - plain.low
    near = [t for t in targets.values() if plain.low - reach <= t <= plain.high + reach]
    view = view_of(values, [*near, *ends], direction=goal.direction)
    return view, {name: value for name, value in targets.items() if not view.holds(value)}


def _gain(best: TrialRow | None, baseline: TrialRow | None, goal: Objective) -> float | None:
    if best is None or baseline is None or not baseline.complete:
        return None
    return goal.sign * (best.values[0] - baseline.values[0])


def _front(rows: Sequence[TrialRow], goals: Sequence[Objective]) -> tuple[int, ...]:
    """Return the trials that no other one equals or beats in every objective."""
    scores = {
        row.number: tuple(g.sign * v for g, v in zip(goals, row.values, strict=True))
        for row in rows
        if row.complete and len(row.values) == len(goals)
    }
    return tuple(
        number
        for number, mine in scores.items()
        if not any(
            theirs != mine and all(t >= m for t, m in zip(theirs, mine, strict=True))
            for theirs in scores.values()
        )
    )


def _improvements(rows: Sequence[TrialRow], goal: Objective) -> tuple[tuple[int, float], ...]:
    found: list[tuple[int, float]] = []
    for row in rows:
        if row.complete and (not found or goal.sign * (row.values[0] - found[-1][1]) > 0):
            found.append((row.number, row.values[0]))
    return tuple(found)


def _max_steps(series: SeriesRecord) -> int:
    longest = max((trial.asked.max_steps for trial in series.trials), default=0)
    return int(series.specification.get("max_steps") or longest)


def _saved(rows: Sequence[TrialRow], max_steps: int) -> float | None:
    ended = [row for row in rows if row.outcome in ("complete", "pruned", "diverged")]
    saved = sum(max_steps - row.last_step for row in ended if row.outcome == "pruned")
    return saved / (max_steps * len(ended)) if ended and max_steps else None


def _code(specification: Mapping[str, Any], best: TrialRow | None) -> str:
    if best is None:
        return ""
    source = specification.get("source")
    if source:
        return Source(**source).write(best.configuration)
    return "\n".join(f"{path} = {value!r}" for path, value in best.changes.items())

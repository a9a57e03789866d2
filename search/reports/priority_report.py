"""A study's priority table, computed: everything that its report says or draws, frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from search.ranking import Priority, rank_study
from search.ranking.measured import BASELINE, metric_of
from search.reports.experiment_log import comparable, curve_matrix, log_entry
from search.reports.go_no_go import checks, decisions
from search.reports.historic import HISTORIC, historic
from search.reports.priority_checks import determinism, flags
from search.reports.priority_lines import lines
from search.reports.priority_measures import (
    arm_curve,
    column_of,
    runs_of,
)
from search.reports.priority_parts import ArmCurve, Cost, LogEntry, StackReport
from search.reports.priority_result import PriorityReport
from search.reports.priority_stack import runs_of_arms, stack_report, stack_runs
from search.reports.priority_tuning import read_tuning
from search.reports.priority_words import decimals_for
from search.reports.timeline import timeline
from search.statistics import Verdict
from search.storage.database import Database
from search.storage.reader import read_diagnostics, read_series, series_names
from search.storage.records import SeriesRecord, TrialRecord
from search.study import Objective

EXPLAINED = 3  # arms whose diagnostics are drawn over the baseline's: more hide one another
REPLICATE, AGAIN, STACK = "replicate", "aa", "stack"


def priority_report(database: Database, name: str, *, no_more_runs: bool = False) -> PriorityReport:
    """Return the report of a study's priority table.

    Parameters
    ----------
    database
        An open study database.
    name
        The study.
    no_more_runs
        Give every row its verdict now: the budget is spent.

    Raises
    ------
    StorageError
        If the study was never registered.
    """
    priority = rank_study(database, name, no_more_runs=no_more_runs)
    return report_of(database, priority, no_more_runs=no_more_runs)


def report_of(
    database: Database, priority: Priority, *, no_more_runs: bool = False
) -> PriorityReport:
    """Return the report of a study that is ranked already; see `priority_report`."""
    name = priority.name
    existing, past = series_names(database, name), f"{name}/{HISTORIC}"
    extra = {
        kind: read_series(database, f"{name}/{kind}")
        for kind in (AGAIN, STACK)
        if f"{name}/{kind}" in existing
    }
    tuning, tuned = read_tuning(database, priority)
    main = f"{name}/{REPLICATE}"
    plain = [read_series(database, main, steps=False)] if main in existing else []
    stacked = stack_runs(priority, extra.get(STACK))
    stack = stack_report(priority, stacked)
    log, curves = _log(priority, stack, stacked.runs if stacked else {})
    found = flags(priority, log, tuning.arms)
    judged = checks(priority.specification, _candidates(priority, stack, stacked))
    again = runs_of_arms(priority, extra[AGAIN], ()) if AGAIN in extra else None
    decimals = decimals_for(_margin(priority) or priority.table.sd_difference)
    return PriorityReport(
        name=name,
        registrations=priority.registrations,
        evaluation=Objective(**priority.specification["evaluation"]),
        objective=Objective(**priority.specification["objectives"][0]),
        table=priority.table,
        lines=lines(priority, found, decimals=decimals, no_more_runs=no_more_runs),
        baseline_score=_mean(priority, BASELINE),
        runs_used=_runs_used(priority),
        n_superseded=len(priority.measured.superseded),
        decimals=decimals,
        log=log,
        curves=curves,
        checks=judged,
        decisions=decisions(judged),
        flags=found,
        aa=determinism(priority.measured, again),
        stack=stack,
        tuning=tuning,
        cost=_cost(priority, plain, tuned, extra),
        diagnostics=_diagnostics(database, priority),
        historic=historic(read_series(database, past), held_out=True) if past in existing else None,
    )


def _diagnostics(database: Database, priority: Priority) -> dict[str, Mapping[str, Any]]:
    """Return what explains the first run of the baseline, and of the first arms of the table."""
    trained = _trained(priority)
    columns = [c for c in (BASELINE, *map(column_of, priority.table.rows)) if c in trained]
    found: dict[str, Mapping[str, Any]] = {}
    for column in columns:
        numbers = [run.number for run in runs_of(priority.measured, column)]
        if numbers and len(found) <= EXPLAINED:
            study = f"{priority.name}/{REPLICATE}"
            if entries := read_diagnostics(database, study, min(numbers)):
                found[column] = entries
    return found


def _mean(priority: Priority, column: str) -> float | None:
    metric = priority.measured.evaluation
    scores = [
        s for r in runs_of(priority.measured, column) if (s := metric_of(r, metric)) is not None
    ]
    return float(np.mean(scores)) if scores else None


def _trained(priority: Priority) -> set[str]:
    """Return the columns that are trained: the baseline's, and those of no post-hoc technique."""
    entries = priority.specification["techniques"]
    late = {entry["name"] for entry in entries if entry["stage"] == "post-hoc"}
    return {column for column in priority.measured.columns if column not in late}


def _runs_used(priority: Priority) -> int:
    trained = _trained(priority)
    return sum(column in trained for column, _ in priority.measured.runs)


def _log(
    priority: Priority, stack: StackReport, stacked: Mapping[tuple[str, int], TrialRecord]
) -> tuple[tuple[LogEntry, ...], tuple[ArmCurve, ...]]:
    """Return the experiment log and the drawn curves of every trained arm, and of the stack."""
    trained = _trained(priority)
    best = {column_of(row) for row in priority.table.rows} | {BASELINE}
    arms = {c: runs_of(priority.measured, c) for c in _in_order(priority) if c in trained}
    if stack.arm and (runs := [run for (arm, _), run in stacked.items() if arm == stack.arm]):
        arms[stack.arm] = runs
    log, curves = [], []
    for arm, runs in arms.items():
        matrix = curve_matrix(
            runs, priority.measured.objective, priority.specification["max_steps"]
        )
        log.append(_entry(priority, arm, runs, matrix))
        drawn = arm_curve(arm, matrix) if arm in best or arm == stack.arm else None
        curves += [drawn] if drawn else []
    return tuple(log), tuple(curves)


def _in_order(priority: Priority) -> list[str]:
    """Return the columns in table order, the baseline first, a technique's levels together."""
    entries = {entry["name"]: entry for entry in priority.specification["techniques"]}
    found = [BASELINE]
    for row in priority.table.rows:
        found += entries[row.technique]["levels"] or [row.technique]
    return [column for column in found if column in priority.measured.columns]


def _entry(priority: Priority, arm: str, runs: Sequence[TrialRecord], curves: Any) -> LogEntry:
    specification = priority.specification
    objective = Objective(**specification["objectives"][0])
    evaluation = Objective(**specification["evaluation"])
    return log_entry(
        arm,
        runs,
        curves,
        objective=objective,
        evaluation=evaluation,
        targets={name: float(v) for name, v in (specification.get("targets") or {}).items()},
        margin=_margin(priority) if comparable(objective, evaluation) else None,
    )


def _margin(priority: Priority) -> float | None:
    """Return the smallest of the smallest gains."""
    return min((row.delta for row in priority.table.rows if row.delta), default=None)


def _candidates(
    priority: Priority, stack: StackReport, stacked: Any
) -> dict[str, list[TrialRecord]]:
    """Return the arms one might go with: the baseline, what is adopted, and the stack."""
    rows = [row for row in priority.table.rows if row.verdict == Verdict.ADOPT]
    arms = {BASELINE: runs_of(priority.measured, BASELINE)}
    arms |= {row.technique: runs_of(priority.measured, column_of(row)) for row in rows}
    if stack.judged is not None and stacked is not None:
        arms[stack.arm] = runs_of(stacked, stack.arm)
    return arms


def _cost(
    priority: Priority,
    replicates: Sequence[SeriesRecord],
    tuned: Sequence[SeriesRecord],
    extra: Mapping[str, SeriesRecord],
) -> Cost:
    kinds = {
        "tuning": tuned,
        "stack": [extra[STACK]] if STACK in extra else [],
        "determinism": [extra[AGAIN]] if AGAIN in extra else [],
    }
    runs = {"measured": _runs_used(priority), "superseded": len(priority.measured.superseded)}
    runs |= {kind: sum(len(s.trials) for s in series) for kind, series in kinds.items()}
    trials = [t for s in (*replicates, *tuned, *extra.values()) for t in s.trials]
    spec = replicates[0].specification if replicates else {}
    return Cost(
        runs={kind: n for kind, n in runs.items() if n},
        worker_s=sum(trial.elapsed_s for trial in trials),
        gpu_s=sum(trial.gpu_s for trial in trials),
        busy_s=timeline(trials).busy_s,
        hosts=tuple(dict.fromkeys(a.host for t in trials for a in t.attempts)),
        machine=_machine(spec.get("machine") or {}),
        versions=_versions(trials),
        git_commit=spec.get("git_commit"),
        resources=spec.get("resources") or {},
    )


def _machine(entry: Mapping[str, Any]) -> str:
    cpus = f"{entry['cpus']} CPUs" if entry.get("cpus") else ""
    memory = f"{entry['memory_gib']:g} GiB" if entry.get("memory_gib") else ""
    return ", ".join(part for part in (cpus, memory) if part)


def _versions(trials: Iterable[TrialRecord]) -> Mapping[str, str]:
    """Return the versions that the newest attempt ran with."""
    attempts = [attempt for trial in trials for attempt in trial.attempts]
    newest = max(attempts, key=lambda attempt: attempt.started, default=None)
    return newest.versions if newest else {}

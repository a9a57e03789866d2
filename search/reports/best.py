"""The configuration to go on with: of a priority table, or of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from search.errors import OptionError, near_miss
from search.ranking import Priority, rank_study
from search.ranking.measured import BASELINE, Measured, metric_of
from search.reports.priority_measures import column_of
from search.reports.priority_stack import stack_report, stack_runs
from search.reports.search_summary import search_report
from search.source import Source
from search.statistics import Verdict
from search.storage.database import Database
from search.storage.places import place
from search.storage.reader import read_series, series_names
from search.storage.records import TrialRecord
from search.storage.registrations import read_registrations


@dataclass(frozen=True)
class Best:
    """A configuration, and why it is the one.

    Parameters
    ----------
    study, arm
        Whose it is.
    reason
        In words.
    configuration, changes
        Every field by dotted path; those that differ from the baseline.
    code
        An expression ready to paste.
    metric, score, n_seeds
        The mean held-out score of its runs; None of a search's, which has none.
    checkpoint
        Where the checkpoint of a search's best trial lies, if it was kept and is still there.
    """

    study: str
    arm: str
    reason: str
    configuration: Mapping[str, Any]
    changes: Mapping[str, Any]
    code: str
    metric: str
    score: float | None
    n_seeds: int
    checkpoint: str | None = None


def best_of(database: Database, name: str, arm: str | None = None) -> Best:
    """Return the configuration to go on with.

    Of a priority table it is the stack, where that was measured and beats the baseline; else the
    first technique that is adopted; else the baseline. Of a search it is the best trial's.

    Parameters
    ----------
    database
        An open database.
    name
        The study.
    arm
        Another arm of the table, by name.

    Raises
    ------
    OptionError
        If there is no such arm, or nothing was completed.
    """
    if not read_registrations(database, name):
        return _searched(database, name, arm)
    priority = rank_study(database, name)
    stacked = _stacked(database, priority)
    chosen, reason = (arm, "asked for") if arm else _chosen(priority, stacked)
    runs = _runs(priority.measured, chosen) or (_runs(stacked, chosen) if stacked else [])
    if not runs:
        known = [*priority.measured.columns, *(stacked.columns[1:] if stacked else ())]
        raise OptionError(f"study '{name}' has no run of '{chosen}'{near_miss(chosen, known)}")
    return _best(priority, chosen, reason, runs)


def _chosen(priority: Priority, stacked: Measured | None) -> tuple[str, str]:
    report = stack_report(priority, stacked)
    judged = report.judged
    if judged is not None and judged.gain.low is not None and judged.gain.low > 0:
        return report.arm, "the adopted techniques together, which beat the baseline"
    adopted = [row for row in priority.table.rows if row.verdict is Verdict.ADOPT]
    if not adopted:
        return BASELINE, "no technique is adopted"
    why = "the first technique that is adopted"
    if judged is not None:
        why += "; together the adopted ones are not proven to beat the baseline"
    return column_of(adopted[0]), why


def _stacked(database: Database, priority: Priority) -> Measured | None:
    series = f"{priority.name}/stack"
    there = series in series_names(database, priority.name)
    return stack_runs(priority, read_series(database, series) if there else None)


def _runs(measured: Measured, arm: str) -> list[TrialRecord]:
    return [run for (column, _), run in measured.runs.items() if column == arm]


def _best(priority: Priority, arm: str, reason: str, runs: Sequence[TrialRecord]) -> Best:
    metric = priority.measured.evaluation
    scores = [s for run in runs if (s := metric_of(run, metric)) is not None]
    asked = runs[0].asked
    return Best(
        study=priority.name,
        arm=arm,
        reason=reason,
        configuration=asked.configuration,
        changes=asked.changes,
        code=_code(priority.specification, asked.configuration),
        metric=metric,
        score=float(np.mean(scores)) if scores else None,
        n_seeds=len(scores),
    )


def _searched(database: Database, name: str, arm: str | None) -> Best:
    if arm is not None:
        raise OptionError(f"--arm belongs to a priority table; study '{name}' has only a search")
    report = search_report(database, name)
    if report.best is None:
        raise OptionError(f"the search of study '{name}' has no best trial yet")
    best, check = report.best, report.confirmation
    scores = [p.best for p in check.pairs if p.best is not None] if check else []
    return Best(
        study=name,
        arm=f"trial {best.number}",
        reason="the best trial of the search",
        configuration=best.configuration,
        changes=best.changes,
        code=report.code,
        metric=check.evaluation.metric if check else report.objectives[0].metric,
        score=float(np.mean(scores)) if scores else None,
        n_seeds=len(scores),
        checkpoint=_kept_checkpoint(database, name, best.number),
    )


def _kept_checkpoint(database: Database, name: str, number: int) -> str | None:
    """Return where the checkpoint lies that a search's trial has kept; None where it has none."""
    trials = read_series(database, f"{name}/search", steps=False).trials
    kept = [one.path for trial in trials if trial.number == number for one in trial.checkpoints]
    if not kept:
        return None
    where = place(kept[-1])
    gone = isinstance(where, Path) and not where.is_dir()  # a bucket would have to be asked
    return None if gone else str(where)


def _code(specification: Mapping[str, Any], configuration: Mapping[str, Any]) -> str:
    source = specification.get("source")
    if source:
        return Source(**source).write(configuration)
    return "\n".join(f"{path} = {value!r}" for path, value in configuration.items())

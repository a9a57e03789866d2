"""A study's results as pandas DataFrames, for a notebook."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from search.ranking import Priority, rank_study
from search.ranking.measured import metric_of, scored_step
from search.reports.inline import inline
from search.reports.priority_json import row_json
from search.reports.priority_report import report_of
from search.reports.priority_result import PriorityReport
from search.reports.search_result import SearchReport
from search.reports.search_summary import search_report
from search.storage.database import Database

RUN_COLUMNS = ("arm", "seed", "outcome", "counts", "score", "objective", "step", "elapsed_s",
               "peak_memory", "reason", "flags")  # fmt: skip
CURVE_COLUMNS = ("arm", "seed", "step", "metric", "value")
WHOLE = ("rank", "rank_low", "rank_high", "n_seeds", "n_failed", "seeds_needed")
REAL = ("effect", "ci_low", "ci_high", "shrunken_effect", "q_value", "p_adjusted", "compute_ratio",
        "memory_ratio")  # fmt: skip
LOOK_COLUMNS = ("n_seeds", "sigma_b", "column", "variance", "df", "p")


@dataclass(frozen=True, eq=False)
class Results:
    """What a study found out.

    Parameters
    ----------
    table
        One row per technique, in table order, with the columns of ``priority.json`` and the
        verdict in words.
    runs
        One row per finished run of the baseline and of every arm; `counts` is False for runs made
        with other code, data or settings. Further columns hold the metrics at the scored step.
    curves
        One row per run, step and metric.
    looks
        One row per look and column, as first computed and never again.
    report
        Everything that the report shows.
    """

    table: pd.DataFrame
    runs: pd.DataFrame
    curves: pd.DataFrame
    looks: pd.DataFrame
    report: PriorityReport

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the whole report."""
        return inline(self.report)


@dataclass(frozen=True, eq=False)
class SearchResults:
    """What a search found.

    Parameters
    ----------
    trials
        One row per trial, by number: arm, outcome, the objectives, and every parameter.
    best
        The best configuration's changes from the baseline, by dotted path; None without one.
    report
        Everything that the report shows.
    """

    trials: pd.DataFrame
    best: Mapping[str, Any] | None
    report: SearchReport

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the whole report."""
        return inline(self.report)


def search_results(database: Database, name: str) -> SearchResults:
    """Return what a study's search found.

    Parameters
    ----------
    database
        An open study database.
    name
        The study.

    Raises
    ------
    StorageError
        If there is no such search.
    """
    report = search_report(database, name)
    goals = [goal.metric for goal in report.objectives]
    rows = [
        {
            "trial": row.number,
            "arm": row.arm,
            "outcome": row.outcome,
            **dict(zip(goals, row.values, strict=False)),
            **row.params,
        }
        for row in report.trials
    ]
    best = None if report.best is None else dict(report.best.changes)
    return SearchResults(pd.DataFrame(rows), best, report)


def results(database: Database, name: str, *, no_more_runs: bool = False) -> Results:
    """Return a study's results.

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
    report = report_of(database, priority, no_more_runs=no_more_runs)
    rows = [{**row_json(line), "word": line.word, "detail": line.detail} for line in report.lines]
    table = pd.DataFrame(rows).astype(
        {**dict.fromkeys(WHOLE, "Int64"), **dict.fromkeys(REAL, float)}
    )
    return Results(
        table=table,
        runs=_frame(_runs(priority), RUN_COLUMNS),
        curves=_frame(_curves(priority), CURVE_COLUMNS),
        looks=_frame(_looks(report), LOOK_COLUMNS),
        report=report,
    )


def _frame(rows: Iterator[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a frame that has its columns even without a row."""
    found = pd.DataFrame(list(rows))
    return found if len(found.columns) else pd.DataFrame(columns=list(columns))


def _runs(priority: Priority) -> Iterator[dict[str, Any]]:
    measured = priority.measured
    counted = [(run, True) for run in measured.runs.values()]
    for run, counts in counted + [(run, False) for run in measured.superseded]:
        step = scored_step(run)
        peaks = [a.peak_memory for a in run.attempts if a.peak_memory]
        yield {
            "arm": run.asked.arm,
            "seed": run.asked.seed,
            "outcome": run.outcome,
            "counts": counts,
            "score": _nan(metric_of(run, measured.evaluation)),
            "objective": _nan(metric_of(run, measured.objective)),
            "step": step.step if step else None,
            "elapsed_s": run.elapsed_s,
            "peak_memory": max(peaks, default=math.nan),
            "reason": run.result.reason if run.result else None,
            "flags": ";".join(dict.fromkeys(flag.kind for flag in run.flags)),
            **(dict(step.metrics) if step else {}),
        }


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _curves(priority: Priority) -> Iterator[dict[str, Any]]:
    for run in priority.measured.runs.values():
        for step in run.steps:
            for metric, value in step.metrics.items():
                yield {"arm": run.asked.arm, "seed": run.asked.seed, "step": step.step,
                       "metric": metric, "value": value}  # fmt: skip


def _looks(report: PriorityReport) -> Iterator[dict[str, Any]]:
    for look in report.table.looks:
        for column in look.columns:
            yield {"n_seeds": look.n_seeds, "sigma_b": look.sigma_b, "column": column.column,
                   "variance": column.variance, "df": column.df, "p": column.p}  # fmt: skip

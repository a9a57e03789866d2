"""A search report for programs: JSON whole, CSV with one row per trial."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import asdict
from io import StringIO
from typing import Any

from search.configuration import plain
from search.reports.cells import cell
from search.reports.historic import LABEL
from search.reports.search_log import TrialEntry
from search.reports.search_result import SearchReport
from search.reports.search_words import SELECTED
from search.reports.trial_rows import TrialRow
from search.storage.records import RunFlag

SCHEMA = 1


def search_json(report: SearchReport) -> str:
    """Return the report as JSON; every key is always present, what is absent is null."""
    return json.dumps(_json(report), indent=2, allow_nan=False, ensure_ascii=False)


def _json(report: SearchReport) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "study": report.name,
        "status": "finished" if report.finished else "in progress",
        "objectives": [asdict(goal) for goal in report.objectives],
        "max_steps": report.max_steps,
        "n_trials": len(report.trials),
        "n_trials_asked": report.asked_for,
        "counts": dict(report.counts),
        "steps_trained": report.steps_trained,
        "steps_saved": report.steps_saved,
        "elapsed_s": report.timeline.busy_s,
        "worker_s": report.timeline.worker_s,
        "best": report.best.number if report.best else None,
        "best_value": _score(report.best),
        "best_configuration": plain(report.best.configuration) if report.best else None,
        "best_code": report.code or None,
        "baseline": report.baseline.number if report.baseline else None,
        "baseline_value": _score(report.baseline),
        "gain": {"value": report.gain, "label": SELECTED},
        "pareto_front": list(report.front),
        "improvements": [{"trial": n, "value": value} for n, value in report.improvements],
        "log": [_logged(entry) for entry in report.log],
        "rungs": [asdict(rung) for rung in report.rungs],
        "importances": {
            "label": "display, not evidence",
            "shares": dict(report.importances.shares),
            "note": report.importances.note,
        },
        "confirmation": _confirmation(report),
        "trials": [_trial(row, report) for row in report.trials],
        "historic": report.historic.as_json() if report.historic else None,
        "specification": plain(report.specification),
    }


def _logged(entry: TrialEntry) -> dict[str, Any]:
    curves = entry.curves
    return {
        "trial": entry.number,
        "roles": list(entry.roles),
        "changes": plain(entry.changes),
        "outcome": entry.outcome,
        "last_step": entry.last_step,
        "best": curves.best if curves else None,
        "peak_step": curves.peak_step if curves else None,
        "drop": curves.decline.estimate if curves else None,
        "gaps": dict(entry.gaps),
        "held_out_gaps": {name: gap.estimate for name, gap in entry.held_out.items()},
    }


def _score(row: TrialRow | None) -> float | None:
    return row.value if row is not None and row.complete else None


def _confirmation(report: SearchReport) -> dict[str, Any] | None:
    check = report.confirmation
    if check is None:
        return None
    return {
        "evaluation": asdict(check.evaluation),
        "arm": check.arm,
        "pairs": [asdict(pair) for pair in check.pairs],
        "mean_difference": check.mean,
        "note": "a check and not evidence",
        "reference_lines": {
            name: {str(seed): value for seed, value in by_seed.items()}
            for name, by_seed in check.references.items()
        },
    }


def _trial(row: TrialRow, report: SearchReport) -> dict[str, Any]:
    return {
        "number": row.number,
        "arm": row.arm,
        "seed": row.seed,
        "bracket": row.bracket,
        "outcome": row.outcome,
        "values": {
            goal.metric: value for goal, value in zip(report.objectives, row.values, strict=False)
        },
        "score_step": row.score_step,
        "last_step": row.last_step,
        "elapsed_s": row.elapsed_s,
        "attempts": row.attempts,
        "params": plain(row.params),
        "changes": plain(row.changes),
        "metrics": {name: v if math.isfinite(v) else None for name, v in row.metrics.items()},
        "reason": row.reason,
        "flags": [_flag(flag) for flag in row.flags],
    }


def _flag(flag: RunFlag) -> dict[str, Any]:
    value = flag.value if flag.value is not None and math.isfinite(flag.value) else None
    return {**asdict(flag), "value": value}


def search_csv(report: SearchReport) -> str:
    """Return one row per trial; a parameter that did not exist for a trial is empty.

    Runs of the past come last: they have no number, and their outcome says that they are historic.
    """
    names = [row.axis.name for row in report.parameters]
    names += [n for n in (report.historic.parameters if report.historic else ()) if n not in names]
    metrics = [goal.metric for goal in report.objectives]
    heads = ["trial", "outcome", *metrics, "score_step", "last_step", "elapsed_s", "attempts"]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([cell(head) for head in [*heads, "seed", "bracket", "arm", "flags", *names]])
    for row in report.trials:
        values = [*row.values, *[None] * (len(metrics) - len(row.values))]
        facts = [row.score_step, row.last_step, row.elapsed_s, row.attempts, row.seed, row.bracket]
        params = [row.params.get(name) for name in names]
        cells = [
            row.number,
            row.outcome,
            *values,
            *facts,
            row.arm,
            ";".join(row.flag_kinds),
            *params,
        ]
        writer.writerow([cell(value) for value in cells])
    for run in report.historic.runs if report.historic else ():
        values = [run.metrics.get(metric) for metric in metrics]
        params = [run.params.get(name) for name in names]
        cells = [None, LABEL, *values, *[None] * 8, *params]
        writer.writerow([cell(value) for value in cells])
    return text.getvalue()

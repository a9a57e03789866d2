"""``priority.json``: the table for programs, with a stable shape."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from search.configuration import plain
from search.reports.priority_card import CLAIMS
from search.reports.priority_parts import Check, LogEntry, Spread, StackReport
from search.reports.priority_result import Line, PriorityReport
from search.statistics import Interval

SCHEMA = 1


def priority_json(report: PriorityReport) -> str:
    """Return the report as JSON; every key is always present, what is absent is null."""
    return json.dumps(as_json(report), indent=2, allow_nan=False, ensure_ascii=False)


def as_json(report: PriorityReport) -> dict[str, Any]:
    """Return the report as JSON's own types."""
    return {
        "schema": SCHEMA,
        "study": report.name,
        "status": report.table.status,
        "registration": _registration(report),
        "rows": [row_json(line) for line in report.lines],
        "aa": _determinism(report),
        "stack": _stack(report.stack),
        "checks": [_check(found) for found in report.checks],
        "decisions": [asdict(found) for found in report.decisions],
        "runs_used": report.runs_used,
        "log": [_logged(entry) for entry in report.log],
        "historic": report.historic.as_json() if report.historic else None,
    }


def row_json(line: Line) -> dict[str, Any]:
    """Return one technique; effects in the metric's unit, positive is better."""
    row = line.row
    needed = row.seeds_needed
    return {
        "technique": row.technique,
        "stage": line.stage,
        "rank": row.rank,
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "expected_impact": line.expected,
        "effort": line.effort,
        "verdict": row.verdict.value if row.verdict else None,
        "worth_it": row.worth_it.value if row.worth_it else None,
        "effect": row.effect,
        "ci_low": row.ci_low,
        "ci_high": row.ci_high,
        "shrunken_effect": row.shrunken_effect,
        "n_seeds": row.n_seeds,
        "n_failed": row.n_failed,
        "q_value": row.q_value,
        "p_adjusted": row.p_adjusted,
        "seeds_needed": needed.for_delta if needed else None,
        "compute_ratio": row.compute.estimate if row.compute else None,
        "memory_ratio": row.memory.estimate if row.memory else None,
        "flags": list(line.flags),
    }


def _registration(report: PriorityReport) -> dict[str, Any]:
    spec, record = report.specification, report.registration
    return {
        "version": record.version,
        "hash": record.hash,
        "created": record.created,
        "evaluation": asdict(report.evaluation),
        "objective": asdict(report.objective),
        "score_at": spec["score_at"],
        "max_steps": spec["max_steps"],
        "smallest_gain": spec["smallest_gain"],
        "smallest_gain_origin": report.table.delta_origin,
        "alpha": spec["alpha"],
        "looks": list(spec["looks"]),
        "looks_taken": [look.n_seeds for look in report.table.looks],
        "seeds": list(report.seeds),
        "techniques_registered": report.table.n_registered,
        "tuning": spec["tuning"],
        "tuning_trials": spec["tuning_trials"],
        "claim": CLAIMS[spec["tuning"]],
        "replication": spec["replication"],
        "split_seed": spec["split_seed"],
        "targets": plain(spec.get("targets") or {}),
        "code": dict(spec["code"]),
        "data": spec["data"],
        "history": [
            {"version": r.version, "kind": r.kind, "reason": r.reason, "hash": r.hash}
            for r in report.registrations
        ],
        "reruns": [dict(entry) for entry in spec.get("reruns", ())],
    }


def _check(found: Check) -> dict[str, Any]:
    judged = found.threshold
    return {
        "criterion": found.criterion,
        "kind": found.kind,
        "blocks": found.blocks,
        "metric": found.metric,
        "direction": found.direction,
        "threshold": found.target,
        "arm": found.arm,
        "decision": found.word,
        "mean": judged.mean if judged else None,
        "low": _finite(judged.low) if judged else None,
        "high": _finite(judged.high) if judged else None,
        "n_seeds": judged.n_seeds if judged else 0,
        "seeds_needed": judged.seeds_needed if judged else None,
    }


def _determinism(report: PriorityReport) -> dict[str, Any]:
    aa = report.aa
    return {
        "seed": aa.seed,
        "identical": aa.identical,
        "largest_difference": aa.largest,
        "metric": aa.metric,
        "step": aa.step,
        "evaluation_difference": aa.evaluation,
    }


def _stack(stack: StackReport) -> dict[str, Any]:
    judged = stack.judged
    return {
        "status": stack.status,
        "note": stack.note,
        "members": list(stack.members),
        "left_out": [{"technique": a, "excluded_by": b} for a, b in stack.left_out],
        "n_seeds": judged.n_seeds if judged else 0,
        "n_failed": stack.n_failed,
        "gain": _interval(judged.gain if judged else None),
        "sum_of_singles": _interval(judged.sum_of_singles if judged else None),
        "excess": _interval(judged.excess if judged else None),
        "parts": [
            {
                "technique": member.name,
                "alone": _interval(member.alone),
                "in_stack": _interval(member.in_stack),
                "shift": _interval(member.shift),
                "drop": member.drop,
                "redundant": member.redundant,
                "synergic": member.synergic,
            }
            for member in (judged.members if judged else ())
        ],
        "redundant_pairs": [list(pair) for pair in (judged.redundant_pairs if judged else ())],
    }


def _logged(entry: LogEntry) -> dict[str, Any]:
    """Return an arm of the experiment log; `drop` is best minus last, gaps are positive beyond."""
    curves = entry.curves
    return {
        "arm": entry.arm,
        "settings": entry.settings,
        "n_complete": entry.n_complete,
        "n_failed": entry.n_failed,
        "best": curves.best if curves else None,
        "best_sd": curves.best_sd if curves else None,
        "peak_step": curves.peak_step if curves else None,
        "peak_low": curves.peak_low if curves else None,
        "peak_high": curves.peak_high if curves else None,
        "last": curves.final if curves else None,
        "drop": _interval(curves.decline if curves else None),
        "stability": entry.stability or None,
        "generalization_gap": _spread(entry.generalization),
        "evaluation": _spread(entry.held_out),
        "gaps": {name: _interval(gap) for name, gap in entry.gaps.items()},
    }


def _spread(found: Spread | None) -> dict[str, float | None]:
    return {"mean": found.mean if found else None, "sd": found.sd if found else None}


def _interval(found: Interval | None) -> dict[str, float | None]:
    if found is None:
        return {"estimate": None, "low": None, "high": None}
    return {"estimate": found.estimate, "low": found.low, "high": found.high}


def _finite(value: float) -> float | None:
    """Return a bound as JSON can hold it: one seed bounds nothing."""
    return value if math.isfinite(value) else None

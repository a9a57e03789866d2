"""The lines of the table: a row of the statistics, with the words and details beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from search.ranking import Priority
from search.ranking.measured import BASELINE, metric_of
from search.ranking.priority import has_bug
from search.reports.priority_measures import (
    arm_settings,
    column_of,
    compared_seeds,
    differences,
    exploratory,
    median,
    runs_of,
)
from search.reports.priority_parts import Flag
from search.reports.priority_result import Line, OwnMetric
from search.reports.priority_words import BADGES, detail
from search.statistics import (
    Arm,
    Registration,
    Replicate,
    Replicates,
    Row,
    Verdict,
    rank_table,
)
from search.study import Objective

KEPT_FLAGS = ("failures",)  # counted in a column of their own


def lines(
    priority: Priority, flags: Sequence[Flag], *, decimals: int, no_more_runs: bool
) -> tuple[Line, ...]:
    """Return one line per registered technique, in table order."""
    own = _own_metrics(priority, no_more_runs=no_more_runs)
    costs = _costs(priority)
    context = {
        "metric": priority.measured.evaluation,
        "decimals": decimals,
        "refusal": priority.table.refusal,
        "needs": dict(priority.table.needs),
    }
    found = [
        _line(priority, row, flags, own.get(row.technique), costs, context)
        for row in priority.table.rows
    ]
    return tuple(found)


def _line(
    priority: Priority,
    row: Row,
    flags: Sequence[Flag],
    own: OwnMetric | None,
    costs: Mapping[str, tuple[float | None, float | None]],
    context: Mapping[str, Any],
) -> Line:
    entry = priority.entry(row.technique)
    columns = [row.technique, *entry["levels"]]
    bug = next((priority.bugs[c] for c in columns if c in priority.bugs), "")
    if bug:
        row = _as_bug(row)
    if row.n_seeds and row.n_failed == row.n_seeds:
        row = _without_effect(row)
    measured, column, seeds = (
        priority.measured,
        column_of(row),
        compared_seeds(priority.measured, row),
    )
    goal = Objective(**priority.specification["evaluation"])
    run_s, memory = costs.get(column, (None, None))
    run = column in measured.columns
    return Line(
        row=row,
        entry=entry,
        word=BADGES[row.verdict],
        detail=detail(row, entry, bug, context),
        flags=_flag_names(priority, row, entry, flags, columns),
        bug=bug,
        secondary=exploratory(measured, column, seeds, priority.specification["secondary"])
        if run
        else (),
        own=own,
        differences=differences(measured, column, seeds, goal),
        run_s=run_s,
        memory=memory,
        settings=arm_settings(runs_of(measured, column)),
    )


def _without_effect(row: Row) -> Row:
    """Return the row of an arm none of whose runs ended well: its charges are no effect."""
    return replace(row, effect=None, effect_relative=None, effect_sigma=None, p_better=None)


def _as_bug(row: Row) -> Row:
    """Return the row of an arm that is paused: it is not measured, whatever its failures cost."""
    flags = tuple(flag for flag in row.flags if flag != "withdrawn")
    return replace(
        row,
        verdict=Verdict.NOT_MEASURED,
        flags=(*flags, "bug"),
        rank=None,
        rank_low=None,
        rank_high=None,
        group=None,
    )


def _flag_names(
    priority: Priority,
    row: Row,
    entry: Mapping[str, Any],
    flags: Sequence[Flag],
    columns: Sequence[str],
) -> tuple[str, ...]:
    mine = [f.kind for f in flags if f.arm in columns and f.kind not in KEPT_FLAGS]
    mine = [kind for kind in mine if kind != "withdrawn" or entry.get("withdrawn")]
    untuned = priority.specification["tuning"] == "none" and entry["stage"] == "training"
    ran = any(column in priority.measured.columns for column in columns)
    return tuple(dict.fromkeys([*row.flags, *mine, *["not_retuned"] * (untuned and ran)]))


def _costs(priority: Priority) -> dict[str, tuple[float | None, float | None]]:
    """Return the median wall time and the peak memory of every column's runs."""
    found = priority.measured.measurements()
    columns = priority.measured.columns
    walls = [
        None if found.wall_s is None else median(found.wall_s[:, i]) for i in range(len(columns))
    ]
    peaks = [
        None if found.memory is None else median(found.memory[:, i]) for i in range(len(columns))
    ]
    return {column: (walls[i], peaks[i]) for i, column in enumerate(columns)}


def _own_metrics(priority: Priority, *, no_more_runs: bool) -> dict[str, OwnMetric]:
    """Return post-hoc techniques on their own registered metrics: one family, outside the table's.

    Techniques with different metrics are ranked apart, and corrected for all of the family.
    """
    entries = [
        entry
        for entry in priority.specification["techniques"]
        if entry["stage"] == "post-hoc" and entry["secondary"] and entry["status"] != "planned"
    ]
    families: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in entries:
        families[entry["secondary"]].append(entry)
    found: dict[str, OwnMetric] = {}
    for metric, members in families.items():
        direction = _direction(priority.specification, metric)
        if direction is None:
            note = "no direction is registered: name it in Study(secondary=…) to test it"
            found |= {e["name"]: OwnMetric(metric, None, None, note) for e in members}
            continue
        others = len(entries) - len(members)
        found |= _family(
            priority, members, Objective(metric, direction), others, no_more_runs=no_more_runs
        )
    return found


def _direction(specification: Mapping[str, Any], metric: str) -> Any:
    goals = [*specification["secondary"], *specification["objectives"], specification["evaluation"]]
    return next((goal["direction"] for goal in goals if goal["metric"] == metric), None)


def _family(
    priority: Priority,
    members: Sequence[Mapping[str, Any]],
    goal: Objective,
    others: int,
    *,
    no_more_runs: bool,
) -> dict[str, OwnMetric]:
    measured, names = priority.measured, [entry["name"] for entry in members]
    columns = [BASELINE, *(name for name in names if name in measured.columns)]
    runs = [
        _replicate(column, seed, run, goal.metric)
        for (column, seed), run in measured.runs.items()
        if column in columns
    ]
    table = rank_table(
        Registration(
            arms=tuple(
                Arm(
                    entry["name"],
                    effort_hours=entry["effort_hours"],
                    effort_weight=entry["effort_weight"],
                    withdrawn=bool(entry.get("withdrawn")) or has_bug(entry, priority.bugs),
                )
                for entry in members
            ),
            direction=goal.direction,
            looks=tuple(priority.specification["looks"]),
            alpha=priority.specification["alpha"],
            also_registered=others,
        ),
        Replicates.collect(runs, columns=columns, seeds=measured.seeds, curves_vary=True),
        rng=np.random.default_rng(int(priority.registration.hash, 16)),
        no_more_runs=no_more_runs,
    )
    note = "not measured yet"
    return {
        row.technique: OwnMetric(goal.metric, goal.direction, row, "" if row.n_seeds else note)
        for row in table.rows
    }


def _replicate(column: str, seed: int, run: Any, metric: str) -> Replicate:
    score = metric_of(run, metric)
    outcome = "diverged" if run.outcome == "complete" and score is None else run.outcome
    return Replicate(column, seed, outcome, score if outcome == "complete" else None)

"""Flags, and the determinism check: what to know before trusting a row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from search.ranking import Measured, Priority
from search.ranking.measured import BASELINE, metric_of, scored_step
from search.reports.flag_words import flag_words
from search.reports.priority_measures import runs_of
from search.reports.priority_parts import ArmTuning, Determinism, Flag, LogEntry
from search.reports.text import number, percent, plural
from search.statistics import Row
from search.storage.records import TrialRecord

COLLAPSED = 1e-5  # a loss this small is a task that no longer learns anything
ROW_FLAGS = {
    "val_up_test_not": "better on validation data, but not on held-out data",
    "stopped_early": "the runs ended before its last look",
    "withdrawn": "no longer in the study file; it keeps its place in K",
    "free_win": "as good but cheaper",
}


def determinism(measured: Measured, again: Measured | None) -> Determinism:
    """Compare the two runs of one baseline seed, metric by metric and step by step."""
    repeats = {} if again is None else again.runs
    seed = next((s for column, s in repeats if column == BASELINE), None)
    first = measured.runs.get((BASELINE, seed)) if seed is not None else None
    if seed is None or first is None:
        return Determinism(None, None)
    second = repeats[BASELINE, seed]
    metric = measured.evaluation
    pair = metric_of(first, metric), metric_of(second, metric)
    apart = None if pair[0] is None or pair[1] is None else abs(pair[0] - pair[1])
    found = max(_gaps(first, second), default=None)
    same = first.outcome == second.outcome and len(first.steps) == len(second.steps)
    if found is None or found[0] == 0:
        return Determinism(seed, same, 0.0 if same else None, evaluation=apart)
    largest = found[0] if math.isfinite(found[0]) else None
    return Determinism(seed, identical=False, largest=largest, metric=found[1], step=found[2],
                       evaluation=apart)  # fmt: skip


def _gaps(one: TrialRecord, two: TrialRecord) -> Iterator[tuple[float, str, int]]:
    """Yield (difference, metric, step); infinite where only one of the runs has a number."""
    for first, second in zip(one.steps, two.steps, strict=False):
        for metric in sorted(first.metrics.keys() | second.metrics.keys()):
            a, b = (step.metrics.get(metric, math.nan) for step in (first, second))
            if math.isnan(a) and math.isnan(b):
                continue
            gap = 0.0 if a == b else abs(a - b)
            yield math.inf if math.isnan(gap) else gap, metric, first.step


def flags(
    priority: Priority, log: Sequence[LogEntry], tunings: Sequence[ArmTuning]
) -> tuple[Flag, ...]:
    """Return what is to be known about every arm."""
    gone = {e["name"] for e in priority.specification["techniques"] if e.get("withdrawn")}
    found = [
        flag
        for row in priority.table.rows
        for flag in _row_flags(row)
        if flag.kind != "withdrawn" or flag.arm in gone  # the statistics withdraw bugs too
    ]
    found += [flag for entry in log for flag in _curve_flags(entry)]
    found += [flag for arm in tunings for flag in _border_flags(arm)]
    for column in priority.measured.columns:
        found += _guards(priority, column)
        if "guards" not in priority.specification:  # registered before there were any
            found += _collapses(priority.measured, column)
    found += [Flag(arm, "bug", f"paused as a bug: {words}") for arm, words in priority.bugs.items()]
    return tuple(found)


def _row_flags(row: Row) -> Iterator[Flag]:
    for kind in row.flags:
        if kind in ROW_FLAGS:
            yield Flag(row.technique, kind, ROW_FLAGS[kind])
    if row.n_failed:
        words = f"{row.n_failed} of {plural(row.n_seeds, 'run')} failed"
        yield Flag(row.technique, "failures", f"{words}, and count as its worst")


def _curve_flags(entry: LogEntry) -> Iterator[Flag]:
    curves = entry.curves
    if curves is None:
        return
    if curves.under_trained:
        yield Flag(entry.arm, "under_trained", "its median peak is its last step: train longer")
    elif curves.early_peak:
        at = f"at step {number(curves.peak_step)}"
        yield Flag(entry.arm, "early_peak", f"it peaks in the first tenth of the steps, {at}")


def _border_flags(arm: ArmTuning) -> Iterator[Flag]:
    for name, share in arm.border.items():
        if share > 0:
            often = "" if arm.n_tunings == 1 else f" in {percent(share)} of its tunings"
            words = f"the best {name} lies at the border of its range{often}: widen it"
            yield Flag(arm.arm, "on_border", words)


def _collapses(measured: Measured, column: str) -> list[Flag]:
    """Return the losses that vanish in this arm, and do not in the baseline's run of the seed."""
    collapsed: dict[str, int] = {}
    for run in runs_of(measured, column) if column != BASELINE else ():
        base = measured.runs.get((BASELINE, run.asked.seed))
        healthy = _losses(base) if base else {}
        for name, value in _losses(run).items():
            if abs(value) < COLLAPSED <= abs(healthy.get(name, 1.0)):
                collapsed[name] = collapsed.get(name, 0) + 1
    return [
        Flag(column, "collapse", f"{name} falls below {COLLAPSED:g} in {plural(n, 'run')}")
        for name, n in collapsed.items()
    ]


def _losses(run: TrialRecord) -> dict[str, float]:
    step = scored_step(run)
    metrics = step.metrics if step else {}
    return {name: v for name, v in metrics.items() if "loss" in name.lower() and math.isfinite(v)}


def _guards(priority: Priority, column: str) -> list[Flag]:
    """Return what guards said of an arm's runs, the same guard and metric once."""
    runs = runs_of(priority.measured, column)
    counts = Counter((flag.kind, flag.metric) for run in runs for flag in run.flags)
    stopped = Counter((f.kind, f.metric) for run in runs for f in run.flags if f.stops)
    found = []
    for (kind, metric), n in sorted(counts.items()):
        words = f"{flag_words(kind)} ({metric}) in {n} of {plural(len(runs), 'run')}"
        if stopped[kind, metric]:
            words += f", {stopped[kind, metric]} of which it stopped"
        found.append(Flag(column, kind, words))
    return found

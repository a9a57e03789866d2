"""What folds out of a row: every number of a technique, named, with its raw value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from search.reports.flag_words import GUARD_WORDS
from search.reports.interactions import joint_effects
from search.reports.priority_result import Exploratory, Line, PriorityReport
from search.reports.priority_words import (
    change,
    decimals_for,
    fixed,
    interval_words,
    own_words,
    p_words,
    ratio_words,
)
from search.reports.text import duration, number, percent, plural
from search.statistics import Interval

GIB = 2**30
FLAG_WORDS = {
    **GUARD_WORDS,
    "bug": "paused as a bug",
    "early_peak": "peaks in the first tenth of its steps",
    "free_win": "as good but cheaper",
    "no_extra_compute": "no extra compute",
    "not_retuned": "not retuned: every arm at its stated settings",
    "on_border": "a chosen value lies at the border of its range",
    "planned": "planned",
    "stopped_early": "runs ended before its last look",
    "under_trained": "still improving at its last step",
    "val_up_test_not": "better on validation, not on held-out data",
    "withdrawn": "withdrawn from the study file",
}


@dataclass(frozen=True)
class Detail:
    """One number (or a few) of a technique.

    `values` holds what the text was made from, by the names that ``priority.json`` uses.
    """

    group: str
    name: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


def details(line: Line, report: PriorityReport) -> tuple[Detail, ...]:
    """Return everything about a technique that its row on screen leaves out."""
    return (
        *_estimate(line, report.decimals),
        *_joint(line, report),
        *_decision(line),
        *_runs(line, report.decimals),
        *_value(line, report.decimals),
        *_settings(line),
        *_others(line),
    )


def _estimate(line: Line, digits: int) -> Iterator[Detail]:
    row, group = line.row, "Estimate"
    spread = interval_words(row.ci_low, row.ci_high, digits)
    level = f" ({percent(row.ci_level)} over all looks)" if row.ci_level and row.ci_low else ""
    yield Detail(group, "Effect", change(row.effect, digits), {"effect": row.effect})
    yield Detail(group, "Interval", spread + level, {"ci_low": row.ci_low, "ci_high": row.ci_high})
    yield Detail(
        group,
        "Shrunken effect",
        change(row.shrunken_effect, digits),
        {"shrunken_effect": row.shrunken_effect},
    )
    relative = "–" if row.effect_relative is None else f"{100 * row.effect_relative:+.1f} %"
    yield Detail(group, "Relative to the baseline", relative.replace("-", "−"))
    yield Detail(group, "In seed-to-seed sd", change(row.effect_sigma, 2))
    yield Detail(group, "Measured impact", row.impact or "–")
    yield Detail(group, "Validation effect minus held-out", _interval(row.gap, digits))


def _joint(line: Line, report: PriorityReport) -> Iterator[Detail]:
    for joint in joint_effects(line, report.lines):
        words = _interval(joint.found.estimate, report.decimals)
        yield Detail(
            "Estimate",
            f"Beyond the sum of {joint.first} and {joint.second}",
            f"{words}, on {plural(joint.seeds, 'seed')}, unadjusted",
            {"interaction": joint.found.estimate.estimate},
        )


def _decision(line: Line) -> Iterator[Detail]:
    row, group = line.row, "Decision"
    ranks = "–" if row.rank_low is None else f"{row.rank_low} to {row.rank_high}"
    yield Detail(
        group, "Rank interval", ranks, {"rank_low": row.rank_low, "rank_high": row.rank_high}
    )
    yield Detail(group, "Among the best three", percent(row.p_top3))
    yield Detail(group, "q", p_words(row.q_value), {"q_value": row.q_value})
    yield Detail(group, "Adjusted p", p_words(row.p_adjusted), {"p_adjusted": row.p_adjusted})
    worth = row.worth_it.value if row.worth_it else None
    delta = "–" if row.delta is None else number(row.delta)
    yield Detail(group, f"Gain of at least {delta}", worth or "–", {"worth_it": worth})
    needed = row.seeds_needed.for_delta if row.seeds_needed else None
    yield Detail(group, "More seeds needed", _seeds(line), {"seeds_needed": needed})


def _seeds(line: Line) -> str:
    found = line.row.seeds_needed
    if found is None:
        return "–"
    if found.for_delta is None:
        return "no number can be promised"
    if found.low is None:
        return f"{found.for_delta}"
    most = "without end" if found.high is None else str(found.high)
    return f"{found.for_delta}; {found.low} to {most} if the estimate is right"


def _runs(line: Line, digits: int) -> Iterator[Detail]:
    row, group = line.row, "Runs"
    yield Detail(group, "Seeds", str(row.n_seeds), {"n_seeds": row.n_seeds})
    failed = f"{row.n_failed} of {row.n_seeds}"
    bound = f", at most {percent(row.failure_high)}" if row.n_seeds else ""
    yield Detail(group, "Failures", failed + bound, {"n_failed": row.n_failed})
    yield Detail(group, "Better than the baseline", _share(line))
    yield Detail(group, "Wall time of a run", duration(line.run_s))
    yield Detail(
        group, "Compute ratio", _ratio(row.compute), {"compute_ratio": _estimate_of(row.compute)}
    )
    peak = "–" if line.memory is None else f"{line.memory / GIB:.2f} GiB"
    yield Detail(group, "Peak memory", peak)
    yield Detail(
        group, "Memory ratio", _ratio(row.memory), {"memory_ratio": _estimate_of(row.memory)}
    )
    pairs = ", ".join(change(d, digits) for _, d in line.differences)
    yield Detail(group, "Paired differences", pairs or "–")


def _share(line: Line) -> str:
    row = line.row
    if row.p_better is None:
        return "–"
    return f"in {percent(row.p_better)} of {plural(row.n_seeds, 'pair')} (a description, no test)"


def _value(line: Line, digits: int) -> Iterator[Detail]:
    row, group = line.row, "Value"
    yield Detail(group, "Effort", f"{number(row.effort_hours)} h")
    if row.value_per_hour is not None:
        more = digits + 1
        rank = f" (place {row.effort_rank} among the adopted)"
        yield Detail(group, "Gain per hour of effort", fixed(row.value_per_hour, more) + rank)
        place = f" (place {row.compute_rank})" if row.compute_rank else ""
        per = (
            f"{fixed(row.value_per_compute, digits)} per extra baseline run"
            if row.value_per_compute is not None
            else "no extra compute measured"
            if "no_extra_compute" in line.flags
            else "not known"
        )
        yield Detail(group, "Gain per compute", per + place)
        best = "yes" if row.pareto else "no: another adopted technique is better in all of them"
        yield Detail(group, "Pareto: gain, effort, compute", best)


def _settings(line: Line) -> Iterator[Detail]:
    entry, group = line.entry, "Technique"
    yield Detail(group, "Sets", line.settings)
    if line.row.level:
        yield Detail(group, "Level shown", line.row.level)
    note = f": {entry['expected_note']}" if entry["expected_note"] else ""
    yield Detail(group, "Expected", line.expected + note, {"expected_impact": line.expected})
    note = f": {entry['effort_note']}" if entry["effort_note"] else ""
    yield Detail(group, "Stated effort", line.effort + note, {"effort": line.effort})
    yield Detail(group, "Stage", line.stage, {"stage": line.stage})
    if entry["requires"]:
        yield Detail(group, "Requires", ", ".join(entry["requires"]))
    if entry["reference"]:
        yield Detail(group, "Source", entry["reference"])
    if line.flags:
        words = "; ".join(FLAG_WORDS.get(flag, flag) for flag in line.flags)
        yield Detail(group, "Flags", words, {"flags": list(line.flags)})


def _others(line: Line) -> Iterator[Detail]:
    if own := own_words(line):
        yield Detail("Other metrics", "Its own metric", own)
    for found in line.secondary:
        yield Detail("Other metrics", f"{found.metric} (exploratory)", _exploratory(found))


def _exploratory(found: Exploratory) -> str:
    if found.effect is None:
        return "not reported"
    digits = decimals_for(abs(found.effect.estimate) or None)
    return f"{_interval(found.effect, digits)}, unadjusted"


def _interval(found: Interval | None, digits: int) -> str:
    if found is None:
        return "–"
    spread = interval_words(found.low, found.high, digits)
    return change(found.estimate, digits) + ("" if spread == "–" else f" ({spread})")


def _ratio(found: Interval | None) -> str:
    if found is None:
        return "–"
    if found.low is None or found.high is None:
        return ratio_words(found.estimate)
    return f"{ratio_words(found.estimate)} ({found.low:.2f} to {found.high:.2f})"


def _estimate_of(found: Interval | None) -> float | None:
    return found.estimate if found else None

"""What a search report says in sentences, the same in every format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from search.reports.confirmation import Confirmation
from search.reports.flag_words import flag_words
from search.reports.search_result import SearchReport
from search.reports.text import duration, number, percent, plural, signed

SELECTED = "validation, selected"
NUMERALS = {1: "One seed is", 2: "Two seeds are", 3: "Three seeds are"}
GLOSSARY = (
    ("trial", "one run of one configuration, asked for by the sampler"),
    ("step", "one round of training, after which metrics are reported"),
    ("rung", "a step at which a trial goes on only if it is among the best so far"),
    ("complete", "ran to its end; only these have a score"),
    ("pruned", "stopped early, at a rung; its last value is not at full length"),
    ("diverged", "stopped because its objective was not finite, or by a guard"),
    ("guard", "a rule about what a healthy run reports; it flags a run, or stops it"),
    ("failed", "raised an error, and again when it was tried again"),
    ("stopped", "cut short by a limit of the whole search"),
    ("baseline", "the configuration that everything is compared with"),
    ("validation, selected", "the best of many validation scores: too good on average"),
    ("held-out", "data that neither training nor the search has seen"),
)


@dataclass(frozen=True)
class Fact:
    """One number of the summary: `tone` is "star" for the best."""

    name: str
    value: str
    note: str = ""
    tone: str = ""


def headline(report: SearchReport) -> str:
    """Return the result in one sentence."""
    goal = report.objective
    if report.front:
        metrics = " and ".join(goal.metric for goal in report.objectives)
        front = plural(len(report.front), "configuration")
        return f"{front} on the Pareto front of {metrics}, out of {_trials(report)}."
    if report.best is None:
        return f"No trial has completed: there is no best configuration after {_trials(report)}."
    value = f"{goal.metric} {number(report.best.values[0])}"
    if report.best.is_baseline:
        return f"No trial beat the baseline, which reaches {value}, out of {_trials(report)}."
    if report.gain is None:
        return f"The best of {_trials(report)} reaches {value}; the baseline has no score."
    before = number(report.baseline.values[0]) if report.baseline else ""
    return (
        f"The best of {_trials(report)} reaches {value} against the baseline's {before}: a gain of "
        f"{signed(report.gain)} ({SELECTED}).{_held_out(report.confirmation)}"
    )


def _held_out(check: Confirmation | None) -> str:
    if check is None or check.mean is None:
        return ""
    seeds = plural(check.n_complete, "fresh seed")
    gain = f"{signed(check.mean)} (positive is better)"
    return f" Held-out {check.evaluation.metric}, on {seeds}: {gain}."


def _trials(report: SearchReport) -> str:
    return plural(len(report.trials), "trial")


def status(report: SearchReport) -> str:
    """Return how far the search is."""
    ended = len(report.trials) - report.counts.get("running", 0)
    asked = report.asked_for or len(report.trials)
    return (
        f"{'Finished' if report.finished else 'In progress'}: {ended:,} of {plural(asked, 'trial')}"
    )


def facts(report: SearchReport) -> Iterator[Fact]:
    """Yield the numbers of the summary."""
    goal = report.objective
    if report.best:
        note = f"trial {report.best.number}{_baseline(report)}"
        yield Fact(f"Best {goal.metric}", number(report.best.values[0]), note, "star")
    if report.gain is not None:
        yield Fact("Gain", signed(report.gain), SELECTED)
    check = report.confirmation
    if check and check.mean is not None:
        pairs = plural(check.n_complete, "fresh seed")
        yield Fact("Held-out difference", signed(check.mean), f"{check.evaluation.metric}, {pairs}")
    if warm := report.specification.get("warm_start"):
        yield Fact("Warm start", _warm(warm), _left_out(warm))
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items())
    yield Fact("Trials", f"{len(report.trials):,}", counts)
    if report.steps_saved is not None:
        yield Fact("Steps saved", percent(report.steps_saved), "by stopping trials early")
    if report.timeline.bars:
        worked = f"{duration(report.timeline.worker_s)} of workers' time"
        yield Fact("Time", duration(report.timeline.busy_s), worked)


def _warm(entry: Mapping[str, Any]) -> str:
    where = f" in {entry['storage']}" if entry.get("storage") else ""
    return f"warm-started with {plural(len(entry['trials']), 'trial')} of {entry['of']}{where}"


def _left_out(entry: Mapping[str, Any]) -> str:
    note = "what the sampler knew before; none of them counts here"
    if not entry.get("left_out"):
        return note
    return f"{note}; {entry['left_out']} left out: {'; '.join(entry['why'])}"


def _baseline(report: SearchReport) -> str:
    found = report.baseline
    return f"; baseline {number(found.values[0])}" if found and found.complete else ""


def warnings(report: SearchReport) -> Iterator[str]:
    """Yield what a reader should know before using the best configuration."""
    edges = [row.axis.name for row in report.parameters if row.at_edge]
    if edges:
        yield (
            f"Best values at the edge of their domain: {', '.join(edges)}. "
            "A better value may lie beyond it."
        )
    if report.trials and report.baseline is None:
        yield "The baseline was not tried, so there is nothing to compare the best trial with."
    elif report.baseline and report.baseline.outcome not in ("complete", "running"):
        yield (
            f"The baseline {_ended(report.baseline.outcome)} at step {report.baseline.last_step} "
            f"of {report.max_steps}: it has no score to compare with."
        )
    failed = report.counts.get("failed", 0)
    if failed:
        yield f"{plural(failed, 'trial')} failed; the stored errors say why."
    yield from _flags(report)
    best = report.best.number if report.best else None
    if report.confirmation and report.confirmation.stale(best):
        yield (
            f"The check on held-out data is of {report.confirmation.arm}, which is no longer the "
            "best: run the search command again to check the new one."
        )


def _flags(report: SearchReport) -> Iterator[str]:
    kinds = Counter(kind for row in report.flagged for kind in row.flag_kinds)
    if kinds:
        counts = ", ".join(f"{flag_words(kind)} ({n})" for kind, n in kinds.most_common())
        yield f"Guards flagged {plural(len(report.flagged), 'trial')}: {counts}."
    if report.best and report.best.flags:
        said = "; ".join(flag.words for flag in report.best.flags)
        yield f"The best trial is among them: {said}."


def _ended(outcome: str) -> str:
    return {"pruned": "was stopped early", "stopped": "was stopped"}.get(outcome, outcome)


def check_lines(report: SearchReport, check: Confirmation) -> Iterator[str]:
    """Yield the search's own gain beside the held-out difference."""
    if check.of_baseline:
        yield "The baseline itself is the best configuration: there is nothing to compare."
        return
    if report.gain is not None:
        yield (
            f"{SELECTED.capitalize()}: {signed(report.gain)} in {report.objective.metric}. The "
            f"search picked the best of {_trials(report)}, so this is too good on average."
        )
    if check.mean is None:
        yield (
            f"Held-out: no pair of runs has completed, so nothing can be said about "
            f"{check.evaluation.metric}."
        )
        return
    each = ", ".join(signed(p.difference) for p in check.pairs if p.difference is not None)
    yield (
        f"Held-out: {signed(check.mean)} in {check.evaluation.metric}, the mean of "
        f"{plural(check.n_complete, 'paired difference')} ({each}); better on {check.n_better} "
        f"of {plural(check.n_complete, 'seed')}."
    )


def caution(check: Confirmation) -> str:
    """Return why the check is no evidence."""
    seeds = NUMERALS.get(check.n_complete, f"{check.n_complete} seeds are")
    return (
        f"{seeds} a check and not evidence: enough to notice that a gain has vanished, too few to "
        "say how large it is."
    )


def time_line(report: SearchReport) -> str:
    """Return how long the search took, and what was spent."""
    drawn = report.timeline
    if not drawn.bars:
        return "No attempt has started."
    text = (
        f"{plural(len(drawn.bars), 'attempt')} on {plural(len(drawn.rows), 'worker')}: "
        f"{duration(drawn.busy_s)} in which something ran, {duration(drawn.worker_s)} of workers' "
        f"time, {plural(report.steps_trained, 'step')}."
    )
    if drawn.lost:
        text += f" {plural(drawn.lost, 'attempt')} lost or interrupted, and continued."
    return text


def card(report: SearchReport) -> list[tuple[str, str]]:
    """Return what is needed to make the search again, as names and values."""
    spec = report.specification
    goals = "; ".join(f"{goal.direction} {goal.metric}" for goal in report.objectives)
    found: dict[str, Any] = {
        "Objective": f"{goals}, at the {spec.get('score_at') or 'last'} step",
        "Full length": plural(report.max_steps, "step"),
        "Sampler": spec.get("sampler"),
        "Pruner": _pruner(spec.get("pruner")),
        "Seed": spec.get("seed"),
        "Trials asked for": report.asked_for,
        "Per trial": _listed(spec.get("resources")),
        "Git commit": spec.get("git_commit"),
        "Machine": _listed(spec.get("machine")),
        "Versions": _listed(spec.get("versions")),
        "Started": f"{datetime.fromtimestamp(report.created, UTC):%Y-%m-%d %H:%M} UTC",
    }
    return [(name, str(value)) for name, value in found.items() if value not in (None, "")]


def _pruner(entry: Mapping[str, Any] | None) -> str:
    if not entry:
        return ""
    rungs = " | ".join(", ".join(map(str, steps)) for steps in entry.get("rungs") or ())
    eta = entry.get("reduction_factor")
    parts = [str(entry.get("kind", "")), f"one in {eta} passes" if eta else ""]
    return "; ".join([part for part in parts if part] + ([f"rungs at {rungs}"] if rungs else []))


def _listed(entry: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{k} {v}" for k, v in (entry or {}).items() if v is not None)

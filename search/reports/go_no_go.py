"""Go or no-go: every arm against every criterion, and all criteria together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search.ranking.measured import metric_of
from search.reports.priority_parts import Check, Decision
from search.reports.text import plural
from search.statistics import judge_threshold
from search.storage.records import TrialRecord
from search.study import Objective


def checks(
    specification: Mapping[str, Any], arms: Mapping[str, Sequence[TrialRecord]]
) -> tuple[Check, ...]:
    """Judge every arm against every criterion: one-sample bounds, never pooled.

    Parameters
    ----------
    arms
        The arms one might go with, and their runs.
    """
    found = []
    for name, goal, threshold, kind, blocks in _thresholds(specification):
        for arm, runs in arms.items():
            scores = [s for run in runs if (s := metric_of(run, goal.metric)) is not None]
            if not scores and (kind == "target" or not runs):
                continue
            judged = (
                judge_threshold(scores, threshold, goal.direction, alpha=specification["alpha"])
                if scores
                else None
            )
            found.append(
                Check(name, goal.metric, goal.direction, threshold, arm, kind, blocks, judged)
            )
    return tuple(found)


def _thresholds(
    specification: Mapping[str, Any],
) -> Iterator[tuple[str, Objective, float, str, bool]]:
    """Yield (name, metric, threshold, kind, blocks): targets of the evaluation, then criteria.

    `criteria` of a registration holds entries ``{"name", "metric", "direction", "threshold"}``, and
    ``"blocks": False`` for those that do not.
    """
    goal = Objective(**specification["evaluation"])
    for name, value in (specification.get("targets") or {}).items():
        yield name, goal, float(value), "target", False
    for entry in specification.get("criteria") or ():
        metric = Objective(entry["metric"], entry["direction"])
        blocks = bool(entry.get("blocks", True))
        yield entry["name"], metric, float(entry["threshold"]), "criterion", blocks


def decisions(found: Sequence[Check]) -> tuple[Decision, ...]:
    """Return, for every arm, whether one goes with it; targets have no say."""
    arms = dict.fromkeys(check.arm for check in found)
    return tuple(
        _decision(arm, mine)
        for arm in arms
        if (mine := [c for c in found if c.arm == arm and c.kind == "criterion"])
    )


def _decision(arm: str, mine: Sequence[Check]) -> Decision:
    missed = [c.criterion for c in mine if c.blocks and c.word == "no-go"]
    open_ = [c for c in mine if c.word != "go" and c.criterion not in missed]
    n_met = sum(check.word == "go" for check in mine)
    word = "undecided"
    if missed:
        word = "no-go"
    elif n_met:
        word = "conditional go" if open_ else "go"
    undecided = [c.threshold for c in open_ if c.threshold and c.word == "undecided"]
    needs = [t.seeds_needed for t in undecided if t.seeds_needed is not None]
    settled = max(needs) if needs and len(needs) == len(undecided) else None
    pending = tuple(f"{check.criterion} ({_waits(check)})" for check in open_)
    return Decision(arm, word, tuple(missed), pending, len(mine), settled)


def _waits(check: Check) -> str:
    """Return what a criterion that is pending waits for."""
    if check.threshold is None:
        return "not measured"
    if check.word == "no-go":
        return "missed, does not block"
    needed = check.threshold.seeds_needed
    return f"undecided, {plural(needed, 'more seed')}" if needed else "undecided"


def decision_reasons(found: Decision) -> str:
    """Return what a decision rests on.

    Examples
    --------
    >>> decision_reasons(Decision("baseline", "go", (), (), 3, None))
    'all 3 criteria are met'
    """
    if found.word == "go":
        return f"all {found.n_criteria} criteria are met"
    parts = []
    if found.missed:
        n_missed = f"{len(found.missed)} of {found.n_criteria} criteria missed"
        parts.append(f"{n_missed}: {', '.join(found.missed)}")
    if found.pending:
        parts.append(f"pending: {', '.join(found.pending)}")
    return "; ".join(parts)


def decision_words(found: Decision) -> str:
    """Return a decision in one line."""
    return f"{found.arm}: {found.word} ({decision_reasons(found)})"

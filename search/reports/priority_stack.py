"""The stack in a report: adopted techniques together, beside the sum of their single gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from search.ranking import Measured, Priority, measured_runs, stack_codes, stack_members
from search.ranking.measured import BASELINE, metric_of
from search.reports.priority_measures import column_of
from search.reports.priority_parts import StackReport
from search.statistics import Membership, judge_stack
from search.storage.records import SeriesRecord

JOIN = " + "
FEWEST = 2


def stack_runs(priority: Priority, series: SeriesRecord | None) -> Measured | None:
    """Return the runs of the stack's series that count: registered code, data and settings."""
    if series is None:
        return None
    arms = dict.fromkeys(trial.asked.arm for trial in series.trials)
    own = stack_codes(priority.specification, stack_members(priority))
    return runs_of_arms(priority, series, tuple(arms), own)


def runs_of_arms(
    priority: Priority,
    series: SeriesRecord,
    arms: Sequence[str],
    own: Mapping[str, str] = MappingProxyType({}),
) -> Measured:
    """Return the runs of arms that are no techniques; their code is `own`, or the baseline's."""
    specification = priority.specification
    code = specification["code"].get(BASELINE)
    entries = [{"name": arm, "status": "implemented", "levels": []} for arm in arms]
    codes = {BASELINE: code, **{arm: own.get(arm, code) for arm in arms}}
    return measured_runs(
        [series], {**specification, "techniques": entries, "code": codes}, priority.seeds
    )


def stack_report(priority: Priority, found: Measured | None) -> StackReport:
    """Return the stack beside its parts, or why there is none."""
    membership = stack_members(priority)
    members, left_out = membership.members, membership.left_out
    arm = JOIN.join(members)
    if len(members) < FEWEST:
        note = "Fewer than two techniques are adopted, so there is nothing to stack."
        return StackReport("not_applicable", note, members, left_out, arm, None, 0)
    if found is None and not priority.specification.get("stack", True):
        note = "This study was registered without a stack."
        return StackReport("not_applicable", note, members, left_out, arm, None, 0)
    scores = _scores(priority, found, membership)
    shared = _shared(priority, scores)
    if len(shared) < FEWEST:
        note = "The adopted techniques have not been measured together yet."
        return StackReport("pending", note, members, left_out, arm, None, 0)
    return _judged(priority, membership, scores, shared)


def _scores(
    priority: Priority, found: Measured | None, membership: Membership
) -> dict[str, dict[int, float | None]]:
    """Return arm to seed to score (None: the run failed): baseline, singles, stack, left out."""
    columns = {row.technique: column_of(row) for row in priority.table.rows}
    measured = priority.measured
    scores = {BASELINE: _by_seed(measured, BASELINE)}
    scores |= {member: _by_seed(measured, columns[member]) for member in membership.members}
    for arm in (membership.members, *membership.rests.values()):
        if len(arm) > 1:
            scores[JOIN.join(arm)] = _by_seed(found, JOIN.join(arm)) if found else {}
    return scores


def _by_seed(measured: Measured, column: str) -> dict[int, float | None]:
    return {
        seed: metric_of(run, measured.evaluation)
        for (name, seed), run in measured.runs.items()
        if name == column
    }


def _shared(priority: Priority, scores: Mapping[str, Mapping[int, Any]]) -> list[int]:
    """Return the seeds on which every arm of the stack was run."""
    return [seed for seed in priority.seeds if all(seed in mine for mine in scores.values())]


def _judged(
    priority: Priority,
    membership: Membership,
    scores: Mapping[str, Mapping[int, float | None]],
    shared: Sequence[int],
) -> StackReport:
    members, arm = membership.members, JOIN.join(membership.members)
    sound = [seed for seed in shared if all(mine[seed] is not None for mine in scores.values())]
    n_failed = len(shared) - len(sound)
    if len(sound) < FEWEST:
        note = f"Its runs failed on {n_failed} of {len(shared)} seeds."
        return StackReport("pending", note, members, membership.left_out, arm, None, n_failed)
    values = {name: [mine[seed] or 0.0 for seed in sound] for name, mine in scores.items()}
    judged = judge_stack(
        values[BASELINE],
        values[arm],
        {member: values[member] for member in members},
        {one: values[JOIN.join(rest) or BASELINE] for one, rest in membership.rests.items()},
        {member: priority.table.row(member).delta or 0.0 for member in members},
        priority.specification["evaluation"]["direction"],
        alpha=priority.specification["alpha"],
    )
    note = (
        f"A run failed on {n_failed} of {len(shared)} seeds, which are left out: the numbers "
        "flatter an arm that fails."
        if n_failed
        else ""
    )
    return StackReport(
        "measured",
        note,
        members,
        membership.left_out,
        arm,
        judged,
        n_failed,
        membership.dependents,
    )

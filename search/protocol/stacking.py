"""The stack: adopted techniques together, and each left out; single gains do not add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search.protocol.arms import BASELINE
from search.ranking import Priority
from search.statistics import Membership, Verdict, choose_members


def stack_members(priority: Priority) -> Membership:
    """Return the adopted trained techniques that enter the stack, by shrunken effect."""
    conflicts = {
        entry["name"]: set(entry["conflicts"])
        for entry in priority.specification["techniques"]
        if entry["stage"] == "training"
    }
    shrunken = {
        row.technique: float(row.shrunken_effect or 0.0)
        for row in priority.table.rows
        if row.verdict == Verdict.ADOPT and row.technique in conflicts
    }
    return choose_members(shrunken, lambda one, two: two in conflicts[one])


def stack_arms(
    members: Sequence[str], settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the arms of a stack: all members on, and each left out (with two, the singles).

    Parameters
    ----------
    members
        At least two.
    settings
        What each member sets.
    """
    arms = {stack_name(members): _union(members, settings)}
    if len(members) > 2:
        for member in members:
            rest = [other for other in members if other != member]
            arms[stack_name(rest)] = _union(rest, settings)
    return arms


def stack_name(members: Sequence[str]) -> str:
    """Return the name of an arm with these techniques on."""
    return " + ".join(members) or BASELINE


def _union(members: Sequence[str], settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for member in members:
        found |= settings[member]
    return found

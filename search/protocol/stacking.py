"""The stack: adopted techniques together, and each left out; single gains do not add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search.protocol.arms import BASELINE


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

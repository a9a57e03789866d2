"""The stack: adopted techniques together, and each left out; single gains do not add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search.protocol.arms import BASELINE
from search.statistics import Membership


def stack_arms(
    membership: Membership, settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the arms of a stack: all members on, and each left out; singles are measured already.

    Parameters
    ----------
    membership : Membership
        Of at least two.
    settings
        What each member sets.
    """
    several = [rest for rest in membership.rests.values() if len(rest) > 1]
    return {stack_name(on): _union(on, settings) for on in (membership.members, *several)}


def stack_name(members: Sequence[str]) -> str:
    """Return the name of an arm with these techniques on."""
    return " + ".join(members) or BASELINE


def _union(members: Sequence[str], settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for member in members:
        found |= settings[member]
    return found

"""Techniques as a registration keeps them."""

from __future__ import annotations

from typing import Any

from search.configuration import plain
from search.protocol.arms import level_name
from search.space import Domain, When
from search.statistics import gain_weight
from search.study import Study
from search.technique import Technique


def technique_entry(study: Study, technique: Technique) -> dict[str, Any]:
    """Return a technique as the database keeps it."""
    levels = [
        level_name(technique.name, path, value)
        for path, values in technique.levels.items()
        for value in values
    ]
    return {
        "name": technique.name,
        "stage": technique.stage,
        "status": technique.status,
        "on": plain(technique.on),
        "knobs": sorted(technique.domains),
        "ranges": {path: domain_words(domain) for path, domain in technique.domains.items()},
        "levels": levels,
        "expected_impact": technique.expected_impact.value,
        "expected_note": technique.expected_note,
        "effort": technique.effort.value,
        "effort_note": technique.effort_note,
        "effort_hours": technique.effort_in_hours,
        "effort_weight": gain_weight(technique.effort_in_hours),
        "smallest_gain": technique.smallest_gain,
        "requires": list(technique.requires),
        "conflicts": [
            other.name
            for other in study.techniques
            if study.exclude_each_other(technique.name, other.name)
        ],
        "secondary": technique.secondary,
        "members": technique.members,
        "voters": list(technique.voters) or None,
        "reference": technique.reference,
        # left out where it is not so: registrations made before there was such a field stay as good
        **({"cheaper": True} if technique.cheaper else {}),
        **({"family": technique.family} if technique.family else {}),
    }


def domain_words(domain: Domain | When) -> str:
    """Return a domain as text that is the same in every process: a set has no order of its own."""
    if not isinstance(domain, When):
        return repr(domain)
    conditions = {
        path: sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)
        for path, value in sorted(domain.fields.items())
    }
    return f"{domain.domain!r} when {conditions}"

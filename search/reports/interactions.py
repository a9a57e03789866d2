"""Interactions: what a technique that joins two others does beyond the sum of both.

A study asks for one by a technique that sets just what two of its others set together ("width 32
with cosine" beside "width 32" and "cosine"). All are compared with the baseline on the same seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from search.reports.priority_result import Line
from search.statistics import Interaction, interaction


@dataclass(frozen=True)
class JointEffect:
    """How a technique compares with the sum of its two parts.

    Parameters
    ----------
    first, second
        The parts.
    found
        Over the seeds that all three have; unadjusted for the other techniques of the table.
    seeds
        How many these are.
    """

    first: str
    second: str
    found: Interaction
    seeds: int


def joint_effects(line: Line, lines: Sequence[Line]) -> Iterator[JointEffect]:
    """Yield the interaction of every two techniques that a third one joins.

    Parameters
    ----------
    line
        The third one.
    lines
        Of the whole table.
    """
    together = _settings(line)
    parts = [
        (other, settings)
        for other in lines
        if (settings := _settings(other)) and settings.items() < together.items()
    ]
    for (first, one), (second, other) in combinations(parts, 2):
        if {**one, **other} == together:
            yield from _joint(line, first, second)


def _joint(line: Line, first: Line, second: Line) -> Iterator[JointEffect]:
    both, one, other = (dict(each.differences) for each in (line, first, second))
    seeds = [seed for seed in both if seed in one and seed in other]
    if not seeds:
        return
    scores = [[each[seed] for seed in seeds] for each in (both, one, other)]
    # differences are from the baseline, and positive when better
    found = interaction(scores[0], scores[1], scores[2], [0.0] * len(seeds))
    yield JointEffect(first.technique, second.technique, found, len(seeds))


def _settings(line: Line) -> dict[str, Any]:
    """Return what a technique sets by itself; nothing where that is no one set of values."""
    entry = line.entry
    alone = entry["stage"] == "training" and not entry["levels"] and not entry["requires"]
    return dict(entry["on"]) if alone else {}

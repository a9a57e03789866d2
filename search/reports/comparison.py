"""Two studies, arms or runs side by side: what was asked differently, and what came back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from search.configuration import plain
from search.reports.subjects import Effect, Subject
from search.statistics import Interval, mean_interval

ABSENT = None


@dataclass(frozen=True)
class Difference:
    """A setting that both have, or one has, and not alike; None where one lacks it."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class MetricPair:
    """One metric of both.

    Parameters
    ----------
    metric
        Its name.
    first, second
        Means over runs; None without any.
    n_first, n_second
        Runs.
    difference
        Second minus first: of the same seeds where both are of one study, with its interval,
        unadjusted. None elsewhere, and for a single seed.
    """

    metric: str
    first: float | None
    second: float | None
    n_first: int
    n_second: int
    difference: Interval | None


@dataclass(frozen=True)
class Comparison:
    """What differs.

    Parameters
    ----------
    first, second
        What is compared.
    design
        What was registered differently.
    configuration
        Fields that differ.
    n_same
        Fields that do not.
    metrics
        The objectives, the evaluation first, then the others by name.
    effects
        Technique to what either study says of it.
    """

    first: Subject
    second: Subject
    design: tuple[Difference, ...]
    configuration: tuple[Difference, ...]
    n_same: int
    metrics: tuple[MetricPair, ...]
    effects: Mapping[str, tuple[Effect | None, Effect | None]]


def compare(first: Subject, second: Subject) -> Comparison:
    """Return what differs between two studies, arms or runs.

    Parameters
    ----------
    first, second
        As `search.reports.subjects.find_subject` returns them; they need not be of one study.
    """
    settings = _differences(first.configuration, second.configuration)
    both = first.configuration.keys() | second.configuration.keys()
    designed = first.design and second.design
    return Comparison(
        first=first,
        second=second,
        design=_differences(first.design, second.design) if designed else (),
        configuration=settings,
        n_same=len(both) - len(settings),
        metrics=tuple(_pair(metric, first, second) for metric in _metrics(first, second)),
        effects={
            name: (first.effects.get(name), second.effects.get(name))
            for name in dict.fromkeys((*first.effects, *second.effects))
        },
    )


def comparison_json(found: Comparison) -> str:
    """Return a comparison as JSON; every key is always present."""
    return json.dumps(plain(asdict(found)), indent=2, allow_nan=False, ensure_ascii=False)


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Difference, ...]:
    found = []
    for name in dict.fromkeys((*first, *second)):
        one, two = (plain(side.get(name, ABSENT)) for side in (first, second))
        if one != two:
            found.append(Difference(name, one, two))
    return tuple(found)


def _metrics(first: Subject, second: Subject) -> list[str]:
    goals = (*first.directions, *second.directions)
    others = sorted(first.scores.keys() | second.scores.keys())
    return [
        name
        for name in dict.fromkeys((*goals, *others))
        if name in first.scores or name in second.scores
    ]


def _pair(metric: str, first: Subject, second: Subject) -> MetricPair:
    one, two = (side.scores.get(metric, {}) for side in (first, second))
    shared = [seed for seed in one if seed in two] if first.study == second.study else []
    paired = [two[seed] - one[seed] for seed in shared]
    return MetricPair(
        metric,
        _mean(one),
        _mean(two),
        len(one),
        len(two),
        mean_interval(paired) if len(paired) > 1 else None,
    )


def _mean(values: Mapping[int, float]) -> float | None:
    return float(np.mean(list(values.values()))) if values else None

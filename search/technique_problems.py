"""What may be wrong with techniques in a space, and with each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from search.configuration import flatten, unknown_field, value_problem
from search.errors import SpaceError, near_miss
from search.parameters import Parameters
from search.space import Space, bare, describe, domain_problems, refusal, same
from search.technique import Technique, all_required


def technique_problems(space: Space, techniques: Sequence[Technique]) -> Iterator[str]:
    """Yield what is wrong with techniques in a space; of planned ones only their names count."""
    names = [technique.name for technique in techniques]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"two techniques are called '{name}'"
    by_name = {technique.name: technique for technique in techniques}
    for technique in techniques:
        yield from _name_problems(technique, by_name)
    present = [technique for technique in techniques if technique.status == "implemented"]
    for technique in present:
        yield from _field_problems(space, technique)
        yield from _arm_problems(space, technique, by_name)
    for one, other in combinations(present, 2):
        yield from _pair_problems(one, other)
    yield from _role_problems(present)


def search_problems(space: Space, techniques: Sequence[Technique]) -> Iterator[str]:
    """Yield why a search cannot ask for the parameters, or for the points to try first."""
    try:
        parameters = Parameters.of(space, techniques)
    except SpaceError as error:
        yield from error.problems
        return
    points = [("the baseline", space.baseline)]
    points += [
        (f"point {number} to try first", space.configuration(point))
        for number, point in enumerate(space.points, start=1)
    ]
    for where, point in points:
        try:
            parameters.encode(point)
        except SpaceError as error:
            yield from (f"{where}: {problem}" for problem in error.problems)


def _field_problems(space: Space, technique: Technique) -> Iterator[str]:
    baseline, known = space.baseline, flatten(space.baseline)
    where = f"technique '{technique.name}'"
    settings = [*technique.on.items()]
    settings += [(path, v) for path, values in technique.levels.items() for v in values]
    for path, value in settings:
        if path not in known:
            yield f"{where}: {unknown_field(baseline, path)}"
        elif problem := value_problem(baseline, path, value):
            yield f"{where}: {problem}"
    for path in dict.fromkeys((*technique.on, *technique.domains, *technique.levels)):
        if path in space.domains:
            yield f"{where} uses '{path}', which is a nuisance hyperparameter of the space"
    if technique.on and all(p in known and same(known[p], v) for p, v in technique.on.items()):
        yield f"{where} is already on in the baseline"
    for path, values in technique.levels.items():
        if not technique.on and path in known and any(same(known[path], v) for v in values):
            yield (
                f"{where}: levels of '{path}' name the baseline's {known[path]!r}, "
                "which is measured anyway"
            )
    for problem in domain_problems(baseline, technique.domains):
        yield f"{where}: {problem}"


def _name_problems(technique: Technique, by_name: Mapping[str, Technique]) -> Iterator[str]:
    where = f"technique '{technique.name}'"
    for name in (*technique.requires, *technique.excludes, *technique.voters):
        if name not in by_name:
            near = near_miss(name, by_name)
            yield f"{where} names '{name}', which this study does not have{near}"
    if technique.status == "planned":
        return
    for name in technique.voters:
        other = by_name.get(name)
        if other is not None and (not other.searched or other.levels):
            what = "measured at levels" if other.searched else f"{other.status}, {other.stage}"
            yield f"{where}: voters are techniques that train, each one arm; '{name}' is {what}"
    for name in technique.requires:
        other = by_name.get(name)
        if other is None or name in technique.excludes:
            continue
        if other.status == "planned" or other.stage != technique.stage:
            what = "planned" if other.status == "planned" else other.stage
            yield f"{where} requires '{name}', which is {what}"
        elif technique.conflicts(other):
            yield f"{where} requires '{name}', but both cannot be on at once"


def _arm_problems(
    space: Space, technique: Technique, by_name: Mapping[str, Technique]
) -> Iterator[str]:
    """Yield why the configuration's class refuses the technique, with all that it requires."""
    known = flatten(space.baseline)
    settings: dict[str, Any] = {}
    requires = {name: one.requires for name, one in by_name.items()}
    for name in all_required(technique.name, requires):
        settings |= by_name[name].on if name in by_name else {}
    settings |= technique.on
    fitting = all(
        p in known and value_problem(space.baseline, p, v) is None for p, v in settings.items()
    )
    if fitting:
        yield from refusal(space.baseline, settings, f"technique '{technique.name}'")


def _pair_problems(one: Technique, other: Technique) -> Iterator[str]:
    both = f"techniques '{one.name}' and '{other.name}'"
    if one.on and not one.levels and not other.levels and one.on == other.on:
        yield f"{both} set the same fields to the same values: they cannot be told apart"
    for path in one.domains.keys() & other.domains.keys():
        mine, theirs = bare(one.domains[path]), bare(other.domains[path])
        if mine != theirs:
            yield f"{both} give '{path}' two domains: {describe(mine)} and {describe(theirs)}"
    for path in one.levels.keys() & other.levels.keys():
        if one.levels != other.levels:
            yield f"{both} measure '{path}' at different levels"
    for path in (one.levels.keys() & other.domains.keys()) | (
        one.domains.keys() & other.levels.keys()
    ):
        yield f"{both}: '{path}' has levels in one and a domain in the other"


def _role_problems(techniques: Sequence[Technique]) -> Iterator[str]:
    """Yield fields that one technique sets as its switch and another searches as a knob."""
    setters: dict[str, list[str]] = defaultdict(list)
    for technique in techniques:
        for path in technique.on:
            setters[path].append(technique.name)
    for technique in techniques:
        for path in (*technique.domains, *technique.levels):
            for name in setters[path]:
                if name != technique.name:
                    yield (
                        f"technique '{technique.name}' searches '{path}', "
                        f"which technique '{name}' sets"
                    )

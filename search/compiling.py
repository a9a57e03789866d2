"""From a space and techniques to the list of parameters that Optuna is asked for, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import Enum
from graphlib import CycleError, TopologicalSorter
from typing import Any

from search.configuration import flatten
from search.errors import SpaceError
from search.parameter import Condition, Parameter
from search.plain import plain
from search.space import Categorical, Domain, Space, When, bare, holds, same, wanted_values
from search.technique import Technique


def compile_parameters(space: Space, techniques: Iterable[Technique]) -> tuple[Parameter, ...]:
    """Return the parameters of a space and of the techniques that may be switched on in it.

    Each comes after those that decide whether it exists.

    Raises
    ------
    SpaceError
        If two parameters share a name but not a domain, or depend on each other in a circle.
    """
    searched = [technique for technique in techniques if technique.searched]
    found = [_field(path, domain) for path, domain in space.domains.items()]
    found += _switches(flatten(space.baseline), searched)
    for technique in searched:
        found += _knobs(technique)
    return tuple(_ordered(_unique(found)))


def _field(path: str, domain: Domain | When, *outer: Condition) -> Parameter:
    own = (domain.fields,) if isinstance(domain, When) else ()
    inner = bare(domain)
    if not isinstance(inner, Categorical):
        return Parameter(path, inner, (*outer, *own))
    return _choice(path, inner.choices, (*outer, *own))


def _choice(
    path: str,
    values: Iterable[Any],
    when: tuple[Condition, ...] = (),
    unless: tuple[Condition, ...] = (),
) -> Parameter:
    """Return a categorical parameter; what JSON cannot hold gets a text that stands for it."""
    choices = tuple(values)
    if all(_is_plain(choice) for choice in choices):
        return Parameter(path, Categorical(choices), when, unless)
    texts = {_label(choice): choice for choice in choices}
    if len(texts) < len(choices):  # two values with one text: say more
        texts = {repr(choice): choice for choice in choices}
    return Parameter(path, Categorical(tuple(texts)), when, unless, meanings=texts)


def _is_plain(value: Any) -> bool:
    return value is None or (
        isinstance(value, bool | int | float | str) and not isinstance(value, Enum)
    )


def _label(value: Any) -> str:
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str) else value.name
    return str(plain(value))


def _switches(baseline: Mapping[str, Any], techniques: list[Technique]) -> Iterator[Parameter]:
    """Yield what switches techniques on: toggles first, then the choices that several share."""
    simple: dict[str, list[Any]] = {}
    for technique in techniques:
        if not technique.on:
            yield _levels(baseline, technique, techniques)
        elif _is_simple(technique, techniques):
            ((path, value),) = technique.on.items()
            simple.setdefault(path, [baseline[path]]).append(value)
        else:
            yield _toggle(technique, techniques)
    for path, choices in simple.items():
        yield _choice(path, dict.fromkeys(choices))


def _is_simple(technique: Technique, techniques: list[Technique]) -> bool:
    """Return whether its field's value says it all: so for everyone who sets that field."""
    sharing = [t for t in techniques if t.on.keys() & technique.on.keys()]
    named = {name for t in techniques for name in (*t.requires, *t.excludes)}
    return all(
        len(t.on) == 1 and not t.requires and not t.excludes and t.name not in named
        for t in sharing
    )


def _toggle(technique: Technique, techniques: list[Technique]) -> Parameter:
    required, excluded = _limits(technique, techniques)
    choices = Categorical((False, True))
    return Parameter(technique.name, choices, required, excluded, technique.on)


def _levels(
    baseline: Mapping[str, Any], technique: Technique, techniques: list[Technique]
) -> Parameter:
    ((path, values),) = technique.levels.items()
    required, excluded = _limits(technique, techniques)
    return _choice(path, (baseline[path], *values), required, excluded)


def _limits(
    technique: Technique, techniques: list[Technique]
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """Return the switches that must hold, and those that must not, for a technique to be asked.

    A technique that sets all that another sets, and more, requires it. Of two that exclude each
    other, the later one is not asked for while the earlier one is on.
    """
    required = tuple(
        other.switch
        for other in techniques
        if other.name in technique.requires or _is_part(other.on, technique.on)
    )
    earlier = techniques[: techniques.index(technique)]
    return required, tuple(other.switch for other in earlier if other.conflicts(technique))


def _is_part(one: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    return 0 < len(one) < len(whole) and all(
        path in whole and same(whole[path], value) for path, value in one.items()
    )


def _knobs(technique: Technique) -> Iterator[Parameter]:
    outer = (technique.switch,) if technique.switch else ()
    for path, domain in technique.domains.items():
        yield _field(path, domain, *outer)
    if technique.on:
        for path, values in technique.levels.items():
            yield _choice(path, values, outer)


def _unique(found: Iterable[Parameter]) -> list[Parameter]:
    """Merge knobs that several techniques share: they exist under any one of them."""
    kept: dict[str, Parameter] = {}
    clashes = []
    for parameter in found:
        earlier = kept.setdefault(parameter.name, parameter)
        if earlier is parameter:
            continue
        if earlier.sets or parameter.sets:
            clashes.append(
                f"a technique and a field are both called '{parameter.name}'; rename the technique"
            )
        elif earlier.domain != parameter.domain or not (earlier.when or earlier.either):
            clashes.append(f"'{parameter.name}' is asked for twice, with different domains")
        else:
            kept[parameter.name] = _merged(earlier, parameter)
    if clashes:
        raise SpaceError(clashes)
    return list(kept.values())


def _merged(one: Parameter, two: Parameter) -> Parameter:
    """Return a knob that exists where either does."""
    groups = one.either or (one.when,)
    if two.when in groups:
        return one
    if len(groups) == 1 and len(groups[0]) == len(two.when) == 1:
        mine, theirs = groups[0][0], two.when[0]
        if len(mine) == 1 and mine.keys() == theirs.keys():
            (path,) = mine
            values = frozenset((*wanted_values(mine[path]), *wanted_values(theirs[path])))
            return replace(one, when=({path: values},))
    return replace(one, when=(), either=(*groups, two.when))


def _ordered(parameters: list[Parameter]) -> list[Parameter]:
    """Sort so that a parameter comes after those that its conditions read."""
    by_name = {parameter.name: parameter for parameter in parameters}
    graph = {p.name: _predecessors(p, parameters) for p in parameters}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise SpaceError(f"parameters depend on each other in a circle: {circle}") from error


def _predecessors(parameter: Parameter, parameters: list[Parameter]) -> list[str]:
    earlier = parameters[: parameters.index(parameter)]
    groups = (parameter.when, *parameter.either)
    needed = [condition for group in groups for condition in group]
    barred = {path for condition in parameter.unless for path in condition}
    return [
        other.name
        for other in parameters
        if other is not parameter
        and (
            any(_decides(other, condition, parameter) for condition in needed)
            or (other in earlier and not barred.isdisjoint(other.fields))
        )
    ]


def _decides(other: Parameter, condition: Condition, parameter: Parameter) -> bool:
    """Return whether `other` must be known before one can say whether a condition holds.

    Toggles that break what another toggle requires exclude it, whichever of the two comes first.
    """
    shared = condition.keys() & set(other.fields)
    if not parameter.sets or not other.sets:
        return bool(shared)
    return any(holds({path: condition[path]}, other.sets) for path in shared)

"""What Optuna is asked for: a space and techniques as one list of conditional parameters.

A technique that sets one field becomes a categorical parameter of that field's name, shared with
the techniques that set the same field to other values. One that sets several fields, or that
requires or excludes others, becomes a categorical of its own name, false or true. A knob exists
only while its technique (or another field's value) makes it meaningful: it is not asked for
otherwise, so that samplers and the dashboard see it only where it applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

import optuna

from search.configuration import flatten, override
from search.errors import SpaceError
from search.space import Categorical, Domain, Float, Space, When, bare, contains, describe, holds
from search.technique import Technique

Condition: TypeAlias = Mapping[str, Any]
Ask: TypeAlias = Callable[[str, Domain], Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter: its Optuna name and domain, when it exists, and what it sets.

    `sets` maps the fields a true toggle sets; empty means that the value goes into the field of
    the parameter's own name. The parameter exists while all of `when` hold and none of `unless`.
    """

    name: str
    domain: Domain
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    sets: Mapping[str, Any] = field(default_factory=dict)

    def exists(self, values: Mapping[str, Any]) -> bool:
        """Return whether the parameter is meaningful under these field values."""
        return all(holds(condition, values) for condition in self.when) and not any(
            holds(condition, values) for condition in self.unless
        )

    def changes(self, value: Any) -> Mapping[str, Any]:
        """Return the fields that a value of this parameter sets."""
        if not self.sets:
            return {self.name: value}
        return self.sets if value else {}

    def read(self, values: Mapping[str, Any]) -> Any:
        """Return the parameter's value in a configuration, given as field values."""
        return holds(self.sets, values) if self.sets else values[self.name]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it sets."""
        return tuple(self.sets) or (self.name,)


@dataclass(frozen=True)
class Parameters:
    """The parameters of one search, in an order in which conditions are known when needed.

    Examples
    --------
    >>> from search.space import Float
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     lr: float = 0.1
    ...     focal: bool = False
    ...     gamma: float = 2.0
    >>> space = Space(baseline=Config(), domains={"lr": Float(0.01, 1.0)})
    >>> focal = Technique("Focal loss", on={"focal": True}, domains={"gamma": Float(0.0, 5.0)})
    >>> parameters = Parameters.of(space, [focal])
    >>> parameters.encode(Config())
    {'lr': 0.1, 'focal': False}
    >>> parameters.encode(Config(focal=True))
    {'lr': 0.1, 'focal': True, 'gamma': 2.0}
    """

    baseline: Any
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, space: Space, techniques: Iterable[Technique] = ()) -> Parameters:
        """Compile a space and the techniques that may be switched on in it."""
        searched = [t for t in techniques if t.stage == "training" and t.status == "implemented"]
        found = [_field(path, domain) for path, domain in space.domains.items()]
        found += _switches(space, searched)
        for technique in searched:
            found += _knobs(technique)
        return cls(space.baseline, tuple(_ordered(_unique(found))))

    def suggest(self, ask: Ask) -> dict[str, Any]:
        """Ask for every parameter that exists; return values by parameter name."""
        values, asked = flatten(self.baseline), {}
        for parameter in self.parameters:
            if parameter.exists(values):
                asked[parameter.name] = ask(parameter.name, parameter.domain)
                values.update(parameter.changes(asked[parameter.name]))
        return asked

    def decode(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the field values that differ from the baseline, given parameter values."""
        before = flatten(self.baseline)
        values = dict(before)
        for parameter in self.parameters:
            if parameter.name in asked and parameter.exists(values):
                values.update(parameter.changes(asked[parameter.name]))
        return {path: value for path, value in values.items() if value != before[path]}

    def encode(self, config: Any) -> dict[str, Any]:
        """Return the parameter values of a configuration.

        Raises
        ------
        SpaceError
            If a value lies outside its domain, or a field differs that no parameter sets.
        """
        wanted = flatten(config)
        by_name = {parameter.name: parameter for parameter in self.parameters}
        asked = self.suggest(lambda name, _: by_name[name].read(wanted))
        problems = [
            f"{name}={value!r} lies outside {describe(by_name[name].domain)}"
            for name, value in asked.items()
            if not contains(by_name[name].domain, value)
        ]
        reached = flatten(override(self.baseline, self.decode(asked)))
        problems += [
            f"no active parameter of the search can set {path}={value!r}"
            for path, value in wanted.items()
            if reached[path] != value and not problems
        ]
        if problems:
            raise SpaceError(problems)
        return asked

    def distributions(self, asked: Mapping[str, Any]) -> dict[str, Domain]:
        """Return the Optuna distributions of the parameters that were asked for."""
        return {p.name: p.domain for p in self.parameters if p.name in asked}


def ask_trial(trial: optuna.Trial) -> Ask:
    """Return a function that asks an Optuna trial through its public suggest methods."""

    def ask(name: str, domain: Domain) -> Any:
        if isinstance(domain, Categorical):
            return trial.suggest_categorical(name, domain.choices)
        if isinstance(domain, Float):
            return trial.suggest_float(
                name, domain.low, domain.high, step=domain.step, log=domain.log
            )
        return trial.suggest_int(name, domain.low, domain.high, step=domain.step, log=domain.log)

    return ask


def _field(path: str, domain: Domain | When, *outer: Condition) -> Parameter:
    own = (domain.fields,) if isinstance(domain, When) else ()
    return Parameter(path, bare(domain), when=(*outer, *own))


def _switches(space: Space, techniques: list[Technique]) -> Iterator[Parameter]:
    baseline = flatten(space.baseline)
    by_field: dict[str, list[Any]] = {}
    for technique in techniques:
        if _simple(technique, techniques):
            ((path, value),) = technique.on.items()
            by_field.setdefault(path, [baseline[path]]).append(value)
        elif technique.on:
            yield _toggle(technique, techniques)
    for path, choices in by_field.items():
        yield Parameter(path, Categorical(tuple(dict.fromkeys(choices))))


def _simple(technique: Technique, techniques: list[Technique]) -> bool:
    if len(technique.on) != 1 or technique.requires or technique.excludes:
        return False
    others = [t for t in techniques if t is not technique and t.on.keys() & technique.on.keys()]
    named = any(technique.name in (*t.requires, *t.excludes) for t in techniques)
    return not named and all(len(t.on) == 1 for t in others)


def _toggle(technique: Technique, techniques: list[Technique]) -> Parameter:
    by_name = {other.name: other for other in techniques}
    required = tuple(by_name[name].on for name in technique.requires if name in by_name)
    earlier = techniques[: techniques.index(technique)]
    excluded = tuple(other.on for other in earlier if other.conflicts(technique))
    choices = Categorical((False, True))
    return Parameter(technique.name, choices, required, excluded, technique.on)


def _knobs(technique: Technique) -> Iterator[Parameter]:
    outer = (technique.on,) if technique.on else ()
    for path, domain in technique.domains.items():
        yield _field(path, domain, *outer)
    for path, values in technique.levels.items():
        yield _field(path, Categorical(values), *outer)


def _unique(found: Iterable[Parameter]) -> list[Parameter]:
    """Merge knobs that several techniques share: they exist under any one of them."""
    kept: dict[str, Parameter] = {}
    clashes = []
    for parameter in found:
        earlier = kept.setdefault(parameter.name, parameter)
        if earlier is parameter:
            continue
        merged = _merge(earlier, parameter)
        if merged is None:
            clashes.append(f"two techniques ask for '{parameter.name}' under different conditions")
        else:
            kept[parameter.name] = merged
    if clashes:
        raise SpaceError(clashes)
    return list(kept.values())


def _merge(one: Parameter, two: Parameter) -> Parameter | None:
    """Return one parameter for both when their conditions differ in the values of one field."""
    if one.domain != two.domain or one.sets or two.sets:
        return None
    if one.when == two.when:
        return one
    if len(one.when) == len(two.when) == 1 and one.when[0].keys() == two.when[0].keys():
        path = next(iter(one.when[0]))
        if len(one.when[0]) == 1:
            values = _as_set(one.when[0][path]) | _as_set(two.when[0][path])
            return Parameter(one.name, one.domain, ({path: values},))
    return None


def _as_set(value: Any) -> frozenset[Any]:
    return frozenset(value) if isinstance(value, set | frozenset) else frozenset({value})


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
    needed = {path for condition in parameter.when for path in condition}
    barred = {path for condition in parameter.unless for path in condition}
    return [
        other.name
        for other in parameters
        if other is not parameter
        and (
            not needed.isdisjoint(other.fields)
            or (other in earlier and not barred.isdisjoint(other.fields))
        )
    ]

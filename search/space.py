"""Space: a baseline configuration and the domains that may vary around it.

`Float`, `Int` and `Categorical` are Optuna's distributions under short names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from optuna.distributions import CategoricalDistribution as Categorical
from optuna.distributions import FloatDistribution as Float
from optuna.distributions import IntDistribution as Int

from search.configuration import (
    flatten,
    is_frozen_dataclass,
    override,
    unfrozen,
    unknown_field,
    value_problem,
)
from search.errors import SpaceError
from search.frozen import FrozenMapping

__all__ = ["Categorical", "Domain", "Float", "Int", "Space", "When"]

Domain: TypeAlias = Float | Int | Categorical


@dataclass(frozen=True)
class When:
    """A domain that exists only while other fields have certain values.

    Parameters
    ----------
    fields
        Dotted path to the value that makes the domain meaningful; a set means "any of these".
    domain
        The domain itself.

    Raises
    ------
    SpaceError
        If there is no field, or the domain is none.

    Examples
    --------
    >>> When({"pooling": "attention"}, Int(8, 64)).holds({"pooling": "mean"})
    False
    """

    fields: Mapping[str, Any]
    domain: Domain

    def __post_init__(self) -> None:
        if not isinstance(self.fields, Mapping) or not self.fields:
            raise SpaceError(f"When takes {{field: value}} first, got {self.fields!r}")
        if not isinstance(self.domain, Float | Int | Categorical):
            raise SpaceError(f"When takes Float, Int or Categorical, got {self.domain!r}")
        frozen = {p: frozenset(v) if isinstance(v, set) else v for p, v in self.fields.items()}
        object.__setattr__(self, "fields", FrozenMapping(frozen))

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Return whether the domain exists under these values (by dotted path)."""
        return holds(self.fields, values)


def holds(condition: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Return whether every field of `condition` has its value, or one of its set of values."""
    return all(
        any(same(values[path], value) for value in wanted_values(wanted))
        for path, wanted in condition.items()
    )


def same(one: Any, other: Any) -> bool:
    """Return whether two values of a field are one: equal, and both or neither of them bool."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def wanted_values(wanted: Any) -> tuple[Any, ...]:
    """Return the values that a condition names for one field."""
    return tuple(wanted) if isinstance(wanted, set | frozenset) else (wanted,)


@dataclass(frozen=True)
class Space:
    """A baseline configuration and the domains that may vary: the nuisance hyperparameters.

    Parameters
    ----------
    baseline
        A frozen dataclass instance, possibly nested: what is compared against.
    domains
        Dotted path to a `Float`, `Int`, `Categorical`, or to one of these inside `When`.
    points
        Configurations to try first, after the baseline (which is always tried): each a mapping
        from dotted path to value; what it does not name stays as in the baseline.

    Raises
    ------
    SpaceError
        With every problem found: unknown fields (and the nearest known one), values or domains
        whose type does not fit, a baseline or point outside its domain, conditions in a circle.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     lr: float = 1e-3
    >>> Space(baseline=Config(), domains={"lr": Float(1e-5, 1e-1, log=True)}).names
    ('lr',)
    """

    baseline: Any
    domains: Mapping[str, Domain | When] = field(default_factory=dict)
    points: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        if problems := list(self._shape_problems()):
            raise SpaceError(problems)
        object.__setattr__(self, "domains", FrozenMapping(self.domains))
        object.__setattr__(self, "points", tuple(FrozenMapping(p) for p in self.points))
        if problems := list(dict.fromkeys(self._problems())):
            raise SpaceError(problems)

    @property
    def names(self) -> tuple[str, ...]:
        """Dotted paths that have a domain."""
        return tuple(self.domains)

    def configuration(self, values: Mapping[str, Any]) -> Any:
        """Return the baseline with the values at some dotted paths replaced."""
        return override(self.baseline, values)

    def _shape_problems(self) -> Iterator[str]:
        if not is_frozen_dataclass(self.baseline):
            yield (
                "Space.baseline must be an instance of a frozen dataclass "
                f"(@dataclass(frozen=True)), got {self.baseline!r}"
            )
        if not isinstance(self.domains, Mapping):
            yield f"Space.domains takes {{field: domain}}, got {self.domains!r}"
        points = self.points
        if not isinstance(points, Sequence) or not all(isinstance(p, Mapping) for p in points):
            yield f"Space.points takes a list of {{field: value}}, got {points!r}"

    def _problems(self) -> Iterator[str]:
        for path in unfrozen(self.baseline):
            yield f"Space.baseline.{path} must be a frozen dataclass too (@dataclass(frozen=True))"
        for path, value in flatten(self.baseline).items():
            if problem := value_problem(self.baseline, path, value):
                yield f"the baseline is wrong: {problem}"
        yield from domain_problems(self.baseline, self.domains)
        for point in self.points:
            yield from self._point_problems(point)

    def _point_problems(self, point: Mapping[str, Any]) -> Iterator[str]:
        where = "a point to try first"
        problems = [p for path, value in point.items() for p in self._setting_problems(path, value)]
        yield from (f"{where}: {problem}" for problem in problems)
        if not problems:
            yield from refusal(self.baseline, point, where)

    def _setting_problems(self, path: str, value: Any) -> Iterator[str]:
        if path not in flatten(self.baseline):
            yield unknown_field(self.baseline, path)
        elif problem := value_problem(self.baseline, path, value):
            yield problem
        elif path in self.domains and not contains(self.domains[path], value):
            yield f"{path}={value!r} is outside its domain {describe(bare(self.domains[path]))}"


def refusal(baseline: Any, values: Mapping[str, Any], where: str) -> Iterator[str]:
    """Yield why a configuration's own class refuses these values."""
    try:
        override(baseline, {path: v for path, v in values.items() if path in flatten(baseline)})
    except SpaceError as error:
        for problem in error.problems:
            yield f"{where}: {problem}"


def domain_problems(baseline: Any, domains: Mapping[str, Domain | When]) -> Iterator[str]:
    """Yield what is wrong with `domains` for a baseline configuration."""
    known = flatten(baseline)
    for path, domain in domains.items():
        if path not in known:
            yield unknown_field(baseline, path)
        elif not isinstance(bare(domain), Float | Int | Categorical):
            yield f"the domain of '{path}' must be Float, Int or Categorical, got {domain!r}"
        elif problems := list(_type_problems(baseline, path, bare(domain))):
            yield from problems
        elif not contains(domain, known[path]):
            yield (
                f"the baseline has {path}={known[path]!r}, outside its domain "
                f"{describe(bare(domain))}; widen the domain or change the baseline"
            )
        if isinstance(domain, When):
            yield from condition_problems(baseline, f"domain of '{path}'", domain.fields)
    yield from _circles(domains)


def condition_problems(baseline: Any, where: str, condition: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the fields and values of a condition."""
    for path, wanted in condition.items():
        if path not in flatten(baseline):
            yield f"{where}: {unknown_field(baseline, path)}"
        elif isinstance(wanted, list):
            yield f"{where}: for several values of {path} give a set, got {wanted!r}"
        else:
            problems = (value_problem(baseline, path, v) for v in wanted_values(wanted))
            yield from (f"{where}: {problem}" for problem in problems if problem)


def _type_problems(baseline: Any, path: str, domain: Domain) -> Iterator[str]:
    samples = domain.choices if isinstance(domain, Categorical) else (domain.low, domain.high)
    for value in samples:
        if problem := value_problem(baseline, path, value):
            hint = "; use Int" if isinstance(domain, Float) and "takes int" in problem else ""
            yield f"the domain of '{path}' does not fit: {problem}{hint}"
            return


def _circles(domains: Mapping[str, Domain | When]) -> Iterator[str]:
    for path in domains:
        trail, todo = {path}, list(_parents(domains, path))
        while todo:
            parent = todo.pop()
            if parent == path:
                yield f"the domain of '{path}' depends on itself"
                break
            if parent not in trail:
                trail.add(parent)
                todo.extend(_parents(domains, parent))


def _parents(domains: Mapping[str, Domain | When], path: str) -> tuple[str, ...]:
    domain = domains.get(path)
    return tuple(domain.fields) if isinstance(domain, When) else ()


def bare(domain: Domain | When) -> Domain:
    """Return the domain without its condition."""
    return domain.domain if isinstance(domain, When) else domain


def contains(domain: Domain | When, value: Any) -> bool:
    """Return whether a domain contains a value (the grid of `step` included)."""
    inner = bare(domain)
    if isinstance(inner, Categorical):
        return any(same(value, choice) for choice in inner.choices)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if not inner.low <= value <= inner.high:
        return False
    if isinstance(inner, Int) and value != int(value):
        return False
    if inner.step is None:
        return True
    steps = (value - inner.low) / inner.step
    return abs(steps - round(steps)) < 1e-8


def describe(domain: Domain) -> str:
    """Return a domain as one reads it: ``[1e-05, 0.1] log``."""
    if isinstance(domain, Categorical):
        return "{" + ", ".join(str(choice) for choice in domain.choices) + "}"
    scale = " log" if domain.log else ""
    default = 1 if isinstance(domain, Int) else None
    step = f" step {domain.step:g}" if domain.step not in (None, default) else ""
    return f"[{domain.low:g}, {domain.high:g}]{scale}{step}"

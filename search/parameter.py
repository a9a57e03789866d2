"""One parameter that Optuna is asked for: its domain, when it exists, and what it sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from search.plain import plain
from search.space import Domain, holds, same, wanted_values

Condition: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter: its Optuna name and domain, when it exists, and what it sets.

    Parameters
    ----------
    name, domain
        As Optuna sees them.
    when, unless
        It exists while all conditions of `when` hold, none of `unless`, …
    either
        … and, where there are any, all conditions of one of these groups: a shared knob.
    sets
        The fields that a true toggle sets. Empty: the value goes into the field called `name`.
    meanings
        What the choices stand for, where databases cannot hold the values (enums, tuples).
    """

    name: str
    domain: Domain
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    sets: Mapping[str, Any] = field(default_factory=dict)
    either: tuple[tuple[Condition, ...], ...] = ()
    meanings: Mapping[str, Any] = field(default_factory=dict)

    def exists(self, values: Mapping[str, Any]) -> bool:
        """Return whether the parameter is meaningful under these field values."""
        if any(holds(condition, values) for condition in self.unless):
            return False
        return all(holds(condition, values) for condition in self.when) and (
            not self.either
            or any(all(holds(condition, values) for condition in group) for group in self.either)
        )

    def changes(self, value: Any) -> Mapping[str, Any]:
        """Return the fields that a value of this parameter sets."""
        if not self.sets:
            return {self.name: self.meanings.get(value, value) if self.meanings else value}
        return self.sets if value else {}

    def read(self, values: Mapping[str, Any]) -> Any:
        """Return the parameter's value in a configuration, given as field values."""
        if self.sets:
            return holds(self.sets, values)
        value = values[self.name]
        return next((text for text, meant in self.meanings.items() if same(meant, value)), value)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it sets."""
        return tuple(self.sets) or (self.name,)

    @property
    def condition(self) -> str | None:
        """When it exists, in words; None for always."""
        groups = [" and ".join(_text(c) for c in group) for group in self.either]
        shared = (
            f"({' or '.join(groups)})"
            if groups and (self.when or self.unless)
            else " or ".join(groups)
        )
        texts = [_text(condition) for condition in self.when] + [shared]
        texts += [_denial(condition) for condition in self.unless]
        return " and ".join(text for text in texts if text) or None


def _text(condition: Condition) -> str:
    return " and ".join(f"{path} = {_values(value)}" for path, value in condition.items())


def _denial(condition: Condition) -> str:
    if len(condition) > 1 or any(len(wanted_values(v)) > 1 for v in condition.values()):
        return f"not ({_text(condition)})"
    return " and ".join(f"{path} ≠ {_values(value)}" for path, value in condition.items())


def _values(wanted: Any) -> str:
    return " or ".join(sorted(str(plain(value)) for value in wanted_values(wanted)))

"""Configurations: nested frozen dataclasses, addressed by dotted paths (``model.pooling``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from search.errors import SpaceError, WinnowError, near_miss
from search.hints import fits, hint_of, kind_problem, name_of, restore
from search.plain import digest, plain
from search.source import Source

__all__ = [
    "Source",
    "digest",
    "flatten",
    "is_frozen_dataclass",
    "override",
    "plain",
    "unfrozen",
    "unknown_field",
    "unplain",
    "value_problem",
]


def flatten(config: Any) -> dict[str, Any]:
    """Return the leaves of a configuration by dotted path, in the order of declaration.

    Fields that a dataclass computes itself (``init=False``) follow from the others and are left
    out.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Model:
    ...     width: int = 8
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     lr: float = 0.1
    ...     model: Model = Model()
    >>> flatten(Config())
    {'lr': 0.1, 'model.width': 8}
    """
    return dict(_leaves(config, ""))


def _leaves(config: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for field in fields(config):
        if not field.init:
            continue
        value = getattr(config, field.name)
        if _is_nested(value):
            yield from _leaves(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", value


def _is_nested(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def is_frozen_dataclass(value: Any) -> bool:
    """Return whether `value` is an instance of a frozen dataclass."""
    marker = getattr(type(value), "__dataclass_params__", None)
    return _is_nested(value) and bool(getattr(marker, "frozen", False))


def unfrozen(config: Any, prefix: str = "") -> Iterator[str]:
    """Yield the dotted paths of nested dataclasses that are not frozen."""
    for field in fields(config):
        value = getattr(config, field.name)
        if _is_nested(value):
            if not is_frozen_dataclass(value):
                yield f"{prefix}{field.name}"
            yield from unfrozen(value, f"{prefix}{field.name}.")


def override(config: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of `config` with the values at some dotted paths replaced.

    Raises
    ------
    SpaceError
        If a path is no leaf of the configuration, or its class refuses the values.
    """
    known = flatten(config)
    if unknown := [path for path in values if path not in known]:
        raise SpaceError(unknown_field(config, path) for path in unknown)
    try:
        return _replace(config, values)
    except WinnowError:
        raise
    except (ValueError, TypeError, ArithmeticError) as error:  # of a class's own __post_init__
        shown = ", ".join(f"{path}={value!r}" for path, value in values.items())
        raise SpaceError(f"{type(config).__name__} refuses {shown}: {error}") from error


def _replace(config: Any, values: Mapping[str, Any]) -> Any:
    changes: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        head, _, rest = path.partition(".")
        if rest:
            nested.setdefault(head, {})[rest] = value
        else:
            changes[head] = value
    problems: list[str] = []
    for head, inner in nested.items():
        try:
            changes[head] = _replace(getattr(config, head), inner)
        except SpaceError as error:  # each section says its own, so that nobody mends one by one
            problems += error.problems
    try:
        found = replace(config, **changes) if changes else config
    except SpaceError as error:
        problems += error.problems
    if problems:
        raise SpaceError(problems)
    return found


def unknown_field(config: Any, path: str) -> str:
    """Return the sentence about a path that is no field of `config`."""
    known = flatten(config)
    inside = [name for name in known if name.startswith(f"{path}.")]
    if inside:
        return f"{type(config).__name__}.{path} is no value; it holds {', '.join(inside)}"
    below = [name for name in known if name.endswith(f".{path}")]
    near = f"; did you mean '{below[0]}'?" if below else near_miss(path, known)
    return f"{type(config).__name__} has no field '{path}'{near}"


def value_problem(config: Any, path: str, value: Any) -> str | None:
    """Return what is wrong with `value` at `path`, or None: its kind, or its type."""
    where = f"{type(config).__name__}.{path}"
    if problem := kind_problem(value):
        return f"{where} {problem}"
    hint = _hint_at(config, path)
    return None if fits(value, hint) else f"{where} takes {name_of(hint)}, got {value!r}"


def unplain(config: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by dotted path as `config` holds them, given what `plain` made of them."""
    known = flatten(config)
    return {
        path: restore(value, _hint_at(config, path)) if path in known else value
        for path, value in values.items()
    }


def _hint_at(config: Any, path: str) -> Any:
    *outer, name = path.split(".")
    for head in outer:
        config = getattr(config, head)
    return hint_of(type(config), name)

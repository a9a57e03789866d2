"""Configurations: nested frozen dataclasses, addressed by dotted paths (``model.pooling``)."""

from __future__ import annotations

import hashlib
import json
import math
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from search.errors import SpaceError, near_miss


def flatten(config: Any) -> dict[str, Any]:
    """Return the leaves of a configuration by dotted path, in the order of declaration.

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
        value = getattr(config, field.name)
        if is_dataclass(value) and not isinstance(value, type):
            yield from _leaves(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", value


def override(config: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of `config` with the values at some dotted paths replaced.

    Raises
    ------
    SpaceError
        If a path is no leaf of the configuration.
    """
    known = flatten(config)
    if unknown := [path for path in values if path not in known]:
        raise SpaceError(unknown_field(config, path) for path in unknown)
    return _replace(config, values)


def _replace(config: Any, values: Mapping[str, Any]) -> Any:
    changes: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        head, _, rest = path.partition(".")
        if rest:
            nested.setdefault(head, {})[rest] = value
        else:
            changes[head] = value
    for head, inner in nested.items():
        changes[head] = _replace(getattr(config, head), inner)
    return replace(config, **changes) if changes else config


def unknown_field(config: Any, path: str) -> str:
    """Return the sentence about a path that is no field of `config`."""
    return f"{type(config).__name__} has no field '{path}'{near_miss(path, flatten(config))}"


def value_problem(config: Any, path: str, value: Any) -> str | None:
    """Return what is wrong with `value` at `path`, or None if its type fits the annotation."""
    hint = _hint(config, path)
    if _fits(value, hint):
        return None
    name = getattr(hint, "__name__", str(hint)) if get_origin(hint) is None else str(hint)
    return f"{type(config).__name__}.{path} takes {name.replace('typing.', '')}, got {value!r}"


def _hint(config: Any, path: str) -> Any:
    head, _, rest = path.partition(".")
    if rest:
        return _hint(getattr(config, head), rest)
    try:
        return get_type_hints(type(config)).get(head, Any)
    except NameError:  # an annotation that only a type checker can resolve
        return Any


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in get_args(hint))
    if origin in (Union, types.UnionType):
        return any(_fits(value, option) for option in get_args(hint))
    if hint is None or hint is type(None):
        return value is None
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    expected = origin or hint
    return isinstance(value, expected) if isinstance(expected, type) else True


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: enums by value, tuples as lists, non-finite as text."""
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return f"{type(value).__module__}.{type(value).__qualname__}: {value!r}"


def digest(value: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def python_source(config: Any) -> str:
    """Return a configuration as an expression ready to paste: only what differs from the default.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     lr: float = 0.1
    ...     focal: bool = False
    >>> python_source(Config(focal=True))
    'Config(focal=True)'
    """
    parts = []
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value) and not isinstance(value, type):
            inner = python_source(value)
            if not inner.endswith("()"):
                parts.append(f"{field.name}={inner}")
        elif value != field.default:
            parts.append(f"{field.name}={value!r}")
    return f"{type(config).__name__}({', '.join(parts)})"

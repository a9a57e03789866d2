"""Configurations: nested frozen dataclasses, addressed by dotted paths (``model.pooling``)."""

from __future__ import annotations

import hashlib
import json
import math
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
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


def unplain(config: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by dotted path as `config` holds them, given what `plain` made of them."""
    like = flatten(config)
    return {path: _like(like.get(path), value) for path, value in values.items()}


def _like(example: Any, value: Any) -> Any:
    if isinstance(example, Enum) and value is not None:
        return type(example)(value)
    if isinstance(example, tuple) and isinstance(value, list):
        return tuple(value)
    return value


def digest(value: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Source:
    """How a configuration is written in Python: its classes and their defaults, by dotted path."""

    classes: Mapping[str, str]
    defaults: Mapping[str, Any]

    @classmethod
    def of(cls, config: Any) -> Source:
        """Return the classes and defaults of a configuration's dataclasses."""
        return cls(dict(_classes(config, "")), plain(dict(_defaults(config, ""))))

    def write(self, values: Mapping[str, Any]) -> str:
        """Return an expression ready to paste: only what differs from the classes' defaults.

        Examples
        --------
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     lr: float = 0.1
        ...     focal: bool = False
        >>> Source.of(Config()).write({"lr": 0.1, "focal": True})
        'Config(focal=True)'
        """
        return self._write("", plain(values))

    def _write(self, prefix: str, values: Mapping[str, Any]) -> str:
        parts: dict[str, str] = {}
        for path, value in values.items():
            if not path.startswith(prefix) or self.defaults.get(path, _ABSENT) == value:
                continue
            head, _, rest = path[len(prefix) :].partition(".")
            inner = f"{prefix}{head}."
            parts[head] = self._write(inner, values) if rest else repr(value)
        arguments = ", ".join(f"{name}={text}" for name, text in parts.items())
        return f"{self.classes[prefix]}({arguments})"


_ABSENT = object()


def _classes(config: Any, prefix: str) -> Iterator[tuple[str, str]]:
    yield prefix, type(config).__name__
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value) and not isinstance(value, type):
            yield from _classes(value, f"{prefix}{field.name}.")


def _defaults(config: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value) and not isinstance(value, type):
            yield from _defaults(value, f"{prefix}{field.name}.")
        elif field.default is not MISSING:
            yield f"{prefix}{field.name}", field.default

"""Type hints of a configuration's fields: what fits, and how a value comes back from JSON."""

from __future__ import annotations

import inspect
import math
import sys
import types
from collections.abc import Sequence
from enum import Enum
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from search.plain import plain

NON_FINITE = ("inf", "-inf", "nan")
KINDS = "None, bool, int, float, str, Enum members, paths, and tuples or frozensets of these"


def hint_of(owner: type, name: str) -> Any:
    """Return the type that a dataclass's field is annotated with; Any where it cannot be told."""
    for base in owner.__mro__:
        try:
            annotations = inspect.get_annotations(base)
        except NameError:  # an annotation that only a type checker can resolve
            return Any
        if name in annotations:
            return _resolved(annotations[name], base)
    return Any


def _resolved(annotation: Any, base: type) -> Any:
    """Resolve one annotation by itself: another field's may name what only exists for checkers."""
    module = sys.modules.get(base.__module__)
    holder = SimpleNamespace(__annotations__={"field": annotation})
    try:
        found = get_type_hints(holder, vars(module) if module else {}, dict(vars(base)))
    except (NameError, TypeError, AttributeError, SyntaxError):
        return Any
    return found["field"]


def kind_problem(value: Any) -> str | None:
    """Return why a configuration cannot hold `value`, or None.

    Configurations are hashed, stored as JSON and compared, so their values are plain and frozen.
    """
    if isinstance(value, list | set | dict):
        return f"cannot hold {value!r}, which may change: use a tuple or a frozenset"
    if isinstance(value, tuple | frozenset):
        return next((problem for item in value if (problem := kind_problem(item))), None)
    if isinstance(value, float) and math.isnan(value):
        return "cannot hold nan, which equals nothing"
    if value is None or isinstance(value, bool | int | float | str | Enum | PurePath):
        return None
    return f"cannot hold {value!r}: a configuration takes {KINDS}"


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value's type fits a hint; what cannot be checked fits."""
    hint = getattr(hint, "__supertype__", hint)  # NewType
    origin, options = get_origin(hint), get_args(hint)
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in options)
    if origin in (Union, types.UnionType):
        return any(fits(value, option) for option in options)
    if hint is None or hint is type(None):
        return value is None
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    expected = origin or hint
    if hint is Any or not isinstance(expected, type):
        return True
    if expected in (tuple, frozenset) and isinstance(value, expected):
        return _items_fit(tuple(value), expected, options)
    return isinstance(value, expected)


def _items_fit(items: tuple[Any, ...], container: type, options: Sequence[Any]) -> bool:
    wanted = _item_hints(container, options, len(items))
    return len(wanted) == len(items) and all(map(fits, items, wanted))


def _item_hints(container: type, options: Sequence[Any], length: int) -> list[Any]:
    """Return one hint per item of a tuple or frozenset."""
    if not options:
        return [Any] * length
    if container is frozenset:
        return [options[0]] * length
    if len(options) == 2 and options[1] is Ellipsis:
        return [options[0]] * length
    return list(options)


def restore(value: Any, hint: Any) -> Any:
    """Return a value as its field holds it, given what `plain` made of it (or the value itself).

    Examples
    --------
    >>> restore([64, 32], tuple[int, ...]), restore("inf", float), restore("inf", str)
    ((64, 32), inf, 'inf')
    """
    hint = getattr(hint, "__supertype__", hint)
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _restored_union(value, options)
    if hint is float and value in NON_FINITE:
        return float(value)
    expected = origin or hint
    if not isinstance(expected, type) or expected is Any:
        return value
    if expected in (tuple, frozenset) and isinstance(value, list):
        wanted = _item_hints(expected, options, len(value))
        return expected(restore(item, want) for item, want in zip(value, wanted, strict=False))
    if issubclass(expected, Enum) and not isinstance(value, expected):
        return next((member for member in expected if plain(member) == value), value)
    if issubclass(expected, PurePath) and isinstance(value, str):
        return expected(value)
    return value


def _restored_union(value: Any, options: Sequence[Any]) -> Any:
    if any(fits(value, option) for option in options):
        return value
    found = (restore(value, option) for option in options)
    return next((v for v, o in zip(found, options, strict=True) if fits(v, o)), value)


def name_of(hint: Any) -> str:
    """Return a hint as a person writes it."""
    text = getattr(hint, "__name__", str(hint)) if get_origin(hint) is None else str(hint)
    return str(text).replace("typing.", "")

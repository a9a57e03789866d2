"""A configuration as Python source: what a person pastes into a study file."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeAlias, Union, get_args, get_origin

from search.hints import NON_FINITE, hint_of
from search.plain import plain

Form: TypeAlias = Sequence[Any] | None
_ABSENT = object()


@dataclass(frozen=True)
class Source:
    """How a configuration is written in Python; itself plain, so that the database can keep it.

    Parameters
    ----------
    classes
        Prefix ("" or "model.") to the name of the dataclass there.
    defaults
        Dotted path to the default of the field in its class, as JSON holds it.
    forms
        Dotted path to how its values are written, where JSON does not say: tuples, enums, inf.
    presets
        Prefix to the values, by dotted path, of a nested dataclass whose field is not given.
    """

    classes: Mapping[str, str]
    defaults: Mapping[str, Any]
    forms: Mapping[str, Form] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Any) -> Source:
        """Return the classes and defaults of a configuration's dataclasses."""
        nested = dict(_nested(config, ""))
        leaves = [(f"{prefix}{f.name}", f, owner) for prefix, owner, f in _leaf_fields(nested)]
        forms = {path: _form(hint_of(type(owner), f.name)) for path, f, owner in leaves}
        return cls(
            classes={prefix: type(inner).__name__ for prefix, inner in nested.items()},
            defaults={p: plain(d) for p, f, _ in leaves if (d := _default(f)) is not _ABSENT},
            forms={path: form for path, form in forms.items() if form},
            presets=dict(_presets(nested)),
        )

    def write(self, values: Mapping[str, Any]) -> str:
        """Return an expression ready to paste: only what differs from the classes' defaults.

        Parameters
        ----------
        values
            Every field by dotted path, as it is or as JSON holds it.

        Examples
        --------
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     lr: float = 0.1
        ...     widths: tuple[int, ...] = (8,)
        >>> Source.of(Config()).write({"lr": 0.1, "widths": [64, 32]})
        'Config(widths=(64, 32))'
        """
        return self._write("", plain(values))

    def _write(self, prefix: str, values: Mapping[str, Any]) -> str:
        parts: dict[str, str] = {}
        for path, value in values.items():
            if not path.startswith(prefix):
                continue
            head, _, rest = path[len(prefix) :].partition(".")
            if rest:
                inner = f"{prefix}{head}."
                below = {p: v for p, v in values.items() if p.startswith(inner)}
                if self.presets.get(inner, _ABSENT) != below:
                    parts[head] = self._write(inner, below)
            elif self.defaults.get(path, _ABSENT) != value:
                parts[head] = _text(value, self.forms.get(path))
        arguments = ", ".join(f"{name}={text}" for name, text in parts.items())
        return f"{self.classes[prefix]}({arguments})"


def _nested(config: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    yield prefix, config
    for f in fields(config):
        value = getattr(config, f.name)
        if f.init and is_dataclass(value) and not isinstance(value, type):
            yield from _nested(value, f"{prefix}{f.name}.")


def _leaf_fields(nested: Mapping[str, Any]) -> Iterator[tuple[str, Any, Field[Any]]]:
    for prefix, config in nested.items():
        for f in fields(config):
            if f.init and f"{prefix}{f.name}." not in nested:
                yield prefix, config, f


def _default(f: Field[Any]) -> Any:
    if f.default is not MISSING:
        return f.default
    return _ABSENT if f.default_factory is MISSING else f.default_factory()


def _presets(nested: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for prefix, config in nested.items():
        for f in fields(config):
            inner, default = f"{prefix}{f.name}.", _default(f)
            if inner in nested and type(default) is type(nested[inner]):
                below = dict(_nested(default, inner))
                yield (
                    inner,
                    {
                        f"{p}{leaf.name}": plain(getattr(owner, leaf.name))
                        for p, owner, leaf in _leaf_fields(below)
                    },
                )


def _form(hint: Any) -> Form:
    """Return how values of a hint are written; None where their JSON says it."""
    hint = getattr(hint, "__supertype__", hint)
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        found = [_form(option) for option in options]
        return ["any", *found] if any(found) else None
    if hint is float:
        return ["float"]
    expected = origin or hint
    if expected in (tuple, frozenset):
        inner = [_form(option) for option in options if option is not Ellipsis]
        return [expected.__name__, *inner]
    if isinstance(expected, type) and issubclass(expected, Enum):
        return ["enum", {json.dumps(plain(m)): f"{expected.__name__}.{m.name}" for m in expected}]
    if isinstance(expected, type) and issubclass(expected, PurePath):
        return ["path", expected.__name__]
    return None


def _text(value: Any, form: Form) -> str:
    """Return a value as Python writes it: a list was a tuple, unless its form says otherwise."""
    kind, *rest = form or ["tuple"]
    if kind == "any":
        texts = (_text(value, option) for option in rest if option)
        return next((text for text in texts if text != repr(value)), repr(value))
    if kind == "enum":
        return str(rest[0].get(json.dumps(value), repr(value)))
    if kind == "float" and value in NON_FINITE:
        return f"float({value!r})"
    if kind == "path" and isinstance(value, str):
        return f"{rest[0]}({value!r})"
    if kind in ("tuple", "frozenset") and isinstance(value, list):
        return _items(value, kind, rest)
    return repr(value)


def _items(values: Sequence[Any], kind: str, forms: Sequence[Form]) -> str:
    repeated = [forms[0] if forms else None] * len(values)
    wanted = forms if len(forms) == len(values) else repeated
    texts = [_text(value, form) for value, form in zip(values, wanted, strict=True)]
    inside = ", ".join(texts) + ("," if len(texts) == 1 else "")
    return f"({inside})" if kind == "tuple" else f"frozenset(({inside}))"

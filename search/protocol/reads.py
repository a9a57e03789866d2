"""Which fields of its configuration a trainable reads."""

from __future__ import annotations

import inspect
import types
from dataclasses import fields
from types import FrameType
from typing import Any

from search.configuration import is_frozen_dataclass

WHOLE = ("dataclasses", "copy", "search.configuration", "search.source")
GENERATED = ("__eq__", "__hash__", "__repr__", "__replace__")  # methods that dataclasses write


class Reads:
    """Notes every field that is read of the configurations that it watches.

    Fields that are read all at once (``asdict``, ``replace``, ``vars``, a hash) say nothing about
    any one of them: they are not noted, but `whole` is set.

    Attributes
    ----------
    fields
        Dotted paths that were read.
    whole
        Whether a configuration was read as a whole too.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     lr: float = 0.1
    ...     gamma: float = 2.0
    >>> reads = Reads()
    >>> reads.watch(Config()).lr
    0.1
    >>> sorted(reads.fields), reads.whole
    (['lr'], False)
    """

    def __init__(self) -> None:
        self.fields: set[str] = set()
        self.whole = False

    def watch(self, config: Any) -> Any:
        """Return a configuration that equals `config` field by field, and tells what is read."""
        return self._watched(config, "")

    def _watched(self, config: Any, prefix: str) -> Any:
        kind = type(config)
        names = {field.name for field in fields(config)}
        note = self._note

        def read(self: Any, name: str) -> Any:
            value = object.__getattribute__(self, name)
            if name == "__dict__" or (name in names and not is_frozen_dataclass(value)):
                note(f"{prefix}{name}", inspect.currentframe())
            return value

        body = {"__getattribute__": read, "__module__": kind.__module__, "__slots__": ()}
        made: type[Any] = types.new_class(kind.__name__, (kind,), {}, lambda own: own.update(body))
        watched = object.__new__(made)
        held = dict(getattr(config, "__dict__", {}))
        held |= {name: getattr(config, name) for name in names if hasattr(config, name)}
        for name, value in held.items():
            inner = f"{prefix}{name}."
            seen = self._watched(value, inner) if is_frozen_dataclass(value) else value
            object.__setattr__(watched, name, seen)
        return watched

    def _note(self, path: str, frame: FrameType | None) -> None:
        reader = frame.f_back if frame else None
        if path.endswith("__dict__") or (reader is not None and _reads_everything(reader)):
            self.whole = True
        else:
            self.fields.add(path)


def _reads_everything(reader: FrameType) -> bool:
    if reader.f_globals.get("__name__") in WHOLE:
        return True
    # what dataclasses generate has no file, and the globals of the class's own module
    return reader.f_code.co_filename == "<string>" and reader.f_code.co_name in GENERATED

"""Values as JSON can hold them, and their digest."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: enums by value, tuples as lists, non-finite as text.

    Sets are sorted, so that equal values have equal texts in every process.

    Examples
    --------
    >>> plain({"widths": (64, 32), "clip": float("inf"), "on": frozenset({"b", "a"})})
    {'widths': [64, 32], 'clip': 'inf', 'on': ['a', 'b']}
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | str):
        return _scalar(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=json.dumps)
    if isinstance(value, PurePath):
        return value.as_posix()
    return f"{type(value).__module__}.{type(value).__qualname__}: {value!r}"


def _scalar(value: float | str) -> Any:
    """Return a number or text without the subclass it may be of (NumPy's float64 is a float)."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else str(float(value))


def digest(value: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]

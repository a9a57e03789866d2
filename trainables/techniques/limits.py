"""Rules about the numbers of a configuration, in words: what a class yields as its problems."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from search.errors import near_miss


def at_least(section: Any, least: float, *names: str, prefix: str = "") -> Iterator[str]:
    """Yield which fields are below a limit.

    Parameters
    ----------
    section
        A dataclass.
    least
        The limit.
    names
        Of its fields.
    prefix
        What the fields are called by, with its dot: ``"optim."``.
    """
    for name in names:
        if not (value := getattr(section, name)) >= least:
            yield f"{prefix}{name} must be {least} or more, got {value!r}"


def positive(section: Any, *names: str, prefix: str = "") -> Iterator[str]:
    """Yield which fields are not above zero."""
    for name in names:
        if not (value := getattr(section, name)) > 0:
            yield f"{prefix}{name} must be positive, got {value!r}"


def within(section: Any, low: float, high: float, *names: str, prefix: str = "") -> Iterator[str]:
    """Yield which fields lie outside an interval, whose ends belong to it."""
    for name in names:
        if not low <= (value := getattr(section, name)) <= high:
            yield f"{prefix}{name} must lie in [{low}, {high}], got {value!r}"


def between(section: Any, low: float, high: float, *names: str, prefix: str = "") -> Iterator[str]:
    """Yield which fields lie outside an interval, whose ends do not belong to it."""
    for name in names:
        if not low < (value := getattr(section, name)) < high:
            yield f"{prefix}{name} must lie in ({low}, {high}), got {value!r}"


def below_one(section: Any, *names: str, prefix: str = "") -> Iterator[str]:
    """Yield which fields are no shares below one."""
    for name in names:
        if not 0 <= (value := getattr(section, name)) < 1:
            yield f"{prefix}{name} must lie in [0, 1), got {value!r}"


def one_of(section: Any, name: str, known: Collection[str], *, prefix: str = "") -> Iterator[str]:
    """Yield that a field's word is unknown, and which one was probably meant."""
    if (value := getattr(section, name)) not in known:
        yield f"{prefix}{name} has no '{value}'{near_miss(str(value), known)}"

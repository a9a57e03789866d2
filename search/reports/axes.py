"""A parameter's domain as an axis: where a value lies on it, and how it is labelled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.reports.text import number, shown
from search.space import Categorical, Domain

EDGE = 0.01  # of the axis: an optimum this close to an end may lie beyond it
DEFAULT_SPAN = (0.0, 1.0)


@dataclass(frozen=True)
class Axis:
    """A parameter of a search.

    Parameters
    ----------
    name
        Optuna's name: a dotted path, or a technique's name.
    kind
        float, int or categorical.
    low, high
        Ends of a numeric domain.
    log
        Whether the domain is searched on a logarithmic scale.
    choices
        Values of a categorical domain.
    when
        In words, when the parameter exists; None: always.

    Examples
    --------
    >>> lr = Axis("lr", "float", 1e-4, 1e-2, log=True)
    >>> round(lr.position(1e-3), 6), lr.domain
    (0.5, '0.0001 to 0.01, log')
    """

    name: str
    kind: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[Any, ...] = ()
    when: str | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any], observed: Sequence[Any] = ()) -> Axis:
        """Return the axis of a specification's entry; what it lacks comes from values seen."""
        kind = entry.get("kind") or _guess(observed)
        choices = tuple(entry.get("choices") or ())
        if kind == "categorical":
            choices = choices or tuple(dict.fromkeys(_hashable(observed)))
            return cls(str(entry["name"]), kind, choices=choices, when=entry.get("when"))
        seen = [float(value) for value in observed] or list(DEFAULT_SPAN)
        low, high = entry.get("low"), entry.get("high")
        return cls(
            name=str(entry["name"]),
            kind=kind,
            low=min(seen) if low is None else float(low),
            high=max(seen) if high is None else float(high),
            log=bool(entry.get("log")),
            when=entry.get("when"),
        )

    @classmethod
    def from_domain(cls, name: str, domain: Domain) -> Axis:
        """Return the axis of an Optuna distribution."""
        if isinstance(domain, Categorical):
            return cls(name, "categorical", choices=tuple(domain.choices))
        kind = "int" if isinstance(domain.low, int) else "float"
        return cls(name, kind, float(domain.low), float(domain.high), log=domain.log)

    @property
    def categorical(self) -> bool:
        """Whether the values are choices."""
        return self.kind == "categorical"

    @property
    def domain(self) -> str:
        """The domain in words."""
        if self.categorical:
            return ", ".join(shown(choice) for choice in self.choices)
        return f"{number(self.low)} to {number(self.high)}{', log' if self.log else ''}"

    def index(self, value: Any) -> int | None:
        """Return the place of a choice, or None for a value that is none."""
        texts = [shown(choice) for choice in self.choices]
        return texts.index(shown(value)) if shown(value) in texts else None

    def position(self, value: Any) -> float | None:
        """Return where a value lies, from 0 (low, or the first choice) to 1; None for nowhere."""
        if self.categorical:
            index = self.index(value)
            return None if index is None else _share(index, 0, len(self.choices) - 1)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self.log and min(value, self.low) <= 0:
            return None
        if self.log:
            return _share(math.log(value), math.log(self.low), math.log(self.high))
        return _share(value, self.low, self.high)

    def at_edge(self, value: Any) -> bool:
        """Return whether a numeric value lies at an end of its domain."""
        where = None if self.categorical or self.high == self.low else self.position(value)
        return where is not None and not EDGE < where < 1 - EDGE

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Positions and labels: every choice, or both ends and the middle."""
        if self.categorical:
            last = len(self.choices) - 1
            return tuple((_share(i, 0, last), shown(c)) for i, c in enumerate(self.choices))
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        if self.kind == "int":
            middle = round(middle)
        marks = dict.fromkeys((self.low, middle, self.high))
        return tuple((self.position(mark) or 0.0, number(mark, 2)) for mark in marks)


def _share(value: float, low: float, high: float) -> float:
    return 0.5 if high == low else min(1.0, max(0.0, (value - low) / (high - low)))


def _guess(observed: Iterable[Any]) -> str:
    values = list(observed)
    if values and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return "int" if all(isinstance(v, int) for v in values) else "float"
    return "categorical"


def _hashable(values: Iterable[Any]) -> Iterable[Any]:
    return (tuple(value) if isinstance(value, list) else value for value in values)

"""Technique: something one may switch on, with what people expect of it and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import Any, Literal

from search.errors import TechniqueError
from search.space import Domain, When, holds

Stage = Literal["training", "post-hoc"]
Status = Literal["implemented", "planned"]


class Impact(Enum):
    """The impact that the source of a technique expects; spans are members of their own."""

    NOT_STATED = "Not stated"
    NONE = "None"
    LOW = "Low"
    LOW_MEDIUM = "Low-Medium"
    LOW_HIGH = "Low-High"
    MEDIUM = "Medium"
    MEDIUM_HIGH = "Medium-High"
    HIGH = "High"


class Effort(Enum):
    """The effort that adopting a technique costs; `hours` is the default when none are stated."""

    NOT_STATED = "Not stated"
    LOW = "Low"
    LOW_MEDIUM = "Low-Medium"
    MEDIUM = "Medium"
    MEDIUM_HIGH = "Medium-High"
    HIGH = "High"

    @property
    def hours(self) -> float:
        """Working hours that stand for this effort: 1, 4 and 16; spans take the geometric mean."""
        return _HOURS[self]


_HOURS = {
    Effort.NOT_STATED: 4.0,
    Effort.LOW: 1.0,
    Effort.LOW_MEDIUM: 2.0,
    Effort.MEDIUM: 4.0,
    Effort.MEDIUM_HIGH: 8.0,
    Effort.HIGH: 16.0,
}


@dataclass(frozen=True)
class Technique:
    """A scientific hyperparameter: the technique is on, or it is off.

    Parameters
    ----------
    name
        How the priority table calls it; unique in a study.
    on
        Dotted path to the value that switches the technique on. Empty only for post-hoc ones and
        for those that are all `levels`.
    domains
        The technique's own knobs, which exist only while it is on.
    expected_impact, effort
        What the source of the technique states.
    reference
        Paper or page, for instance ``"arXiv:1708.02002"``.
    expected_note, effort_note
        The words of the source: "2-5 % F1", "10 lines of code".
    effort_hours
        Working hours, where known better than by `effort`.
    smallest_gain
        The technique's own delta, in the unit of the evaluation metric.
    requires, excludes
        Names of techniques without which, or with which, this one makes no sense.
    levels
        One knob measured at several values: dotted path to the values.
    stage
        "training", or "post-hoc" when it changes predictions, not training.
    fit
        For post-hoc techniques: ``fit(validation) -> (predictions -> predictions)``.
    secondary
        For post-hoc techniques that cannot move the evaluation metric: the metric they can move.
    status
        "planned" techniques are listed, and not run.

    Raises
    ------
    TechniqueError
        With every problem found.

    Examples
    --------
    >>> Technique("Focal loss", on={"focal": True}, expected_impact=Impact.HIGH).effort_in_hours
    4.0
    """

    name: str
    on: Mapping[str, Any] = field(default_factory=dict)
    domains: Mapping[str, Domain | When] = field(default_factory=dict)
    expected_impact: Impact = Impact.NOT_STATED
    effort: Effort = Effort.NOT_STATED
    reference: str = ""
    _: KW_ONLY
    expected_note: str = ""
    effort_note: str = ""
    effort_hours: float | None = None
    smallest_gain: float | None = None
    requires: Sequence[str] = ()
    excludes: Sequence[str] = ()
    levels: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    stage: Stage = "training"
    fit: Callable[[Any], Callable[[Any], Any]] | None = None
    secondary: str | None = None
    status: Status = "implemented"

    def __post_init__(self) -> None:
        for name in ("on", "domains"):
            object.__setattr__(self, name, dict(getattr(self, name)))
        for name in ("requires", "excludes"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))
        levels = {path: tuple(values) for path, values in self.levels.items()}
        object.__setattr__(self, "levels", levels)
        if problems := list(self._problems()):
            raise TechniqueError(problems)

    @property
    def effort_in_hours(self) -> float:
        """Stated hours, or those that stand for the effort."""
        return self.effort.hours if self.effort_hours is None else self.effort_hours

    def is_on(self, values: Mapping[str, Any]) -> bool:
        """Return whether these values (by dotted path) have the technique switched on."""
        return bool(self.on) and holds(self.on, values)

    def conflicts(self, other: Technique) -> bool:
        """Return whether both cannot be on at once: excluded, or one field set differently."""
        if other.name in self.excludes or self.name in other.excludes:
            return True
        return any(self.on[path] != other.on[path] for path in self.on.keys() & other.on.keys())

    def _problems(self) -> Iterator[str]:
        where = f"technique '{self.name}'"
        if not isinstance(self.name, str) or not self.name.strip():
            yield f"a technique needs a name, got {self.name!r}"
        yield from self._enum_problems(where)
        yield from self._stage_problems(where)
        for label, value in (
            ("effort_hours", self.effort_hours),
            ("smallest_gain", self.smallest_gain),
        ):
            if value is not None and not value > 0:
                yield f"{where}: {label} must be positive, got {value!r}"
        if len(self.levels) > 1:
            yield f"{where}: levels takes one knob, got {', '.join(self.levels)}"
        for path, values in self.levels.items():
            if len(values) < 2:
                yield f"{where}: levels of '{path}' need at least two values, got {values!r}"
        if self.name in (*self.requires, *self.excludes):
            yield f"{where} cannot require or exclude itself"

    def _enum_problems(self, where: str) -> Iterator[str]:
        if not isinstance(self.expected_impact, Impact):
            yield f"{where}: expected_impact takes Impact, got {self.expected_impact!r}"
        if not isinstance(self.effort, Effort):
            yield f"{where}: effort takes Effort, got {self.effort!r}"
        if self.stage not in ("training", "post-hoc"):
            yield f"{where}: stage is 'training' or 'post-hoc', got {self.stage!r}"
        if self.status not in ("implemented", "planned"):
            yield f"{where}: status is 'implemented' or 'planned', got {self.status!r}"

    def _stage_problems(self, where: str) -> Iterator[str]:
        if self.status == "planned":
            return
        if self.stage == "post-hoc":
            if self.fit is None:
                yield f"{where}: a post-hoc technique needs fit=…"
            if self.on or self.domains or self.levels:
                yield f"{where}: a post-hoc technique changes predictions, so it sets no field"
        elif self.fit is not None:
            yield f"{where}: fit=… is for stage='post-hoc'"
        elif not self.on and not self.levels:
            yield f"{where} switches nothing on: give on={{...}}"

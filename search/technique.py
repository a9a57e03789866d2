"""Technique: something one may switch on, with what people expect of it and what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import Any, Literal

from search.errors import TechniqueError
from search.frozen import FrozenMapping
from search.hints import kind_problem
from search.space import Domain, When, holds, same

BASELINE = "baseline"  # the arm without any technique
LONGEST_NAME = 200  # characters: names of arms become names of Optuna's studies and parameters
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
        for those that are all `levels` (then none of these is the baseline's value).
    domains
        The technique's own knobs, which exist only while it is on.
    expected_impact, effort
        What the source of the technique states.
    reference
        Paper or page, for instance ``"arXiv:1708.02002"``.
    family
        What other studies' techniques it belongs together with, where it has a name of its own
        here: "Class weights". A roll-up shows a family's members from all studies side by side.
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
    members
        For post-hoc techniques: above 1, an ensemble of this many seeds. It votes with the mean of
        their scores, or as ``fit(validations) -> (members' predictions -> predictions)`` says.
    voters
        For post-hoc techniques: an ensemble of unlike models. These techniques' runs vote with the
        baseline's of the same seed (which comes last), combined as `members` are.
    secondary
        For post-hoc techniques that cannot move the evaluation metric: the metric they can move.
    cheaper
        Whether it promises the same quality for less time or memory. It keeps getting seeds until
        a loss of the smallest gain is ruled out; then the report flags it "as good but cheaper".
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
    members: int = 1
    voters: Sequence[str] = ()
    secondary: str | None = None
    cheaper: bool = False
    family: str = ""
    status: Status = "implemented"

    def __post_init__(self) -> None:
        if problems := list(self._shape_problems()):
            raise TechniqueError(problems)
        for name in ("on", "domains"):
            object.__setattr__(self, name, FrozenMapping(getattr(self, name)))
        for name in ("requires", "excludes", "voters"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))
        levels = {path: tuple(values) for path, values in self.levels.items()}
        object.__setattr__(self, "levels", FrozenMapping(levels))
        if problems := list(self._problems()):
            raise TechniqueError(problems)

    @property
    def effort_in_hours(self) -> float:
        """Stated hours, or those that stand for the effort."""
        return self.effort.hours if self.effort_hours is None else self.effort_hours

    @property
    def searched(self) -> bool:
        """Whether a search may switch it on: it trains, and it is implemented."""
        return self.stage == "training" and self.status == "implemented"

    @property
    def switch(self) -> Mapping[str, Any]:
        """What holds while the technique is on: `on`, or any of its levels where it is all levels.

        Empty for post-hoc techniques.
        """
        return self.on or {path: frozenset(values) for path, values in self.levels.items()}

    def is_on(self, values: Mapping[str, Any]) -> bool:
        """Return whether these values (by dotted path) have the technique switched on."""
        return self.searched and bool(self.switch) and holds(self.switch, values)

    def conflicts(self, other: Technique) -> bool:
        """Return whether both cannot be on at once: excluded, or one field set differently."""
        if other.name in self.excludes or self.name in other.excludes:
            return True
        shared = self.on.keys() & other.on.keys()
        return any(not same(self.on[path], other.on[path]) for path in shared)

    def _shape_problems(self) -> Iterator[str]:
        """Yield what is wrong with the shapes: what looking at the contents takes for granted."""
        if not isinstance(self.name, str) or not self.name.strip():
            yield f"a technique needs a name, got {self.name!r}"
        where = f"technique '{self.name}'"
        for label in ("on", "domains", "levels"):
            value = getattr(self, label)
            if not isinstance(value, Mapping):
                yield f"{where}: {label} takes {{field: …}}, got {value!r}"
            elif label == "levels":
                for path, values in value.items():
                    if isinstance(values, str) or not isinstance(values, Sequence):
                        yield f"{where}: levels of '{path}' take a list of values, got {values!r}"
        for label in ("requires", "excludes", "voters"):
            value = getattr(self, label)
            if not isinstance(value, Sequence) or not all(isinstance(v, str) for v in value):
                yield f"{where}: {label} takes names of techniques, got {value!r}"

    def _problems(self) -> Iterator[str]:
        where = f"technique '{self.name}'"
        yield from self._name_problems(where)
        yield from self._enum_problems(where)
        yield from self._stage_problems(where)
        for label in ("effort_hours", "smallest_gain"):
            value = getattr(self, label)
            if value is not None and not is_positive(value):
                yield f"{where}: {label} must be a positive number, got {value!r}"
        yield from self._level_problems(where)
        for path, value in self.on.items():
            if problem := kind_problem(value):
                yield f"{where}: '{path}' {problem}"
        if self.name in (*self.requires, *self.excludes):
            yield f"{where} cannot require or exclude itself"
        for name in dict.fromkeys(name for name in self.requires if name in self.excludes):
            yield f"{where} both requires and excludes '{name}'"

    def _name_problems(self, where: str) -> Iterator[str]:
        if self.name == BASELINE:
            yield f"{where}: this name is the baseline's"
        if len(self.name) > LONGEST_NAME:
            yield f"{where}: a name has at most {LONGEST_NAME} characters, got {len(self.name)}"
        if self.name != self.name.strip() or not self.name.isprintable():
            yield f"{where}: a name is one line without spaces around it, got {self.name!r}"

    def _enum_problems(self, where: str) -> Iterator[str]:
        for label, kind in (("expected_impact", Impact), ("effort", Effort)):
            value = getattr(self, label)
            if not isinstance(value, kind):
                word = str(value).casefold()
                meant = [m for m in kind if word in (m.value.casefold(), m.name.casefold())]
                near = f"; did you mean {kind.__name__}.{meant[0].name}?" if meant else ""
                yield f"{where}: {label} takes {kind.__name__}, got {value!r}{near}"
        if not isinstance(self.cheaper, bool):
            yield f"{where}: cheaper is True or False, got {self.cheaper!r}"
        if self.stage not in ("training", "post-hoc"):
            yield f"{where}: stage is 'training' or 'post-hoc', got {self.stage!r}"
        if self.status not in ("implemented", "planned"):
            yield f"{where}: status is 'implemented' or 'planned', got {self.status!r}"

    def _level_problems(self, where: str) -> Iterator[str]:
        if len(self.levels) > 1:
            yield f"{where}: levels takes one knob, got {', '.join(self.levels)}"
        for path, values in self.levels.items():
            problems = [problem for value in values if (problem := kind_problem(value))]
            yield from (f"{where}: '{path}' {problem}" for problem in problems)
            if len(values) < 2:
                yield f"{where}: levels of '{path}' need at least two values, got {values!r}"
            elif not problems and len({(value, type(value) is bool) for value in values}) < len(
                values
            ):
                yield f"{where}: levels of '{path}' name a value twice: {values!r}"
        for path in self.on.keys() & (self.domains.keys() | self.levels.keys()):
            yield (
                f"{where} both sets '{path}' and searches it; "
                "give the configuration a field of its own that switches the technique on"
            )
        for path in self.domains.keys() & self.levels.keys():
            yield f"{where}: '{path}' has a domain and levels; keep one of them"

    def _stage_problems(self, where: str) -> Iterator[str]:
        if self.status == "planned":
            return
        yield from self._ensemble_problems(where)
        if self.stage == "post-hoc":
            votes = self.fit is None and (self.voters or self.members != 1)
            if not callable(self.fit) and not votes:
                yield f"{where}: a post-hoc technique needs fit=…, a function, got {self.fit!r}"
            if self.on or self.domains or self.levels:
                yield f"{where}: a post-hoc technique changes predictions, so it sets no field"
        elif self.fit is not None:
            yield f"{where}: fit=… is for stage='post-hoc'"
        elif not self.on and not self.levels:
            yield f"{where} switches nothing on: give on={{...}}"

    def _ensemble_problems(self, where: str) -> Iterator[str]:
        whole = isinstance(self.members, int) and not isinstance(self.members, bool)
        if not whole or self.members < 1:
            yield f"{where}: members must be a whole number from 1, got {self.members!r}"
        elif self.members > 1 and self.stage != "post-hoc":
            yield f"{where}: members=… is for stage='post-hoc'"
        elif self.members > 1 and self.voters:
            yield f"{where} has members=… and voters=…: either seeds vote, or techniques"
        if self.voters and self.stage != "post-hoc":
            yield f"{where}: voters=… is for stage='post-hoc'"


def is_positive(value: Any) -> bool:
    """Return whether a value is a finite number above zero."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value > 0


def all_required(name: str, requires: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what a technique requires, and what that requires, without itself; farthest first.

    Parameters
    ----------
    name
        Of the technique.
    requires
        Names of techniques to what each of them requires; what is missing requires nothing.

    Examples
    --------
    >>> all_required("c", {"c": ["b"], "b": ["a"]})
    ['a', 'b']
    """
    found: dict[str, None] = {}
    todo = list(requires.get(name, ()))
    while todo:
        other = todo.pop()
        if other not in found and other != name:
            found[other] = None
            todo += requires.get(other, ())
    return list(reversed(found))

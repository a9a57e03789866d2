"""What can go wrong, as one tree.

::

    WinnowError
    ├── SpaceError       (ValueError)    a space or a point in it is wrong
    ├── TechniqueError   (ValueError)    a technique is wrong
    ├── StudyError       (ValueError)    a study is wrong: all its problems at once
    ├── TrainableError   (TypeError)     a trainable does not meet the contract
    ├── DataError        (ValueError)    a data file does not hold what it should
    ├── OptionError      (ValueError)    a command's option is wrong
    ├── StatisticsError  (ValueError)    numbers from which no honest statement follows
    ├── EngineError      (RuntimeError)  the engine cannot run, or stopped
    ├── CheckpointError  (OSError)       a checkpoint is damaged or cannot be written
    └── StorageError     (RuntimeError)  the study database cannot be reached, read or written
        └── StudyLocked                  another driver holds the study
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class WinnowError(Exception):
    """Base of every error that winnow raises on purpose."""


class _ProblemsError(WinnowError):
    """An error that lists every problem found, one per line."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type, tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class SpaceError(_ProblemsError, ValueError):
    """A space, or a point in it, is wrong."""


class TechniqueError(_ProblemsError, ValueError):
    """A technique is wrong."""


class StudyError(_ProblemsError, ValueError):
    """A study is wrong; ``problems`` holds every one of them."""


class TrainableError(_ProblemsError, TypeError):
    """A trainable does not meet the contract."""


class DataError(WinnowError, ValueError):
    """A data file is missing, or does not hold what it should."""


class OptionError(WinnowError, ValueError):
    """A command's option is wrong."""


class EngineError(WinnowError, RuntimeError):
    """The engine cannot run, or stopped before the end."""


class CheckpointError(WinnowError, OSError):
    """A checkpoint is damaged or cannot be written."""


class StorageError(WinnowError, RuntimeError):
    """The study database cannot be reached, read or written."""


class StudyLocked(StorageError):  # noqa: N818 - the sentence users search for
    """Another driver holds the study."""


def near_miss(name: object, known: Iterable[object]) -> str:
    """Return ``"; did you mean 'x'?"``, or the known names when none is close.

    Examples
    --------
    >>> near_miss("focal_gama", ["focal_gamma", "lr"])
    "; did you mean 'focal_gamma'?"
    >>> near_miss("momentum", ["focal_gamma", "lr"])
    '; known: focal_gamma, lr'
    """
    names = list(dict.fromkeys(str(other) for other in known))
    if meant := did_you_mean(name, names):
        return meant
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"; known: {shown}" if names else ""


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Return ``"; did you mean 'x'?"``, or nothing when none is close; case does not matter."""
    folded = {str(other).casefold(): str(other) for other in known}
    close = get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean '{folded[close[0]]}'?" if close else ""

"""The contract a model meets: a generator function, or a class with step, save and load.

A **generator function** ``train(config, *, seed)`` yields its metrics after every step; it is
pruned by being closed, and restarts from step 0 after a lost worker.

Where a loop belongs to somebody else, such as a trainer with callbacks, a function under
`search.handshake.reporting` calls `search.handshake.report` instead of yielding; and
`search.program.command` makes a generator of a script.

A **class** has ``__init__(config, *, seed)``, ``step()``, ``save(directory)``,
``load(directory)``, and optionally ``predict(split)``, ``diagnose()``, ``close()`` and a
property ``done`` that is True once the run has ended before its full length (early stopping).
It resumes from its last checkpoint.

``diagnose()`` is called once, at the end of a complete run that a report may draw, and returns
plain data by name, made from training and validation data only: ``{"kind": "curve", "x": […],
"y": […]}`` (with ``marks``, each a ``name`` with ``x`` and ``y``, and ``diagonal=True`` where that
is the ideal), ``{"kind": "bars", "names": […], "values": […]}`` or ``{"kind": "images", "rows":
[…], "columns": […], "images": …}``, a table of grey pictures with named rows and columns (an array
of shape (rows, columns, height, width) from 0 to 1, up to 64 pixels a side); each may have
``title``, ``note``, ``x_name``, ``y_name`` or ``value_name``. At most 1,000 points a curve, 64 KiB
a run.

Either may name the keywords ``max_steps`` (the full length, never a rung) and ``data`` (what the
study's loader returned).

A class may also name ``group``: a `ProcessGroup` where a trial has several processes, else None.
Every process makes the same calls, except that the first alone is asked to save, predict and
diagnose; its metrics count, and a checkpoint is loaded by all. Seed and batch size are the whole
trial's, so that a trial of one process means the same.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from search.errors import TrainableError, did_you_mean
from search.handshake import as_generator

Split = Literal["validation", "test"]
TEST_PREFIX = "test_"
OPTIONAL_KEYWORDS = ("max_steps", "data", "split_seed", "replication", "group")
METHODS = {"step": "", "save": "directory", "load": "directory"}
POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)


@dataclass(frozen=True)
class ProcessGroup:
    """One process of a trial that has several: which one it is, and where they meet.

    Parameters
    ----------
    rank
        From 0; the first one's metrics and files are the trial's.
    size
        How many there are.
    address, port
        Of the first one's machine, where it may listen for the others.
    """

    rank: int
    size: int
    address: str
    port: int


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a trained model says about one split.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,) or (n_rows, n_classes)
        The model's scores; a trainable documents whether they are logits or probabilities.
    targets : ndarray of shape (n_rows,)
        The truth.
    groups : ndarray of shape (n_rows,), optional
        The group (event, participant, isolate) each row belongs to.

    Raises
    ------
    TrainableError
        If they are no arrays of as many rows.
    """

    scores: NDArray[Any]
    targets: NDArray[Any]
    groups: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        for name in ("scores", "targets", "groups"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, np.asarray(value))
        given = [(name, getattr(self, name)) for name in ("scores", "targets", "groups")]
        shapes = {name: value.shape for name, value in given if value is not None}
        if not all(shapes.values()) or len({shape[0] for shape in shapes.values()}) > 1:
            shown = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise TrainableError(f"Predictions need one row per target, got shapes {shown}")


@runtime_checkable
class ClassTrainable(Protocol):
    """The methods a class trainable must have."""

    def step(self) -> Mapping[str, float]:
        """Train one step (epoch) and return its metrics."""

    def save(self, directory: Path) -> None:
        """Write everything that resuming needs into an empty directory."""

    def load(self, directory: Path) -> None:
        """Continue from what `save` wrote."""


GeneratorTrainable = Callable[..., Iterator[Mapping[str, float]]]
Kind = Literal["generator", "class"]


@dataclass(frozen=True)
class Contract:
    """What a trainable turned out to be.

    Parameters
    ----------
    kind
        Generator or class.
    keywords
        Which of the optional keywords it names.
    predicts
        Whether it has ``predict``.
    required
        Which of `keywords` have no default.
    """

    kind: Kind
    keywords: frozenset[str]
    predicts: bool
    required: frozenset[str] = frozenset()

    def arguments(self, *, seed: int, **offered: Any) -> dict[str, Any]:
        """Return the keyword arguments this trainable takes, out of those on offer."""
        return {"seed": seed, **{name: offered[name] for name in self.keywords}}


def inspect_trainable(trainable: Any) -> Contract:
    """Return which contract a trainable meets.

    Raises
    ------
    TrainableError
        If it meets neither, with every reason.
    """
    if not callable(trainable):
        raise TrainableError(
            f"trainable must be a generator function or a class, got {trainable!r}"
        )
    inner: Any = trainable.func if isinstance(trainable, functools.partial) else trainable
    is_class = inspect.isclass(inner)
    problems = list(_class_problems(inner) if is_class else _generator_problems(inner))
    try:
        named = inspect.signature(trainable).parameters
    except (ValueError, TypeError) as error:
        raise TrainableError([*problems, f"trainable {trainable!r}: {error}"]) from error
    problems += _signature_problems(_name(inner), list(named.values()))
    if problems:
        raise TrainableError(problems)
    keywords = frozenset(name for name in OPTIONAL_KEYWORDS if name in named)
    required = frozenset(name for name in keywords if _is_required(named[name]))
    predicts = is_class and callable(getattr(inner, "predict", None))
    return Contract("class" if is_class else "generator", keywords, predicts, required)


def _name(trainable: Any) -> str:
    return str(getattr(trainable, "__name__", type(trainable).__name__))


def _class_problems(trainable: type) -> Iterator[str]:
    for name, takes in METHODS.items():
        method = getattr(trainable, name, None)
        if not callable(method):
            public = [other for other in dir(trainable) if not other.startswith("_")]
            others = [other for other in public if callable(getattr(trainable, other))]
            meant = did_you_mean(name, others)
            yield f"class {trainable.__name__} lacks the method {name}({takes}){meant}"
    if inspect.isabstract(trainable):
        yield f"class {trainable.__name__} is abstract: it cannot be built"


def _generator_problems(trainable: Any) -> Iterator[str]:
    inner = inspect.unwrap(as_generator(trainable))
    called = getattr(inner, "__call__", None)  # noqa: B004 - the method itself is inspected
    if inspect.isasyncgenfunction(inner) or inspect.isasyncgenfunction(called):
        yield f"trainable '{_name(trainable)}' is asynchronous; it must be a plain generator"
    elif not (inspect.isgeneratorfunction(inner) or inspect.isgeneratorfunction(called)):
        yield (
            f"trainable '{_name(trainable)}' has no yield; "
            "it must yield its metrics after every step, or report them under @search.reporting"
        )


def _signature_problems(name: str, parameters: list[inspect.Parameter]) -> Iterator[str]:
    if not parameters or parameters[0].kind not in POSITIONAL:
        yield f"trainable '{name}' must take the configuration as first argument"
    rest = parameters[1:]
    anything = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in rest)
    known = [p.name for p in rest if p.kind is not inspect.Parameter.POSITIONAL_ONLY]
    if "seed" not in known and not anything:
        meant = did_you_mean("seed", known)
        yield f"trainable '{name}' must take the keyword seed{meant}"
    for parameter in rest:
        if _is_required(parameter) and parameter.name not in ("seed", *OPTIONAL_KEYWORDS):
            meant = did_you_mean(parameter.name, ("seed", *OPTIONAL_KEYWORDS))
            yield (
                f"trainable '{name}' requires the keyword '{parameter.name}', which nobody gives"
                f"{meant}"
            )


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty and parameter.kind not in (
        inspect.Parameter.VAR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )

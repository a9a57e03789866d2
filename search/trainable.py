"""The contract a model meets: a generator function, or a class with step, save and load.

A **generator function** ``train(config, *, seed)`` yields its metrics after every step; it is
pruned by being closed, and restarts from step 0 after a lost worker.

A **class** has ``__init__(config, *, seed)``, ``step()``, ``save(directory)``,
``load(directory)``, and optionally ``predict(split)``, ``diagnostics()``, ``close()`` and a
property ``done`` that is True once the run has ended before its full length (early stopping).
It resumes from its last checkpoint.

Either may name the keywords ``max_steps`` (the full length, never a rung) and ``data`` (what the
study's loader returned).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from search.errors import TrainableError, near_miss

Split = Literal["validation", "test"]
TEST_PREFIX = "test_"
OPTIONAL_KEYWORDS = ("max_steps", "data")


@dataclass(frozen=True)
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
    """

    scores: NDArray[Any]
    targets: NDArray[Any]
    groups: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        for name in ("scores", "targets", "groups"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, np.asarray(value))
        rows = {len(x) for x in (self.scores, self.targets, self.groups) if x is not None}
        if len(rows) > 1:
            raise TrainableError(f"Predictions need as many scores as targets, got rows {rows}")


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
    """What a trainable turned out to be."""

    kind: Kind
    keywords: frozenset[str]
    predicts: bool

    def arguments(self, *, seed: int, max_steps: int, data: Any) -> dict[str, Any]:
        """Return the keyword arguments this trainable takes, out of those on offer."""
        offered = {"max_steps": max_steps, "data": data}
        return {"seed": seed, **{name: offered[name] for name in self.keywords}}


def inspect_trainable(trainable: Any) -> Contract:
    """Return which contract a trainable meets.

    Raises
    ------
    TrainableError
        If it meets neither, with every reason.
    """
    if inspect.isclass(trainable):
        missing = [name for name in ("step", "save", "load") if not hasattr(trainable, name)]
        problems = [f"class {trainable.__name__} lacks the method {name}()" for name in missing]
        kind: Kind = "class"
    elif callable(trainable):
        problems = [] if _is_generator(trainable) else [_not_a_generator(trainable)]
        kind = "generator"
    else:
        raise TrainableError(
            f"trainable must be a generator function or a class, got {trainable!r}"
        )
    problems += _signature_problems(trainable)
    if problems:
        raise TrainableError(problems)
    named = inspect.signature(trainable).parameters
    keywords = frozenset(name for name in OPTIONAL_KEYWORDS if name in named)
    return Contract(kind, keywords, predicts=kind == "class" and hasattr(trainable, "predict"))


def _is_generator(trainable: Any) -> bool:
    inner = getattr(trainable, "func", trainable)  # functools.partial
    return inspect.isgeneratorfunction(inspect.unwrap(inner)) or inspect.isgeneratorfunction(
        getattr(inner, "__call__", None)  # noqa: B004 - the method itself is inspected
    )


def _not_a_generator(trainable: Any) -> str:
    name = getattr(trainable, "__name__", repr(trainable))
    return f"trainable '{name}' has no yield; it must yield its metrics after every step"


def _signature_problems(trainable: Any) -> list[str]:
    name = getattr(trainable, "__name__", repr(trainable))
    parameters = list(inspect.signature(trainable).parameters.values())
    problems = []
    if not parameters or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        problems.append(f"trainable '{name}' must take the configuration as first argument")
    known = {parameter.name for parameter in parameters}
    if "seed" not in known:
        problems.append(
            f"trainable '{name}' must take the keyword seed{near_miss('seed', known - {'config'})}"
        )
    for parameter in parameters[1:]:
        required = parameter.default is inspect.Parameter.empty and parameter.kind not in (
            inspect.Parameter.VAR_KEYWORD,
            inspect.Parameter.VAR_POSITIONAL,
        )
        if required and parameter.name not in ("seed", *OPTIONAL_KEYWORDS):
            problems.append(
                f"trainable '{name}' requires the keyword '{parameter.name}', which nobody gives"
                f"{near_miss(parameter.name, ('seed', *OPTIONAL_KEYWORDS))}"
            )
    return problems

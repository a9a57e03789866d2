# ruff: noqa: ARG001, ARG002 - trainables name what the contract asks for, and need little of it
from __future__ import annotations

import functools
import pickle
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.errors import TrainableError
from search.trainable import ClassTrainable, Contract, Predictions, inspect_trainable

Steps = Iterator[Mapping[str, float]]


def plain(config: Any, *, seed: int) -> Steps:
    yield {"x": float(seed)}


def needy(config: Any, *, seed: int, max_steps: int, data: Any = None) -> Steps:
    yield {"x": float(seed + max_steps), "data": float(data is None)}


def anything(config: Any, **options: Any) -> Steps:
    yield {"x": float(options["seed"])}


def decorated(function: Callable[..., Steps]) -> Callable[..., Steps]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> Steps:
        return function(*arguments, **options)

    return wrapper


class Callable_:  # noqa: N801 - an object that is called
    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __call__(self, config: Any, *, seed: int) -> Steps:
        yield {"x": self.scale * seed}

    def method(self, config: Any, *, seed: int, data: Any) -> Steps:
        yield {"x": self.scale * seed}


class Whole:
    def __init__(self, config: Any, *, seed: int, max_steps: int = 3) -> None:
        self.config, self.seed, self.max_steps = config, seed, max_steps

    def step(self) -> Mapping[str, float]:
        return {"x": 1.0}

    def save(self, directory: Path) -> None:
        """Write nothing."""

    def load(self, directory: Path) -> None:
        """Read nothing."""


class Predicting(Whole):
    def predict(self, split: str) -> str:
        return split


@pytest.mark.parametrize(
    ("trainable", "contract"),
    [
        (plain, Contract("generator", frozenset(), predicts=False)),
        (
            needy,
            Contract(
                "generator",
                frozenset({"max_steps", "data"}),
                predicts=False,
                required=frozenset({"max_steps"}),
            ),
        ),
        (anything, Contract("generator", frozenset(), predicts=False)),
        (decorated(plain), Contract("generator", frozenset(), predicts=False)),
        (Callable_(2.0), Contract("generator", frozenset(), predicts=False)),
        (
            Callable_(2.0).method,
            Contract(
                "generator", frozenset({"data"}), predicts=False, required=frozenset({"data"})
            ),
        ),
        (
            functools.partial(needy, max_steps=5),
            Contract("generator", frozenset({"max_steps", "data"}), predicts=False),
        ),
        (Whole, Contract("class", frozenset({"max_steps"}), predicts=False)),
        (Predicting, Contract("class", frozenset({"max_steps"}), predicts=True)),
        (
            functools.partial(Predicting, max_steps=5),
            Contract("class", frozenset({"max_steps"}), predicts=True),
        ),
    ],
)
def test_the_contract_that_a_trainable_meets(trainable: Any, contract: Contract) -> None:
    found = inspect_trainable(trainable)
    assert found == contract
    made = trainable("config", **found.arguments(seed=4, max_steps=9, data=None))
    if found.kind == "generator":
        assert next(made)["x"] > 0
    else:
        assert made.seed == 4
    assert pickle.loads(pickle.dumps(found)) == found


def test_only_what_is_named_is_given() -> None:
    contract = inspect_trainable(needy)
    assert contract.arguments(seed=1, max_steps=2, data=3) == {"seed": 1, "max_steps": 2, "data": 3}
    assert inspect_trainable(plain).arguments(seed=1, max_steps=2, data=3) == {"seed": 1}


def returns(config: Any, *, seed: int) -> float:
    return float(seed)


async def later(config: Any, *, seed: int) -> AsyncIterator[dict[str, float]]:
    yield {"x": float(seed)}


def seedless(config: Any, *, sede: int = 0) -> Steps:
    yield {"x": float(sede)}


def greedy(config: Any, *, seed: int, max_step: int, epochs: int) -> Steps:
    yield {"x": float(seed + max_step + epochs)}


def nothing(*, seed: int) -> Steps:
    yield {"x": float(seed)}


def positional(config: Any, seed: int, /) -> Steps:
    yield {"x": float(seed)}


class Half:
    def __init__(self, config: Any) -> None:
        self.config = config

    def steps(self) -> None:
        """Be called otherwise."""

    save = "model.pt"


class Abstract(Whole, ABC):
    @abstractmethod
    def step(self) -> Mapping[str, float]:
        """Be missing."""


@pytest.mark.parametrize(
    ("trainable", "problems"),
    [
        (3, ["trainable must be a generator function or a class, got 3"]),
        (
            returns,
            [
                "trainable 'returns' has no yield; it must yield its metrics after every step, "
                "or report them under @search.reporting"
            ],
        ),
        (later, ["trainable 'later' is asynchronous; it must be a plain generator"]),
        (
            seedless,
            ["trainable 'seedless' must take the keyword seed; did you mean 'sede'?"],
        ),
        (
            greedy,
            [
                "trainable 'greedy' requires the keyword 'max_step', which nobody gives; "
                "did you mean 'max_steps'?",
                "trainable 'greedy' requires the keyword 'epochs', which nobody gives",
            ],
        ),
        (
            nothing,
            [
                "trainable 'nothing' must take the configuration as first argument",
                "trainable 'nothing' must take the keyword seed",
            ],
        ),
        (positional, ["trainable 'positional' must take the keyword seed"]),
        (
            Half,
            [
                "class Half lacks the method step(); did you mean 'steps'?",
                "class Half lacks the method save(directory)",
                "class Half lacks the method load(directory)",
                "trainable 'Half' must take the keyword seed",
            ],
        ),
        (
            iter,
            [
                "trainable 'iter' has no yield; it must yield its metrics after every step, "
                "or report them under @search.reporting"
            ],
        ),
    ],
)
def test_what_meets_no_contract_is_told_every_reason(trainable: Any, problems: list[str]) -> None:
    with pytest.raises(TrainableError) as caught:
        inspect_trainable(trainable)
    assert list(caught.value.problems)[: len(problems)] == problems


def test_an_abstract_class_cannot_be_built() -> None:
    with pytest.raises(TrainableError, match="is abstract: it cannot be built"):
        inspect_trainable(Abstract)


def test_the_protocol_is_what_the_contract_asks_of_a_class() -> None:
    assert isinstance(Whole("config", seed=1), ClassTrainable)
    assert not isinstance(Half("config"), ClassTrainable)


def test_predictions_are_arrays_of_as_many_rows() -> None:
    made = Predictions(scores=[[0.1, 0.9], [0.5, 0.5]], targets=[1, 0], groups=["a", "b"])  # type: ignore[arg-type]
    assert isinstance(made.scores, np.ndarray)
    assert made.scores.shape == (2, 2)
    again = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(again.targets, made.targets)
    assert made != again  # arrays have no truth value, so equality is identity


@pytest.mark.parametrize(
    ("scores", "targets", "groups", "shown"),
    [
        ([0.1, 0.2], [1], None, r"scores \(2,\), targets \(1,\)"),
        ([0.1], [1], ["a", "b"], r"groups \(2,\)"),
        (0.5, 1, None, r"scores \(\), targets \(\)"),
    ],
)
def test_predictions_of_different_lengths_are_refused(
    scores: Any, targets: Any, groups: Any, shown: str
) -> None:
    with pytest.raises(TrainableError, match=rf"need one row per target, got shapes .*{shown}"):
        Predictions(scores, targets, groups)

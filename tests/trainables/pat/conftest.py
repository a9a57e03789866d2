"""A few people for one day each, and configurations that train on them in a moment."""

from typing import Any

import pytest

from search.configuration import override
from trainables.pat.config import PatConfig
from trainables.pat.generator import GeneratorConfig
from trainables.pat.splits import Splits, generate_splits
from trainables.pat.trainable import Pat

SMALL = {"optim.batch_size": 8, "stop.epochs": 3, "init.masked.epochs": 1}
FEW = GeneratorConfig(n_train=20, n_validation=12, n_test=12, n_unlabelled=8, prevalence=0.5)


@pytest.fixture(scope="session")
def splits() -> Splits:
    """The same people for every test."""
    return generate_splits(FEW, seed=0)


@pytest.fixture(scope="session")
def run(splits: Splits) -> Any:
    """Return a function that begins a run."""

    def begin(*, seed: int = 0, max_steps: int = 9, **changes: Any) -> Pat:
        config = override(PatConfig(), SMALL | changes)
        return Pat(config, seed=seed, max_steps=max_steps, data=splits)

    return begin


@pytest.fixture
def curve() -> Any:
    """Return a function that runs to the end and gives the metrics of every step."""

    def follow(one: Pat) -> list[dict[str, float]]:
        found = []
        while not one.done:
            found.append(one.step())
        return found

    return follow

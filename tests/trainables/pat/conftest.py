"""A few people for one day each, and configurations that train on them in a moment."""

from typing import Any

import pytest

from search.configuration import override
from tests.contracts import pat
from trainables.pat.config import PatConfig
from trainables.pat.splits import Splits
from trainables.pat.trainable import Pat


@pytest.fixture(scope="session")
def splits() -> Splits:
    """The same people for every test."""
    return pat.data()


@pytest.fixture(scope="session")
def run(splits: Splits) -> Any:
    """Return a function that begins a run."""

    def begin(*, seed: int = 0, max_steps: int = 9, **changes: Any) -> Pat:
        config = override(PatConfig(), pat.SMALL | changes)
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

"""A few events, the same for every test."""

import pytest

from tests.contracts import pi_tft
from trainables.pi_tft.sequences import Splits


@pytest.fixture(scope="session")
def splits() -> Splits:
    return pi_tft.data()

"""Whose study it is: said before anything runs, and no obstacle."""

from __future__ import annotations

import logging

import pytest

from tests.search.protocol.conftest import Laboratory
from tests.search.protocol.registrations import ONE_LOOK
from tests.search.protocol.toys import GOOD, TRAINED, study


class Listening(logging.Handler):
    """Notes warnings, and how many runs had been begun by then."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[tuple[str, int]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a warning."""
        self.heard.append((record.getMessage(), len(TRAINED)))


@pytest.fixture
def listening():
    """What the protocol warns of."""
    found = Listening()
    logging.getLogger("search.protocol").addHandler(found)
    yield found
    logging.getLogger("search.protocol").removeHandler(found)


def test_another_owner_is_named_before_anything_runs(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch, listening: Listening
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    assert laboratory.interrupted(study(GOOD), ONE_LOOK, events=8)
    laboratory.interrupted(study(GOOD), ONE_LOOK, events=2)
    assert listening.heard == []
    monkeypatch.setenv("LOGNAME", "bob")
    n_runs = len(TRAINED)
    laboratory.run(study(GOOD), ONE_LOOK)
    ((words, when),) = listening.heard
    assert "study 'toy' in sqlite:///" in words
    assert "was begun by ada on 20" in words
    assert "not by bob" in words
    assert "Study(name=…)" in words
    assert when == n_runs < len(TRAINED)

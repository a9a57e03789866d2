from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from search.reports import search_report
from search.reports.search_table import NARROW, search_table
from search.storage.database import Database

LABEL = "Best configuration, ready to paste:\n"


@dataclass(frozen=True)
class Config:
    note: str
    lr: float = 0.1


def test_the_best_configuration_can_be_pasted_from_a_narrow_terminal(
    demo: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(NARROW))
    config = Config("words [bold] of a person " * 12)
    code = repr(config)
    assert len(code) > 3 * NARROW
    text = search_table(replace(search_report(demo, "demo"), code=code))
    assert text.count(LABEL) == 1
    assert eval(text.partition(LABEL)[2].strip()) == config
    assert max(map(len, text.partition(LABEL)[0].splitlines())) <= NARROW

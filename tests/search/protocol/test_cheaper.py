"""A technique that promises the same quality for less time."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from search.errors import TechniqueError
from search.protocol.registering import Design
from search.reports.priority_details import details
from search.technique import Technique
from tests.search.protocol.toys import Config, study, technique, train

SLOW_STEP = 0.03  # seconds
CACHE = Technique("Cache", on={"knob": 0.5}, cheaper=True)
LOOKS = Design(looks=(4, 6), tuning="none", stack=False)


def train_slowly(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield the same scores with the cache and without; without, every step waits."""
    for metrics in train(replace(config, knob=0.0), seed=seed):
        if not config.knob:
            time.sleep(SLOW_STEP)
        yield metrics


def ranked(laboratory, cache):
    laboratory.run(study(cache, technique("B"), trainable=train_slowly), LOOKS)
    return laboratory.report()


def test_it_is_flagged_and_the_report_says_so(laboratory):
    report = ranked(laboratory, CACHE)
    row = report.line("Cache").row
    assert "free_win" in row.flags
    assert row.effect == 0
    assert row.compute.high < 1
    assert "free_win" not in report.line("B").row.flags
    assert any("as good but cheaper" in each.text for each in details(report.line("Cache"), report))


def test_who_promises_nothing_is_not_flagged(laboratory):
    report = ranked(laboratory, replace(CACHE, cheaper=False))
    assert "free_win" not in report.line("Cache").row.flags
    assert report.line("Cache").row.effect == 0


def test_a_promise_is_yes_or_no():
    with pytest.raises(TechniqueError, match="cheaper is True or False, got 'yes'"):
        Technique("Cache", on={"knob": 0.5}, cheaper="yes")  # type: ignore[arg-type]
